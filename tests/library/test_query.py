"""The language of searches."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salm.errors import InputError
from salm.library.filters import InRange, Named
from salm.library.query import Alternative, Condition, Query, parse_query, parse_where

LEFT = InRange(quantity="azimuth", low=67.5, high=112.5, high_open=True)
ABOVE_20 = InRange(quantity="elevation", low=20.0, low_open=True)


def texts(alternative: Alternative) -> tuple[set[str], set[str]]:
    return tuple({phrase.text for phrase in phrases} for phrases in (alternative.wanted, alternative.unwanted))


def test_everything_at_once() -> None:
    (found,) = parse_query("rain AND dog from:left elevation:>20 NOT music").alternatives
    assert texts(found) == ({"rain", "dog"}, {"music"})
    assert found.conditions == (Condition(LEFT), Condition(ABOVE_20))


def test_a_plain_sentence_is_one_phrase() -> None:
    query = parse_query("thunder that is behind and high, not far")
    (found,) = query.alternatives
    assert [phrase.text for phrase in found.wanted] == ["thunder that is behind and high, not far"]
    assert (found.unwanted, found.conditions) == ((), ())
    assert query.to_dict()["sector"] == "back"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rain OR dog from:left", [({"rain"}, 0), ({"dog"}, 1)]),
        ("(rain OR dog) from:left", [({"rain"}, 1), ({"dog"}, 1)]),
        ("rain (dog OR cat)", [({"rain", "dog"}, 0), ({"rain", "cat"}, 0)]),
        ('"rain AND dog"', [({"rain AND dog"}, 0)]),
        ("NOT (NOT rain)", [({"rain"}, 0)]),
        ("rain rain AND rain", [({"rain rain", "rain"}, 0)]),
        ("dog OR dog", [({"dog"}, 0)]),
        ("left: a dog barks", [({"left: a dog barks"}, 0)]),
    ],
)
def test_brackets_and_precedence(text: str, expected: list[tuple[set[str], int]]) -> None:
    found = [({p.text for p in a.wanted}, len(a.conditions)) for a in parse_query(text).alternatives]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "filter"),
    [
        ("from:left", LEFT),
        ("from:90", LEFT),
        ("from:west", LEFT),
        ("from:port", LEFT),
        ("from:port-bow", InRange(quantity="azimuth", low=22.5, high=67.5, high_open=True)),
        ("from:astern", InRange(quantity="azimuth", low=157.5, high=-157.5, high_open=True)),
        ("from:front-left", InRange(quantity="azimuth", low=22.5, high=67.5, high_open=True)),
        ('from:"back right"', InRange(quantity="azimuth", low=-157.5, high=-112.5, high_open=True)),
        ("from:behind", InRange(quantity="azimuth", low=157.5, high=-157.5, high_open=True)),
        ("from:above", InRange(quantity="elevation", low=20.0)),
        ("elevation:below", InRange(quantity="elevation", high=-20.0)),
        ("elevation:<=-5", InRange(quantity="elevation", high=-5.0)),
        ("azimuth:150..-150", InRange(quantity="azimuth", low=150.0, high=-150.0)),
        ("confidence:>80%", InRange(quantity="confidence", low=0.8, low_open=True)),
        ("duration:2min..1h", InRange(quantity="duration", low=120.0, high=3600.0)),
        ("file:Takes/*.WAV", Named(pattern="Takes/*.WAV")),
    ],
)
def test_conditions(text: str, filter: InRange | Named) -> None:
    for negated in (False, True):
        (found,) = parse_query(f"NOT {text}" if negated else text).alternatives
        assert found.conditions == (Condition(filter, negated),)
        json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("rain AND", "at its end", "words, a condition"),
        ("AND rain", "at character 1, 'AND'", "words, a condition"),
        ("rain OR OR dog", "at character 9, 'OR'", "words, a condition"),
        ("NOT", "at its end", "words, a condition"),
        ("(rain", "at character 1, '('", "not closed"),
        ("rain)", "at character 5, ')'", "no bracket open"),
        ("()", "at character 2, ')'", "words, a condition"),
        ('rain "dog', "at character 6, '\"'", "not closed"),
        ("rain from:", "at character 6, 'from:'", "needs a value"),
        ("rain from:sideways", "at character 6, 'from:sideways'", "names no direction"),
        ("rain elevation:20", "at character 6, 'elevation:20'", "takes a bound or a range"),
        ("elevation:>100", "at character 1, 'elevation:>100'", "is between -90 and 90"),
        ("confidence:>80", "'confidence:>80'", "is between 0 and 1; a percentage is written confidence:>80%."),
        ("confidence:<=12.5", "at character 1", "a percentage is written confidence:<=12.5%."),
        ("confidence:50..80", "at character 1", "a percentage is written confidence:50%..80%."),
        ("confidence:>180", "at character 1", "is between 0 and 1."),
        ("confidence:>120%", "at character 1", "is between 0 and 1."),
        ("elevation:20..10", "at character 1, 'elevation:20..10'", "nothing is in this range"),
        ("duration:>3m", "at character 1, 'duration:>3m'", "has the units s, min, h"),
        ("rain AND :", "at character 10, ':'", "neither what nor where"),
        ("rain pitch:high", "at character 6, 'pitch:high'", "there is no condition pitch:"),
        ("rain AND dog left, cat right", "at character 10, 'dog left, cat right'", "names several directions"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, place: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_query(text)
    assert place in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["rain", "rain from:west", "file:rain"])
def test_an_unknown_facing_is_said_to_be_that(text: str) -> None:
    with pytest.raises(InputError, match=r"^facing is 'up' but must be one of north, "):
        parse_query(text, facing="up")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rain", "'rain' names no direction"),
        ("a dog from the left", "the example says what to find, so 'a dog' is one too many"),
        ("from the left AND from behind", "one direction only"),
        ("from:sideways", "names no direction"),
    ],
)
def test_beside_an_example_stands_one_direction_at_most(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parse_where(text)


def test_an_example_may_stand_alone_on_a_compass_that_there_is() -> None:
    assert parse_where(" ").alternatives == (Alternative(),)
    with pytest.raises(InputError, match="facing is 'up'"):
        parse_where("", facing="up")


def test_what_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(InputError, match="too many brackets or NOTs within each other"):
        parse_query("(" * 999)


@pytest.mark.parametrize("text", ["dog" + ", " * 10_000, "that is " * 2_000, "(" * 2_000])
def test_a_text_that_would_take_minutes_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"has \d+ characters; use at most 1000"):
        parse_query(text)


def test_too_many_alternatives_are_refused() -> None:
    with pytest.raises(InputError, match="more than 64 alternatives"):
        parse_query(" ".join("(a OR b)" for _ in range(7)))


# Formulas of logic over a few words, as text and as a function of which words are there.
WORDS = ("dog", "rain", "bell")
ATOMS = st.sampled_from([*WORDS, "from:left", "elevation:>20"]).map(lambda atom: (atom, lambda true: true[atom]))


def joined(parts):  # type: ignore[no-untyped-def]
    def of(operator: str, every):  # type: ignore[no-untyped-def]
        text = f"({f' {operator} '.join(text for text, _ in parts)})"
        return text, lambda true: every(meaning(true) for _, meaning in parts)

    return st.sampled_from([("AND", all), ("OR", any)]).map(lambda pair: of(*pair))


FORMULAS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).flatmap(joined),
        inner.map(lambda one: (f"NOT {one[0]}", lambda true: not one[1](true))),
    ),
    max_leaves=6,
)


@given(FORMULAS, st.tuples(*[st.booleans()] * 5))
def test_alternatives_mean_what_the_formula_means(formula, values: tuple[bool, ...]) -> None:  # type: ignore[no-untyped-def]
    text, meaning = formula
    true = dict(zip([*WORDS, "from:left", "elevation:>20"], values, strict=True))
    conditions = {LEFT: true["from:left"], ABOVE_20: true["elevation:>20"]}

    def met(alternative: Alternative) -> bool:
        return (
            all(true[phrase.what] for phrase in alternative.wanted)
            and not any(true[phrase.what] for phrase in alternative.unwanted)
            and all(conditions[filter] ^ negated for filter, negated in alternative.conditions)
        )

    query, refusal = understood(text)
    assert (
        "more than 64 alternatives" in refusal if query is None else any(map(met, query.alternatives)) == meaning(true)
    )


@given(st.text(alphabet=st.sampled_from('abf "():<>.-0129ANDORTNfromelvatiu%é'), max_size=40))
def test_any_text_is_understood_or_refused_in_one_line(text: str) -> None:
    query, refusal = understood(text)
    if query is None:
        assert "\n" not in refusal
    else:
        json.dumps(query.to_dict(), allow_nan=False)
        assert str(query)


def understood(text: str) -> tuple[Query | None, str]:
    """The query, or why there is none."""
    try:
        return parse_query(text), ""
    except InputError as error:
        return None, str(error)

"""Asking until an answer is right, and the template that puts wrong ones right."""

import pytest

from salm.errors import InputError
from salm.scenes.rephrase.ask import Asker, AskSettings
from salm.scenes.rephrase.validate import failed_check

DOG = "A dog barks"
BAD = "The sound is coming from the east."


def test_a_good_answer_is_taken_at_once(toy_model, told) -> None:
    model = toy_model(told)
    said = Asker(backend=model)(DOG, 2)
    assert said.spatial_caption == "A dog barks is coming from the east."
    assert (said.verdict, said.tries, said.refused) == ("accepted", 1, ())
    assert [asked["seed"] for asked in model.asked] == [said.seed]
    assert (model.asked[0]["temperature"], model.asked[0]["max"]) == (0.2, 128)


def test_each_try_has_another_seed_and_the_last_good_one_counts(toy_model) -> None:
    answers = iter([BAD, "A dog barks.", "A dog barks in the east."])
    model = toy_model(lambda _: next(answers))
    said = Asker(backend=model)(DOG, 2)
    assert (said.spatial_caption, said.verdict, said.tries) == ("A dog barks in the east.", "accepted", 3)
    assert said.refused == ((BAD, "content"), ("A dog barks.", "direction"))
    seeds = [asked["seed"] for asked in model.asked]
    assert len(set(seeds)) == 3
    assert said.seed == seeds[-1]
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_template_takes_the_place_of_bad_answers(toy_model) -> None:
    model = toy_model(lambda _: BAD)
    said = Asker(backend=model, settings=AskSettings(tries=2))(DOG, 2)
    assert (said.verdict, said.tries, said.seed) == ("content", 2, None)
    assert said.refused == ((BAD, "content"),) * 2
    assert failed_check(said.spatial_caption, caption=DOG, sector=2, vocabulary="compass", facing="south") is None


@pytest.mark.parametrize("caption", ["A dog barks on the left", "A car passes from left to right"])
def test_a_caption_with_a_place_of_its_own_is_nothing_to_ask_for(toy_model, caption: str) -> None:
    model = toy_model(pytest.fail)
    said = Asker(backend=model)(caption, 2)
    assert (said.verdict, said.tries) == ("names a place", 0)
    assert "east" in said.spatial_caption


@pytest.mark.parametrize("vocabulary", ["listener", "compass", "clock"])
def test_without_a_model_there_are_templates_of_several_shapes(vocabulary: str) -> None:
    asker = Asker(backend=None, settings=AskSettings(vocabulary=vocabulary))
    said = [asker(f"Dog {number} barks", 3) for number in range(20)]
    assert {one.verdict for one in said} == {"template"}
    shapes = {one.spatial_caption.lower().replace(f"dog {number} barks", "...") for number, one in enumerate(said)}
    assert len(shapes) > 2
    assert all(shape.endswith(".") for shape in shapes)


def test_the_same_request_gives_the_same_answer_and_another_one_another_key(toy_model, told) -> None:
    first, second = Asker(backend=toy_model(told)), Asker(backend=toy_model(told))
    assert first(DOG, 2) == second(DOG, 2)
    others = [
        second.key("A dog howls", 2),
        second.key(DOG, 3),
        Asker(backend=toy_model(told, "other")).key(DOG, 2),
        Asker(backend=None).key(DOG, 2),
        *(
            Asker(backend=toy_model(told), settings=AskSettings(**other)).key(DOG, 2)
            for other in ({"prompt": "code"}, {"temperature": 0.3}, {"seed": 1}, {"facing": "north"}, {"tries": 1})
        ),
    ]
    assert first.key(DOG, 2) == second.key(DOG, 2)
    assert len({first.key(DOG, 2), *others}) == len(others) + 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"prompt": "poem"}, "the prompt is 'poem' but must be one of paper, code, examples"),
        ({"vocabulary": "bearing"}, "the vocabulary is 'bearing' but must be one of listener, compass, clock"),
        ({"facing": "up"}, "facing is 'up'"),
        ({"temperature": -0.1}, "the temperature is -0.1 but must lie between 0 and 2"),
        ({"temperature": float("nan")}, "the temperature is nan"),
        ({"tries": 0}, "tries is 0 but must be at least 1"),
        ({"max_tokens": 0}, "max_tokens is 0 but must be at least 1"),
        ({"seed": -1}, "seed is -1 but must be at least 0"),
    ],
)
def test_settings_that_cannot_be(wrong: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        AskSettings(**wrong)

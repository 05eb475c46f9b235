"""Phrases split into what and where."""

import json
import re

import pytest

from salm.errors import InputError
from salm.frame import SECTORS, parse_direction
from salm.library.phrase import Phrase, parse_phrase
from salm.scenes.captions import (
    DIRECTION_PHRASINGS,
    TRAINING_PHRASINGS,
    Phrasing,
    direction_sentence,
    spatial_caption,
)


@pytest.mark.parametrize(
    ("text", "what", "sector", "elevation"),
    [
        ("dog from the left", "dog", "left", None),
        ("thunder that is behind and high", "thunder", "back", "above"),
        ("rain", "rain", None, None),
        ("overhead", "", None, "above"),
        ("left", "", "left", None),
        ("something on the right", "", "right", None),
        ("what is behind me?", "", "back", None),
        ("what", "what", None, None),
        ("left: a dog barks", "a dog barks", "left", None),
        ("find the thunder coming from behind", "the thunder", "back", None),
        ("a car at 3 o'clock", "a car", "right", None),
        ("a dog behind me, to the left, barking", "a dog barking", "back left", None),
        ("In front there is a dog", "a dog", "front", None),
        ("music playing on the left please", "music playing", "left", None),
        ("footsteps in the back yard", "footsteps in the back yard", None, None),
        ("like this but from behind", "", "back", None),
        ("more like this, on the left", "", "left", None),
        ("an alarm with a high pitch", "an alarm with a high pitch", None, None),
    ],
)
def test_what_and_where(text: str, what: str, sector: str | None, elevation: str | None) -> None:
    query = parse_phrase(text)
    assert (query.what, query.sector, query.elevation) == (what, sector, elevation)
    assert query.text == text


@pytest.mark.parametrize("phrasing", TRAINING_PHRASINGS)
@pytest.mark.parametrize("elevation", [None, "above", "below"])
def test_training_captions_are_taken_apart(phrasing, elevation: str | None) -> None:  # type: ignore[no-untyped-def]
    for sector in range(8):
        query = parse_phrase(spatial_caption("A dog barks.", sector, phrasing=phrasing, elevation=elevation))
        assert (query.sector, query.elevation) == (SECTORS[sector], elevation)
        assert "a dog barks" in query.what.lower()
        # Longer frames leave words of theirs behind, such as "I hear this", and none of the place.
        assert parse_direction(query.what) is None
        if is_bare(phrasing):
            assert query.what.lower() == "a dog barks"


def is_bare(phrasing: Phrasing) -> bool:
    """Whether a phrasing is the caption and the place, and hardly a word besides."""
    besides = re.sub(r"\{\w+\}|[^\w]|coming|Heard|heard|find", "", phrasing.template)
    return not besides


def test_most_short_phrasings_are_bare() -> None:
    assert sum(map(is_bare, TRAINING_PHRASINGS)) > 40


@pytest.mark.parametrize("phrasing", DIRECTION_PHRASINGS)
def test_sentences_about_the_place_alone_have_no_what(phrasing) -> None:  # type: ignore[no-untyped-def]
    for sector in range(8):
        query = parse_phrase(direction_sentence(sector, phrasing=phrasing))
        assert (query.what, query.sector) == ("", SECTORS[sector])


def test_compass_words_need_the_facing() -> None:
    assert parse_phrase("bells in the east", facing="north").azimuth_deg == -90
    assert parse_phrase("bells in the east", facing="south").azimuth_deg == 90


def test_plain_form_is_json() -> None:
    query = parse_phrase("rain at azimuth 30")
    plain = json.loads(json.dumps(query.to_dict()))
    assert Phrase(**plain) == query
    assert plain["azimuth_deg"] == 30
    assert plain["sector"] == "front left"


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "is empty"), ("  ", "is empty"), ("dog left, cat right", "several directions")],
)
def test_wrong_queries_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_phrase(text)

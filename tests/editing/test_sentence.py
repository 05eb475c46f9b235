"""Sentences that ask for edits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salm.editing.sentence import BAND_ELEVATIONS_DEG, Mirror, MoveTo, TurnBy, parse_edit
from salm.errors import InputError
from salm.frame import VOCABULARIES, WINDS, direction_word, elevation_band, sector_centre_deg, wrap_deg


@pytest.mark.parametrize(
    ("sentence", "azimuth_deg", "elevation_deg"),
    [
        ("move it to the left", 90, None),
        ("Move it to the right!", -90, None),
        ("place the sound behind me", 180, None),
        ("put it at 3 o'clock", -90, None),
        ("make it come from the north", 0, None),
        ("bring it above", None, 45),
        ("put it in front of me and above", 0, 45),
        ("move it up high on the right", -90, 45),
        ("put it 60 degrees to the left", 60, None),
        ("move the sound to elevation 40", None, 40),
        ("turn it to azimuth -30", -30, None),
        ("turn it to 45 degrees", 45, None),
        ("turn it to the left", 90, None),
        ("turn this so the door is on the right", -90, None),
        ("turn it so it is 30 degrees to the left", 30, None),
        ("left", 90, None),
        ("back right, below", -135, -45),
    ],
)
def test_goals(sentence: str, azimuth_deg: float | None, elevation_deg: float | None) -> None:
    assert parse_edit(sentence) == MoveTo(azimuth_deg, elevation_deg)


@pytest.mark.parametrize(
    ("sentence", "degrees"),
    [
        ("rotate 90 degrees to the left", 90),
        ("rotate 90 degrees to the right", -90),
        ("turn right by 30 degrees", -30),
        ("turn it by 45 degrees clockwise", -45),
        ("rotate the scene anti-clockwise by 22.5°", 22.5),
        ("rotate counter-clockwise 10 deg", 10),
        ("turn the scene a quarter turn right", -90),
        ("spin it half a turn", 180),
        ("turn it around", 180),
        ("rotate by -30 degrees", -30),
        ("rotate by −30 degrees", -30),
        ("rotate 450 degrees", 90),
        ("move it 30 degrees to the left", 30),
        ("turn it ninety degrees left", 90),
        ("turn it around the vertical axis by 20 degrees", 20),
    ],
)
def test_amounts(sentence: str, degrees: float) -> None:
    assert parse_edit(sentence) == TurnBy(degrees)


@pytest.mark.parametrize(
    "sentence",
    [
        "mirror it",
        "mirror it left to right",
        "swap left and right",
        "flip left and right",
        "exchange the right and the left channel",
        "flip the scene horizontally",
    ],
)
def test_mirrors(sentence: str) -> None:
    assert parse_edit(sentence) == Mirror()


@given(st.integers(0, 7), st.sampled_from(VOCABULARIES), st.sampled_from(WINDS))
def test_every_sector_word_is_a_goal(sector: int, vocabulary: str, facing: str) -> None:
    word = direction_word(sector, vocabulary=vocabulary, facing=facing)
    preposition = "to" if vocabulary == "clock" else "to the"
    assert parse_edit(f"move it {preposition} {word}", facing=facing) == MoveTo(sector_centre_deg(sector))


@given(st.integers(-360, 360), st.sampled_from(["left", "right"]))
def test_left_and_right_amounts_are_opposite(degrees: int, side: str) -> None:
    sign = 1 if side == "left" else -1
    assert parse_edit(f"rotate it {degrees} degrees to the {side}") == TurnBy(wrap_deg(sign * degrees))


def test_compass_goals_need_the_facing() -> None:
    assert parse_edit("move it to the west", facing="north") == MoveTo(90)
    assert parse_edit("move it to the west", facing="south") == MoveTo(-90)


def test_elevations_meant_by_words_lie_in_their_bands() -> None:
    for band, elevation_deg in BAND_ELEVATIONS_DEG.items():
        assert elevation_band(elevation_deg) == band


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("", "names no edit"),
        ("make it louder", "names no edit"),
        ("delete the dog on the left", "names no edit"),
        ("rotate by 1000 degrees", "names no edit"),
        ("move it to the left and to the right", "several directions"),
        ("move it from the left to the right", "several directions"),
        ("put it above and below", "several directions"),
        ("mirror it and move it behind", "several things"),
        ("rotate 90 degrees left and then mirror it", "several things"),
        ("turn it 20 degrees to the back", "several things"),
        ("turn it 20 degrees and 30 degrees", "several things"),
        ("rotate 30 degrees left 60 degrees right", "both ways"),
        ("flip it", "only left and right"),
        ("mirror front and back", "only left and right"),
        ("move it 30 degrees up", "vertical axis only"),
        ("turn it clockwise", "by how many degrees"),
        ("turn it a little to the left", "by how many degrees"),
        ("turn it to the left by many degrees", "cannot be read"),
        ("don't move it to the left", "what not to do"),
        ("turn the microphone to the left", "turns the listener"),
        ("turn to face the left", "turns the listener"),
    ],
)
def test_what_is_not_understood_is_refused_in_one_line(sentence: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as refusal:
        parse_edit(sentence)
    assert "\n" not in str(refusal.value)


def test_a_refusal_gives_examples_that_work() -> None:
    with pytest.raises(InputError) as refusal:
        parse_edit("make it nice")
    examples = str(refusal.value).split("say for example ")[1].split("'")[1::2]
    assert [type(parse_edit(example)) for example in examples] == [MoveTo, TurnBy, Mirror]

"""Sentences that ask for edits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salm.editing.operations import Louder, Mirror, MoveTo, RaiseBy, Tilt, TurnBy
from salm.editing.sentence import BAND_ELEVATIONS_DEG, parse_edit
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
        ("put it straight above", None, 90),
        ("put it overhead", None, 90),
        ("put it 30 degrees to the left and 20 degrees up", 30, 20),
        ("raise it to 20 degrees", None, 20),
        ("lower it to -10 degrees", None, -10),
        ("move it to port", 90, None),
        ("put it off the starboard bow, and high", -45, 45),
        ("put it 30 degrees to port", 30, None),
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
        ("turn it 20 degrees to starboard", -20),
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


@pytest.mark.parametrize(
    ("sentence", "sides"),
    [
        ("mirror front and back", "front-back"),
        ("swap the back and the front", "front-back"),
        ("swap port and starboard", "left-right"),
        ("swap up and down", "up-down"),
        ("exchange top and bottom", "up-down"),
        ("flip it upside down", "up-down"),
        ("flip vertically", "up-down"),
    ],
)
def test_mirrors_of_other_sides(sentence: str, sides: str) -> None:
    assert parse_edit(sentence) == Mirror(sides)


@pytest.mark.parametrize(
    ("sentence", "up_deg"),
    [
        ("raise it by 20 degrees", 20),
        ("lift the sound 20 degrees", 20),
        ("lower it by ten degrees", -10),
        ("move it 30 degrees up", 30),
        ("move it down by 15 degrees", -15),
        ("turn it up by 20 degrees", 20),
        ("make it 20 degrees higher", 20),
        ("make it 20 degrees lower", -20),
    ],
)
def test_up_and_down(sentence: str, up_deg: float) -> None:
    assert parse_edit(sentence) == RaiseBy(up_deg)


@pytest.mark.parametrize(
    ("sentence", "pitch_deg", "roll_deg"),
    [
        ("tilt it 20 degrees forward", -20, 0),
        ("tilt it back by 20 degrees", 20, 0),
        ("pitch the scene up by 10 degrees", 10, 0),
        ("tilt it 20 degrees to the left", 0, -20),
        ("lean it by 5 degrees to the right", 0, 5),
        ("roll it clockwise by 15 degrees", 0, 15),
        ("roll it counter-clockwise by 15 degrees", 0, -15),
        ("roll it left a quarter turn", 0, -90),
    ],
)
def test_tilts(sentence: str, pitch_deg: float, roll_deg: float) -> None:
    assert parse_edit(sentence) == Tilt(pitch_deg, roll_deg)


@pytest.mark.parametrize(
    ("sentence", "operation"),
    [
        ("make the left louder by 6 dB", Louder(6, 90, 0)),
        ("make the left louder", Louder(6, 90, 0)),
        ("duck what is behind", Louder(-6, 180, 0)),
        ("duck what is behind by -9 dB", Louder(-9, 180, 0)),
        ("boost 30 degrees to the left by three dB", Louder(3, 30, 0)),
        ("make what's on the right 4 decibels quieter", Louder(-4, -90, 0)),
        ("turn down the back by 6 dB", Louder(-6, 180, 0)),
        ("turn the left up by 3 dB", Louder(3, 90, 0)),
        ("raise the left by 3 dB", Louder(3, 90, 0)),
        ("lower the volume on the left", Louder(-6, 90, 0)),
        ("-6 dB on the left", Louder(-6, 90, 0)),
        ("duck the dog on the left", Louder(-6, 90, 0)),
        ("make what is above louder by 6 dB", Louder(6, 0, 90)),
        ("boost the top by 3 dB", Louder(3, 0, 90)),
        ("make what is behind and above quieter", Louder(-6, 180, 45)),
        ("make it 3 dB louder", Louder(3)),
        ("turn it down by 3 dB", Louder(-3)),
        ("turn the volume up", Louder(6)),
    ],
)
def test_louder_and_quieter(sentence: str, operation: Louder) -> None:
    assert parse_edit(sentence) == operation


@given(
    st.sampled_from(["boost", "amplify", "duck", "attenuate", "raise", "lower"]),
    st.integers(0, 7),
    st.sampled_from(["listener", "compass", "clock"]),
    st.floats(0.1, 20).map(lambda number: round(number, 1)),
)
def test_every_direction_can_be_made_louder_or_quieter(verb: str, sector: int, vocabulary: str, number: float) -> None:
    word = direction_word(sector, vocabulary=vocabulary)
    place = f"what is at {word}" if vocabulary == "clock" else f"the {word}"
    sign = 1 if verb in ("boost", "amplify", "raise") else -1
    assert parse_edit(f"{verb} {place} by {number} dB") == Louder(sign * number, sector_centre_deg(sector), 0.0)


@given(st.integers(-360, 360), st.sampled_from(["raise", "lower", "move"]), st.sampled_from(["up", "down"]))
def test_up_and_down_are_opposite(degrees: int, verb: str, way: str) -> None:
    sentence = f"{verb} it {way} by {degrees} degrees" if verb == "move" else f"{verb} it by {degrees} degrees"
    sign = 1 if (way if verb == "move" else {"raise": "up", "lower": "down"}[verb]) == "up" else -1
    assert parse_edit(sentence) == RaiseBy(wrap_deg(sign * degrees))


@given(st.text(max_size=60))
def test_any_text_is_an_operation_or_one_line(text: str) -> None:
    said = ""
    try:
        parse_edit(text)
    except InputError as refusal:
        said = str(refusal)
    assert "\n" not in said


@given(st.integers(0, 7), st.sampled_from(VOCABULARIES), st.sampled_from(WINDS))
def test_every_sector_word_is_a_goal(sector: int, vocabulary: str, facing: str) -> None:
    word = direction_word(sector, vocabulary=vocabulary, facing=facing)
    # "To the port" is to a harbour, and ahead and astern have no article.
    bare = vocabulary == "clock" or word in ("ahead", "port", "astern")
    assert parse_edit(f"move it {'to' if bare else 'to the'} {word}", facing=facing) == MoveTo(
        sector_centre_deg(sector)
    )


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
        ("make it nicer", "names no edit"),
        ("delete the dog on the left", "nothing can be taken out"),
        ("make the dog louder", "names no direction to make louder"),
        ("make the left louder and the right quieter", "both ways"),
        ("make the left louder than the right", "compares two things"),
        ("boost the left by 40 dB", "up to 20 dB"),
        ("boost the left a bit", "by how much"),
        ("set the left to -6 dB", "sets a level"),
        ("make what is level louder", "names no direction"),
        ("boost the horizon", "no beam looks there"),
        ("turn it by 20 degrees and make it 3 dB louder", "several things"),
        ("boost the left by 3 dB and by 6 dB", "several things"),
        ("raise it", "by how many degrees, or where to"),
        ("move it up", "by how many degrees, or where to"),
        ("raise it to 100 degrees", "between -90 and 90"),
        ("move it 20 degrees up and 10 degrees down", "several things"),
        ("tilt it by 20 degrees", "one way to tilt"),
        ("tilt it to the left", "by how many degrees"),
        ("pitch it 20 degrees to the left", "one way to tilt"),
        ("turn it upside down", "swap up and down"),
        ("swap left and right and front and back", "several things"),
        ("rotate by 1000 degrees", "names no edit"),
        ("move it to the left and to the right", "several directions"),
        ("move it from the left to the right", "several directions"),
        ("put it above and below", "several directions"),
        ("mirror it and move it behind", "several things"),
        ("rotate 90 degrees left and then mirror it", "several things"),
        ("turn it 20 degrees to the back", "several things"),
        ("turn it 20 degrees and 30 degrees", "several things"),
        ("rotate 30 degrees left 60 degrees right", "both ways"),
        ("flip it", "which two sides"),
        ("mirror it and put it up", "which two sides"),
        ("turn it clockwise", "by how many degrees"),
        ("turn it a little to the left", "by how much"),
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
    assert [type(parse_edit(example)) for example in examples] == [MoveTo, TurnBy, RaiseBy, Mirror, Louder]


def test_a_sentence_that_would_take_minutes_is_refused() -> None:
    with pytest.raises(InputError, match=r"has 20000 characters; use at most 1000"):
        parse_edit("turn " * 4_000)

"""What is taken for a spatial caption, on sentences as models write them, good and bad, and on every template."""

import pytest

from salm.scenes.captions import PLAIN_PHRASINGS, spatial_caption
from salm.scenes.rephrase.validate import CHECKS, failed_check, tidied

DOG = "A dog barks while rain falls"
SOUTH, SOUTHEAST, EAST, NORTHEAST, NORTH, NORTHWEST, WEST, SOUTHWEST = range(8)
"""Sectors by their compass words, where the front is south."""
FRONT, FRONT_LEFT, LEFT, BACK_LEFT, BACK, BACK_RIGHT, RIGHT, FRONT_RIGHT = range(8)


def check(
    answer: str, sector: int, caption: str = DOG, vocabulary: str = "compass", facing: str = "south"
) -> str | None:
    return failed_check(answer, caption=caption, sector=sector, vocabulary=vocabulary, facing=facing)


@pytest.mark.parametrize(
    ("answer", "sector"),
    [
        ("A dog barks in falling rain from the east.", EAST),
        ("From the northeast, a dog is barking as rain falls.", NORTHEAST),
        ("To the south, a dog barks while rain is falling!", SOUTH),
        ("The sound of a dog barking while rain is falling is coming from the north-west.", NORTHWEST),
        ("Rain falls and a dog barks in the southwestern corner.", SOUTHWEST),
        ("A dog barks in falling rain, heard from a southeasterly direction.", SOUTHEAST),
        ("A barking dog and falling rain can be heard from the western side.", WEST),
        ("A dog barks in falling rain to the west.", WEST),
        ("The dog's bark, amid falling rain, comes from the west.", WEST),
    ],
)
def test_ways_to_say_it_on_the_compass_are_taken(answer: str, sector: int) -> None:
    assert check(answer, sector) is None


@pytest.mark.parametrize(
    ("answer", "sector", "vocabulary"),
    [
        ("A dog barks in the falling rain on your left.", LEFT, "listener"),
        ("A dog barks behind you while rain falls.", BACK, "listener"),
        ("From behind, a dog barks as rain falls.", BACK, "listener"),
        ("A dog barks in falling rain straight ahead.", FRONT, "listener"),
        ("A dog barks in front while rain is falling.", FRONT, "listener"),
        ("Behind and to the left, a dog barks in falling rain.", BACK_LEFT, "listener"),
        ("A dog barks, rain falling, from the right-hand side.", RIGHT, "listener"),
        ("A dog barks as rain falls to your front right.", FRONT_RIGHT, "listener"),
        ("A dog barks in falling rain at 3 o'clock.", RIGHT, "clock"),
        ("From half past ten, a dog barks while rain falls.", FRONT_LEFT, "clock"),
        ("A dog barks in falling rain at 4:30.", BACK_RIGHT, "clock"),
    ],
)
def test_ways_to_say_it_in_other_words_are_taken(answer: str, sector: int, vocabulary: str) -> None:
    assert check(answer, sector, vocabulary=vocabulary, facing="north") is None


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ("", "empty"),
        ("Here is the rephrased sentence: A dog barks while rain falls from the east.", "preface"),
        ("Sure! A dog barks while rain falls from the east.", "preface"),
        ("The sound: A dog barks while rain falls is coming from the east.", "preface"),
        ("Rephrased: a dog barks while rain falls from the east.", "preface"),
        ("The sound detail is a dog barking in falling rain from the east.", "preface"),
        ("Sound: a dog barks while rain falls. Direction: east.", "preface"),
        ("I can hear a dog barking while rain falls from the east.", "preface"),
        ('The sound "a dog barks while rain falls" comes from the east.', "quotes"),
        ("A ‘dog barks’ while rain falls from the east.", "quotes"),
        ("A **dog** barks while rain falls from the east.", "quotes"),
        ("- A dog barks.\n- Rain falls from the east.", "sentence"),
        ("A dog barks while rain falls. It comes from the east.", "sentence"),
        ("A dog barks while rain falls from the east", "sentence"),
        ("A dog barks while rain falls from the east, and.", None),
        ("A dog barks while rain falls from the east,", "sentence"),
        ("Is a dog barking while rain falls from the east?", "sentence"),
        ("Eastern dog.", "length"),
        (f"A dog barks while {'rain and ' * 20} rain falls from the east.", "length"),
    ],
)
def test_what_is_no_plain_sentence_is_refused(answer: str, failed: str | None) -> None:
    assert check(answer, EAST) == failed


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ("A dog barks while rain falls.", "direction"),
        ("A dog barks while rain falls from the west.", "direction"),
        ("A dog barks while rain falls from the northeast.", "direction"),
        ("A dog barks while rain falls from the north-northeast.", "direction"),
        ("A dog barks while eastern rain falls.", "direction"),
        ("A dog barks while rain falls near the east wing.", "direction"),
        ("A dog barks while rain falls on the left.", "direction"),
        ("A dog barks while rain falls at 90 degrees to the left.", "direction"),
        ("A dog barks while rain falls, not from the east.", "direction"),
        ("A dog barks while rain falls everywhere but in the east.", "direction"),
        ("A dog barks while rain falls, away from the east.", "direction"),
        ("A dog barks from the east while rain falls from the west.", "other direction"),
        ("A dog barks while rain falls, going from west to east.", "other direction"),
        ("An eastbound dog barks while rain falls from the east.", "other direction"),
        ("A dog barks behind a house while rain falls from the east.", "other direction"),
        ("A dog barks while rain falls above, from the east.", "other direction"),
        ("A dog barks while rain falls overhead from the east.", "other direction"),
        ("A dog barks while rain falls from the east, on your left.", "other direction"),
        ("A dog barks while a northerly rain falls from the east.", "other direction"),
        ("A dog barks while rain falls from the east at 9 o'clock.", "other direction"),
        ("From the east, a dog barks while rain is coming from the east.", "twice"),
        ("A dog in the east barks while rain falls to the east.", "twice"),
    ],
)
def test_any_other_place_is_refused(answer: str, failed: str) -> None:
    assert check(answer, EAST) == failed


@pytest.mark.parametrize(
    ("caption", "answer", "sector", "failed"),
    [
        ("A man left the room", "A man left the room.", LEFT, "direction"),
        ("A man left the room", "On the left, a man left the room.", LEFT, None),
        ("A man left the room", "A man left the room on the right.", RIGHT, None),
        ("A man speaks", "A man speaks after he left, from the right.", RIGHT, "other direction"),
        ("A swing moves back and forth", "A swing moves back and forth.", BACK, "direction"),
        ("A swing moves back and forth", "A swing moves back and forth on the left.", LEFT, None),
        ("A swing moves", "A swing moves back and forth on the left.", LEFT, "other direction"),
        ("The front door opens", "The front door opens.", FRONT, "direction"),
        ("The front door opens", "The front door opens on the right.", RIGHT, None),
        ("A door opens", "A front door opens on the right.", RIGHT, "other direction"),
        ("All is right now", "All is right now.", RIGHT, "direction"),
        ("Birds sing in the background", "Birds sing in the background.", BACK, "direction"),
        ("Birds sing in the background", "Birds sing in the background on the left.", LEFT, None),
        ("A helicopter flies overhead", "From the left, a helicopter flies overhead.", LEFT, None),
        ("A helicopter flies overhead", "High on the left, a helicopter flies.", LEFT, None),
        ("A helicopter flies overhead", "A helicopter flies below on the left.", LEFT, "other direction"),
        ("A high-pitched bell rings", "A high-pitched bell rings on the left.", LEFT, None),
        ("A bell rings", "A bell rings on the left and high.", LEFT, "other direction"),
        ("Feedback hums", "Feedback hums on the left.", LEFT, None),
    ],
)
def test_words_that_only_look_like_places(caption: str, answer: str, sector: int, failed: str | None) -> None:
    assert check(answer, sector, caption, "listener", "north") == failed


@pytest.mark.parametrize("time", ["in the morning", "at night", "p.m., it seems"])
def test_an_hour_of_the_day_is_no_direction(time: str) -> None:
    assert check(f"A dog barks in falling rain at 9 o'clock {time}.", LEFT, vocabulary="clock") == "direction"


@pytest.mark.parametrize(
    ("caption", "answer", "failed"),
    [
        ("Several goats bleat", "Several goats are coming from the east.", "content"),
        ("A man speaking as a crowd cheers", "Someone is speaking from the east.", "content"),
        ("A man types on a keyboard", "Typing by a man on a keyboard from the east.", None),
        ("A woman talks and children laugh", "A female speaks and kids are laughing in the east.", None),
        ("Rain falls", "The sound is coming from the east.", "content"),
        ("Rain falls", "Heavy, relaxing rain falls on a tin roof in the east.", "additions"),
        ("Rain falls", "Heavy rain falls in the east.", None),
        ("Rain falls", "Heavy rain falls steadily in the east.", "additions"),
        (
            "A man talks and a dog barks in a big hall",
            "The sound is coming from the east, with a man and a dog barking in a big hall.",
            "content",
        ),
        (
            "A man talks and a dog barks",
            "The sound is coming from the east, with a man talking and a dog barking.",
            None,
        ),
        ("The sound is heard", "The sound is heard in the east.", None),
        ("A man talks", "The sound of a man talking is coming from the east.", None),
        ("Hissing and a sewing machine", "The sound comes from the east with a sewing machine.", "content"),
        ("A woman gives a speech", "A woman's speech comes from the east.", None),
        ("Noise", "A noise comes from the east.", None),
        ("Something is heard", "Something is heard in the east.", None),
    ],
)
def test_what_is_heard_must_be_kept_and_not_be_embroidered(caption: str, answer: str, failed: str | None) -> None:
    assert check(answer, EAST, caption) == failed


def test_a_caption_may_have_quotes_colons_and_abbreviations() -> None:
    assert check('A man says "hello" in the east.', EAST, 'A man says "hello"') is None
    assert check("In the east, a man says: hello.", EAST, "A man says: hello") is None
    assert check("Mr. Smith vs. a crowd, shouting in the east.", EAST, "Mr. Smith vs. a crowd shouting") is None


@pytest.mark.parametrize("phrasing", PLAIN_PHRASINGS, ids=str)
@pytest.mark.parametrize("sector", range(8))
def test_every_template_is_a_spatial_caption_and_of_no_other_direction(phrasing, sector: int) -> None:
    for facing in ("north", "south"):
        text = spatial_caption(DOG, sector, phrasing=phrasing, facing=facing)
        assert check(text, sector, vocabulary=phrasing.vocabulary, facing=facing) is None
        for other in range(1, 8):
            assert check(text, (sector + other) % 8, vocabulary=phrasing.vocabulary, facing=facing) == "direction"


@pytest.mark.parametrize(
    ("answer", "tidy"),
    [
        ("  a dog barks.\n", "A dog barks."),
        ('"A dog barks."', "A dog barks."),
        ("“A dog barks.”", "A dog barks."),
        ("'The dog's barking.'", "The dog's barking."),
        ('"A dog" and "a cat"', '"A dog" and "a cat"'),
        ("<think>It should be\n\nshort.</think>\n\nA dog barks.", "A dog barks."),
        ("<think>It should be", "<think>It should be"),
        ("A dog barks", "A dog barks"),
        ("", ""),
        ('"', '"'),
    ],
)
def test_an_answer_is_tidied_and_nothing_is_added(answer: str, tidy: str) -> None:
    assert tidied(answer) == tidy


def test_every_check_is_described() -> None:
    assert all(CHECKS.values())
    assert list(CHECKS) == [
        *("empty", "preface", "quotes", "sentence", "length"),
        *("direction", "other direction", "twice", "content", "additions"),
    ]

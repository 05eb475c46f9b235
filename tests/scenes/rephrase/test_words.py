"""Content words by their stems."""

import pytest

from salm.scenes.rephrase.words import content_stems, shared, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A man types on keyboards", "typing by a man on a keyboard"),
        ("Bells ring and buzz", "a bell rings, buzzing"),
        ("boxes smashed", "a box smashing"),
        ("a vibration hums", "humming and vibrating"),
        ("a baby cries", "an infant crying"),
        ("people talk", "someone is speaking"),
        ("it rattles continuously", "constant rattling"),
        ("a door shuts", "a closing door"),
        ("gravel crunches loudly", "loud gravel crunching"),
    ],
)
def test_forms_of_the_same_words_have_the_same_stems(one: str, other: str) -> None:
    assert content_stems(one) == content_stems(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dog", "duck"),
        ("gas", "glass"),
        ("bus", "buzz"),
        ("whistle", "whisper"),
        ("string", "strike"),
        ("ship", "sheep"),
    ],
)
def test_other_words_have_other_stems(one: str, other: str) -> None:
    assert content_stems(one) != content_stems(other)


def test_function_words_do_not_count_unless_there_is_nothing_else() -> None:
    assert content_stems("The sound of a dog is heard") == content_stems("dog")
    assert content_stems("Something is heard") == {"someth", "is", "heard"}
    assert content_stems("") == frozenset()


def test_the_share_of_stems() -> None:
    assert shared(frozenset("abcd"), frozenset("bcde")) == 0.75
    assert shared(frozenset(), frozenset("a")) == 1.0


def test_words_have_no_punctuation() -> None:
    assert words("A high-pitched dog's BARK, twice.") == ["a", "high", "pitched", "dog's", "bark", "twice"]

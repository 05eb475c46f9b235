"""Captions are read back by the parser of `salm.frame`: templates and parser test each other."""

import csv
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salm.errors import InputError
from salm.frame import SECTORS, WINDS, parse_direction
from salm.scenes.captions import (
    DIRECTION_PHRASINGS,
    ELEVATION_SENTENCES,
    HELD_OUT_DIRECTION_PHRASINGS,
    HELD_OUT_PHRASINGS,
    PAPER_PHRASING,
    PAPER_TEMPLATE,
    TRAINING_PHRASINGS,
    VOCABULARY_SHARES,
    Phrasing,
    direction_sentence,
    draw_phrasing,
    holds_place_words,
    spatial_caption,
)

WITH_CAPTION = (*TRAINING_PHRASINGS, *HELD_OUT_PHRASINGS, PAPER_PHRASING)
ELEVATIONS = (None, "above", "below")
CAPTIONS = ("A rooster crows among clucking chickens.", "Rain falls", "The ringing of an alarm clock.", "I hear a TV!")


def said(phrasing: Phrasing, sector: int, caption: str = CAPTIONS[0], **where: str | None) -> str:
    if phrasing.says_what:
        return spatial_caption(caption, sector, phrasing=phrasing, **where)  # type: ignore[arg-type]
    return direction_sentence(sector, phrasing=phrasing, **where)  # type: ignore[arg-type]


def read_back(sentence: str, facing: str) -> tuple[str | None, str | None]:
    place = parse_direction(sentence, facing=facing)
    return (place.sector, place.elevation) if place else (None, None)


@pytest.mark.parametrize("phrasing", [*WITH_CAPTION, *DIRECTION_PHRASINGS, *HELD_OUT_DIRECTION_PHRASINGS])
@pytest.mark.parametrize("facing", ["north", "south", "northeast"])
def test_place_is_read_back_from_every_phrasing(phrasing: Phrasing, facing: str) -> None:
    for caption, sector, elevation in product(CAPTIONS, range(8), ELEVATIONS):
        sentence = said(phrasing, sector, caption, facing=facing, elevation=elevation)
        assert read_back(sentence, facing) == (SECTORS[sector], elevation), sentence


@pytest.mark.parametrize("phrasing", [*WITH_CAPTION, *DIRECTION_PHRASINGS, *HELD_OUT_DIRECTION_PHRASINGS])
def test_every_place_has_its_own_sentence(phrasing: Phrasing) -> None:
    sentences = {said(phrasing, sector, elevation=elevation) for sector, elevation in product(range(8), ELEVATIONS)}
    assert len(sentences) == 8 * len(ELEVATIONS)


def test_corpus_captions_keep_their_place(shared_dir: Path) -> None:
    with (shared_dir / "corpus" / "manifest.csv").open(encoding="utf-8") as manifest:
        captions = sorted({row["caption"] for row in csv.DictReader(manifest)})
    assert [caption for caption in captions if parse_direction(caption)] == []
    rng = np.random.default_rng(0)
    for caption in captions:
        sector, phrasing = int(rng.integers(8)), draw_phrasing(rng)
        sentence = spatial_caption(caption, sector, phrasing=phrasing)
        assert read_back(sentence, "north") == (SECTORS[sector], None), sentence


def test_training_and_held_out_phrasings_are_disjoint() -> None:
    shapes = [{p.template.strip(".").lower() for p in some} for some in (TRAINING_PHRASINGS, HELD_OUT_PHRASINGS)]
    assert shapes[0].isdisjoint(shapes[1])
    assert PAPER_PHRASING not in (*TRAINING_PHRASINGS, *HELD_OUT_PHRASINGS)
    sentences = [{said(p, s) for p in some for s in range(8)} for some in (TRAINING_PHRASINGS, HELD_OUT_PHRASINGS)]
    assert sentences[0].isdisjoint(sentences[1])


def test_there_are_phrasings_enough_in_every_vocabulary() -> None:
    assert len(set(TRAINING_PHRASINGS)) == len(TRAINING_PHRASINGS) >= 16
    assert len(set(HELD_OUT_PHRASINGS)) == len(HELD_OUT_PHRASINGS) >= 6
    assert len(set(DIRECTION_PHRASINGS)) == len(DIRECTION_PHRASINGS) >= 6
    for some in (TRAINING_PHRASINGS, HELD_OUT_PHRASINGS, DIRECTION_PHRASINGS):
        assert {phrasing.vocabulary for phrasing in some} == set(VOCABULARY_SHARES)
    assert DIRECTION_PHRASINGS[0] == Phrasing(PAPER_TEMPLATE)


def test_the_papers_sentences() -> None:
    assert direction_sentence(2) == "The sound is coming from the left."
    compass = Phrasing(PAPER_TEMPLATE, "compass")
    assert direction_sentence(3, phrasing=compass, facing="south") == "The sound is coming from the northeast."
    assert (
        spatial_caption("A dog barks.", 4, phrasing=PAPER_PHRASING) == "The sound: A dog barks is coming from the back."
    )


@pytest.mark.parametrize(
    ("template", "vocabulary", "sector", "elevation", "sentence"),
    [
        ("{sentence} {at}.", "listener", 2, None, "A dog barks on the left."),
        ("{from}, {clause}.", "listener", 6, None, "From the right, a dog barks."),
        ("{your}: {clause}.", "listener", 5, None, "Behind you on your right: a dog barks."),
        ("{sentence} {from}.", "listener", 2, "above", "A dog barks from above on the left."),
        ("{to}, {clause}.", "compass", 1, "below", "Low to the northwest, a dog barks."),
        ("{clause} {at}", "clock", 7, None, "a dog barks at half past 1"),
    ],
)
def test_sentences_read_naturally(
    template: str, vocabulary: str, sector: int, elevation: str | None, sentence: str
) -> None:
    phrasing = Phrasing(template, vocabulary)
    assert spatial_caption("A dog barks.", sector, phrasing=phrasing, elevation=elevation) == sentence


@pytest.mark.parametrize("phrasing", [*WITH_CAPTION, *DIRECTION_PHRASINGS, *HELD_OUT_DIRECTION_PHRASINGS])
def test_right_is_worded_as_left_is(phrasing: Phrasing) -> None:
    if phrasing.vocabulary == "listener":
        for sector in (1, 2, 3):
            assert said(phrasing, sector).replace("left", "right") == said(phrasing, 8 - sector)


@pytest.mark.parametrize(
    ("caption", "clause"),
    [
        ("Rain falls.", "rain falls"),
        ("A TV plays!", "a TV plays"),
        ("The French horn sounds", "the French horn sounds"),
        ("I cough", "I cough"),
        ("I'm coughing", "I'm coughing"),
        ("TV noise", "TV noise"),
        ("English speech...", "English speech"),
        ("Michael Jackson sings", "Michael Jackson sings"),
        ("a sound {odd}", "a sound {odd}"),
    ],
)
def test_capitals_within_a_sentence(caption: str, clause: str) -> None:
    assert spatial_caption(caption, 2, phrasing=Phrasing("{word}: {clause}")) == f"left: {clause}"


@pytest.mark.parametrize("band", ELEVATION_SENTENCES)
def test_elevation_sentences_are_read_back(band: str) -> None:
    assert len(set(ELEVATION_SENTENCES[band])) >= 3
    for sentence in ELEVATION_SENTENCES[band]:
        assert read_back(sentence, "north") == (None, band), sentence


def test_phrasings_are_drawn_by_vocabulary() -> None:
    rng = np.random.default_rng(7)
    drawn = [draw_phrasing(rng) for _ in range(4000)]
    counts = Counter(phrasing.vocabulary for phrasing in drawn)
    for vocabulary, share in VOCABULARY_SHARES.items():
        # Four standard deviations of a binomial share.
        assert abs(counts[vocabulary] / 4000 - share) < 4 * np.sqrt(share * (1 - share) / 4000)
    assert set(drawn) == set(TRAINING_PHRASINGS)


def test_phrasings_are_drawn_by_other_shares() -> None:
    rng = np.random.default_rng(7)
    counts = Counter(draw_phrasing(rng, {"clock": 3.0, "compass": 1.0}).vocabulary for _ in range(2000))
    assert counts.keys() == {"clock", "compass"}
    assert abs(counts["clock"] / 2000 - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 2000)


def test_a_caption_can_come_in_few_phrasings_and_all_come_with_some_caption() -> None:
    rng = np.random.default_rng(0)
    drawn = [{draw_phrasing(rng, caption=f"Sound {n}", most=3) for _ in range(60)} for n in range(150)]
    for vocabulary in ("listener", "compass", "clock"):
        assert max(sum(phrasing.vocabulary == vocabulary for phrasing in one) for one in drawn) == 3
    assert set().union(*drawn) == set(TRAINING_PHRASINGS)
    assert {draw_phrasing(rng, caption="Sound 7", most=3) for _ in range(200)} >= drawn[7]


def test_the_same_generator_draws_the_same_phrasings() -> None:
    first, second = (np.random.default_rng(3) for _ in range(2))
    assert [draw_phrasing(first) for _ in range(20)] == [draw_phrasing(second) for _ in range(20)]


@given(st.integers(0, 7), st.sampled_from(WITH_CAPTION), st.sampled_from(WINDS), st.sampled_from(ELEVATIONS))
def test_captions_are_sentences_or_short_queries(
    sector: int, phrasing: Phrasing, facing: str, elevation: str | None
) -> None:
    sentence = spatial_caption("A dog barks.", sector, phrasing=phrasing, facing=facing, elevation=elevation)
    assert "dog barks" in sentence
    assert "  " not in sentence
    assert ".." not in sentence
    assert sentence[0].isupper() == sentence.endswith(".")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Phrasing("{sentence}."), "one of the place slots"),
        (lambda: Phrasing("{sentence} {near}."), "one of the place slots"),
        (lambda: Phrasing("{sentence} {at}.", "nautical"), "listener, compass, clock"),
        (lambda: spatial_caption(" . ", 0, phrasing=PAPER_PHRASING), "is empty"),
        (lambda: spatial_caption("Rain.", 0, phrasing=DIRECTION_PHRASINGS[0]), "use direction_sentence"),
        (lambda: spatial_caption("Rain.", 0, phrasing=PAPER_PHRASING, elevation="level"), "above, below or None"),
        (lambda: spatial_caption("Rain.", 8, phrasing=PAPER_PHRASING), "there are eight"),
        (lambda: direction_sentence(0, phrasing=PAPER_PHRASING), "use spatial_caption"),
    ],
)
def test_wrong_input_is_named(wrong, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        wrong()


@pytest.mark.parametrize(
    "caption",
    [
        "A dog barks on the left.",
        "On the left a dog barks",
        "On the far left.",
        "At the front left the bell rings",
        "Rain to your right",
        "A bell in the distance behind.",
        "Someone knocks behind me",
        "A man talks in front of the microphone.",
        "A car moves from left to right",
        "A whoosh goes from the right to the left and back.",
        "Water drips, front left",
        "A bird sings at three o'clock",
        "A wind from the north",
        "A gull cries in the southwest.",
        "A siren 40 degrees to the left",
        "A voice in the left ear",
        "Hum in the right channel.",
        "Waves crash to the side",
        "A swoosh moves from one side to the other",
        "A bee circles counter-clockwise",
        "A bee circles clockwise around the head",
        "A saw straight ahead",
        "Voices at the back of the room",
        "A foghorn on the starboard side",
        # Nobody can tell without more: a place, so that no label is wrong.
        "bird left",
        "Voices in the back",
    ],
)
def test_place_words_are_found(caption: str) -> None:
    assert holds_place_words(caption)


@pytest.mark.parametrize(
    "caption",
    [
        "A dog barks.",
        "",
        # Distances and heights stay true in a mirrored or turned field.
        "Thunder in the distance",
        "A dog barks far away and a bird sings nearby",
        "A helicopter flies overhead",
        "Rain falls from above.",
        "People talk in the background",
        # Left as a verb.
        "A bird left",
        "It left.",
        "The man left, and a door closed",
        "He has left",
        "A woman left the room",
        "An engine is left idling",
        "An engine is started and left to idle",
        "A car door was left open",
        # Right as an adverb or a judgement.
        "A dog barks right away",
        "A bell rings right after the door closes",
        "All right, says a man",
        "The engine starts right up",
        # Back as a verb's part.
        "Dogs bark back and forth",
        "A car comes back",
        "A man talks back to a woman",
        # Things that are named after places, and winds that are only named.
        "Someone knocks at the front door",
        "The front door slams",
        "The north wind howls",
        "A North American bird sings",
        "Horses on a country side road",
        "Someone bangs on the side of the motor",
        # Seen from something else than the listener.
        "A man speaks behind a door",
        "A speech in front of a crowd",
        "People talk behind her",
        "The clock strikes three o'clock",
        "A man clears the left lane",
    ],
)
def test_false_friends_of_places_are_none(caption: str) -> None:
    assert not holds_place_words(caption)


@pytest.mark.parametrize("phrasing", WITH_CAPTION)
def test_every_phrasing_holds_place_words(phrasing: Phrasing) -> None:
    for caption, sector in product(CAPTIONS, range(8)):
        assert not holds_place_words(caption)
        assert holds_place_words(said(phrasing, sector, caption)), said(phrasing, sector, caption)


def test_captions_of_people_seldom_hold_place_words(shared_dir: Path) -> None:
    captions = []
    for split in ("val", "test"):
        table = shared_dir / "captions" / "audiocaps" / f"{split}.csv"
        if not table.is_file():
            pytest.skip("the caption tables of AudioCaps are not beside this checkout")
        with table.open(encoding="utf-8", newline="") as file:
            captions += [row["caption"] for row in csv.DictReader(file)]
    assert len(captions) == 7_350
    # One in a thousand or so; a rule that takes words for places wrongly shows here first.
    assert sum(map(holds_place_words, captions)) < 15

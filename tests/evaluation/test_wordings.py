"""Direction in other words: who understands them is right, and what is not understood is lost scene by scene."""

from collections.abc import Callable

import numpy as np
import pytest

from salm.evaluation.intervals import Figure, plain
from salm.evaluation.wordings import NEW_WORDS, right_by_sentence, wording_figures
from salm.frame import parse_direction, sector_centre_deg
from salm.scenes.captions import (
    DIRECTION_PHRASINGS,
    HELD_OUT_DIRECTION_PHRASINGS,
    TRAINING_PHRASINGS,
    VOCABULARY_SHARES,
    direction_sentence,
)


def test_held_out_frames_are_others_and_as_many_of_each_vocabulary() -> None:
    trained = {phrasing.template for phrasing in (*DIRECTION_PHRASINGS, *TRAINING_PHRASINGS)}
    assert trained.isdisjoint(phrasing.template for phrasing in HELD_OUT_DIRECTION_PHRASINGS)
    for vocabulary in VOCABULARY_SHARES:
        counts = [
            sum(phrasing.vocabulary == vocabulary for phrasing in some)
            for some in (DIRECTION_PHRASINGS, HELD_OUT_DIRECTION_PHRASINGS)
        ]
        assert counts[0] == counts[1] > 0


@pytest.mark.parametrize(
    ("sentence", "azimuth_deg"),
    [
        ("The sound is at nine o'clock.", 90),
        ("The sound is at one o'clock.", -30),
        ("The sound is at six o'clock.", 180),
        ("The sound is to port.", 90),
        ("The sound is off the starboard bow.", -45),
        ("The sound is over my left shoulder.", 135),
    ],
)
def test_new_words_mean_what_people_mean(sentence: str, azimuth_deg: float) -> None:
    assert dict(pair for placed in NEW_WORDS.values() for pair in placed)[sentence] == azimuth_deg


def test_new_words_are_none_of_training() -> None:
    said = {
        direction_sentence(sector, phrasing=phrasing).lower()
        for phrasing in (*DIRECTION_PHRASINGS, *HELD_OUT_DIRECTION_PHRASINGS)
        for sector in range(8)
    }
    for placed in NEW_WORDS.values():
        assert said.isdisjoint(sentence.lower() for sentence, _ in placed)
        assert len({azimuth for _, azimuth in placed}) == len(placed)


def test_right_is_the_nearest_of_the_set() -> None:
    azimuths_deg = [0.0, 135.0, -135.0]
    sentences = np.eye(3)
    heard = np.array([[1.0, 0.2, 0.0], [0.0, 1.0, 0.9], [0.0, 0.9, 1.0], [1.0, 0.0, 0.0]])
    true_deg = np.array([-60.0, 170.0, 170.0, 70.0])
    # The last is nearer to 135 than to 0 degrees; 170 is 35 from 135 and 55 from -135.
    assert right_by_sentence(heard, sentences, azimuths_deg, true_deg).tolist() == [1, 1, 0, 0]


def placed_deg(sentence: str) -> float:
    known = dict(pair for placed in NEW_WORDS.values() for pair in placed)
    if sentence in known:
        return known[sentence]
    place = parse_direction(sentence)
    assert place is not None
    assert place.azimuth_deg is not None
    return place.azimuth_deg


@pytest.fixture
def figures(make_oracle: Callable, make_bench: Callable) -> Callable:
    def of(understands: Callable[[str], bool]) -> dict[str, dict[str, Figure]]:
        """By a model whose spatial embedding is the sector's centre, and that takes what is foreign for the front."""
        oracle = make_oracle()
        bench = make_bench(oracle)
        sectors = np.array([scene.sources[0].sector for scene in bench.scenes])
        heard = bench.heard.embeddings
        for embedding in (heard.spatial, heard.joint):
            angles = np.deg2rad([source.azimuth_deg for scene in bench.scenes for source in scene.sources])
            embedding[:] = 0
            embedding[:, 0], embedding[:, 1] = np.cos(angles), np.sin(angles)
        assert len(set(sectors.tolist())) == 8

        def embed(sentences: list[str]) -> np.ndarray:
            vectors = np.zeros((len(sentences), heard.spatial.shape[1]))
            for row, sentence in zip(vectors, sentences, strict=True):
                angle = np.deg2rad(placed_deg(sentence) if understands(sentence) else 0.0)
                row[:2] = np.cos(angle), np.sin(angle)
            return vectors

        oracle.embed_text = embed
        return wording_figures(bench)

    return of


def test_who_understands_every_word_is_always_right(figures: Callable) -> None:
    found = plain(figures(lambda _: True))
    for name in ("trained", "unseen", *NEW_WORDS):
        assert found[name]["spatial"] == found[name]["joint"] == 1.0
    assert found["loss"] == {"spatial": 0.0, "joint": 0.0}
    assert found["hours"]["chance"] == 1 / 12
    assert found["body"]["chance"] == 1 / 5


def test_a_frame_that_is_not_understood_costs_its_share(figures: Callable) -> None:
    found = figures(lambda sentence: "Whatever makes" not in sentence and "starboard" not in sentence)
    values = plain(found)
    share = 1 / len(HELD_OUT_DIRECTION_PHRASINGS)
    front = np.mean(np.asarray(found["unseen"]["spatial"].values) == 1.0)
    assert 0 < front < 1
    assert values["trained"]["spatial"] == 1.0
    assert values["loss"]["spatial"] == pytest.approx(share * (1 - front), abs=1e-9)
    assert values["nautical"]["spatial"] < 1.0
    # Paired: where the frame does no harm there is no loss at all.
    assert set(np.round(np.unique(found["loss"]["spatial"].values), 9)) == {0.0, share}


def test_sectors_of_sentences_are_those_of_the_frame() -> None:
    for phrasing in HELD_OUT_DIRECTION_PHRASINGS:
        for sector in range(8):
            assert placed_deg(direction_sentence(sector, phrasing=phrasing)) == sector_centre_deg(sector)

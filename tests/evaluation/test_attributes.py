"""Attributes by two sentences: scenes by their words, balanced shares by a loop, models that hear them or do not."""

from collections import Counter

import numpy as np
import pytest

from salm.evaluation import attributes as room
from salm.evaluation.attributes import ASKED, attribute_figures, balanced, draw_attributed, nearer_word
from salm.evaluation.gallery import HeardScenes
from salm.evaluation.intervals import plain
from salm.model.inference import AudioEmbeddings
from salm.scenes.attributes import ATTRIBUTES, attributes_of
from salm.scenes.descriptions import ATTRIBUTE_SENTENCES


def slow_balanced(rows: np.ndarray) -> float:
    shares = []
    for right, asked in ((0, 1), (2, 3)):
        hits = [row[right] for row in rows if row[asked]]
        if not hits:
            return np.nan
        shares.append(sum(hits) / len(hits))
    return sum(shares) / 2


def test_balanced_shares_are_those_of_a_loop(rng: np.random.Generator) -> None:
    for size in (1, 2, 9, 30):
        more, hit = rng.random((20, size)) < 0.2, rng.random((20, size)) < 0.6
        rows = np.stack([hit & ~more, ~more, hit & more, more], axis=-1).astype(float)
        np.testing.assert_allclose(balanced(rows), [slow_balanced(row) for row in rows])


def test_always_the_same_word_is_chance() -> None:
    """However many there are of it."""
    more = np.array([True] * 9 + [False])
    right = nearer_word(np.ones((10, 2)), np.array([[0.0, 1.0], [1.0, 1.0]])) == more
    assert right.sum() == 9
    assert balanced(room._columns(right, more)[None])[0] == 0.5


def test_both_words_of_every_attribute_are_drawn(toy_corpus) -> None:
    drawn = draw_attributed(toy_corpus, count=48, seed=0)
    assert drawn == draw_attributed(toy_corpus, count=48, seed=0)
    words = Counter(word for scene in drawn for word in attributes_of(scene).items())
    assert all(words[name, word] >= 6 for name in ASKED for word in ATTRIBUTES[name])
    for number, scene in enumerate(drawn[:8]):
        name = tuple(ASKED)[number // 2]
        assert attributes_of(scene)[name] == ATTRIBUTES[name][number % 2]


@pytest.fixture
def figures(monkeypatch, make_oracle, make_bench):
    """Figures of a model that hears of each scene what a function says, in the words of the sentences."""
    axes = [(name, word) for name in ASKED for word in ATTRIBUTES[name]]

    def embedded(said: dict[str, str]) -> np.ndarray:
        return np.array([said.get(name) == word for name, word in axes], float)

    def asked(hears) -> dict:
        oracle = make_oracle()
        sentences = {s: {n: w} for n, w in axes for s in ATTRIBUTE_SENTENCES[n][w]}
        oracle.embed_text = lambda texts: np.stack([embedded(sentences[text]) for text in texts])

        def hear_scenes(*given) -> HeardScenes:
            joint = np.stack([embedded(hears(attributes_of(scene))) for scene in given[-1]])
            return HeardScenes(AudioEmbeddings(joint, joint, np.zeros_like(joint)), np.zeros((len(joint), 3)))

        monkeypatch.setattr(room, "hear_scenes", hear_scenes)
        return plain(attribute_figures(make_bench(oracle, scenes=4), scenes=48))

    return asked


def test_who_hears_the_attributes_is_right(figures) -> None:
    table = figures(lambda said: said)
    assert list(table) == ["elevation", "distance", "room", "reverberation"]
    assert {row["joint"] for row in table.values()} == {1.0}
    # Nothing is nearer to nothing: always the first word.
    assert {row["spatial"] for row in table.values()} == {row["chance"] for row in table.values()} == {0.5}


def test_what_is_not_heard_is_at_chance_and_alone(figures) -> None:
    table = figures(lambda said: {**said, "room": "large"})
    assert (table["room"]["joint"], table["distance"]["joint"]) == (0.5, 1.0)

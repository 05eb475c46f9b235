"""Two sounds at two places: what is drawn and said, and models that bind, that do not, and that like a sentence."""

from dataclasses import replace

import numpy as np
import pytest

from salm.errors import InputError
from salm.evaluation import binding
from salm.evaluation.binding import binding_figures, draw_pairs, exchanged_places, preferred
from salm.evaluation.gallery import HeardScenes
from salm.evaluation.intervals import plain
from salm.frame import SECTORS, parse_direction
from salm.model.inference import AudioEmbeddings


def test_pairs_differ_in_sound_and_sector(toy_corpus) -> None:
    pairs = draw_pairs(toy_corpus, count=40, seed=1, longest_s=0.1)
    assert pairs == draw_pairs(toy_corpus, count=40, seed=1, longest_s=0.1)
    for scene in pairs:
        first, second = scene.sources
        assert first.caption != second.caption
        assert first.sector != second.sector
        assert first.start_s == second.start_s == 0
        assert scene.duration_s == 0.1
        # Direct sounds fall by 20 dB a decade, and are as loud as from one metre then.
        assert [s.gain_db - 20 * np.log10(s.distance_m) for s in scene.sources] == pytest.approx([0, 0])
    assert len({scene.sources[1].sound_id for scene in pairs}) > 20
    assert draw_pairs(toy_corpus, count=1, seed=1, longest_s=9.0)[0].duration_s == toy_corpus.sounds[0].duration_s


def test_exchanged_sounds_keep_all_but_their_places(toy_corpus) -> None:
    (scene,) = draw_pairs(toy_corpus, count=1, seed=2, longest_s=1.0)
    other = exchanged_places(scene)
    for own, there in ((0, 1), (1, 0)):
        assert other.sources[own] == replace(
            scene.sources[there], sound_id=scene.sources[own].sound_id, caption=scene.sources[own].caption
        )
    assert exchanged_places(other) == scene
    assert (other.room, other.seed) == (scene.room, scene.seed)


def test_ties_are_half() -> None:
    audio = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    right, wrong = np.array([[2.0, 0.1], [1.0, 1.0], [1.0, 1.0]]), np.array([[1.0, 1.0], [1.0, 1.0], [9.0, 0.0]])
    assert preferred(audio, right, wrong).tolist() == [1.0, 0.5, 0.0]


@pytest.fixture
def heard_as(monkeypatch, make_oracle, make_bench, toy_corpus):
    """Figures of a model whose embeddings of scenes and of sentences are what a function makes of (sound, sector)."""
    captions = sorted({sound.caption for sound in toy_corpus.sounds})

    def told(sentence: str) -> list[tuple[int, int]]:
        at = {captions.index(c): sentence.lower().find(c.lower()) for c in captions if c.lower() in sentence.lower()}
        starts = sorted(at, key=at.__getitem__)
        ends = [at[number] for number in starts[1:]] + [len(sentence)]
        pieces = [
            sentence[at[number] : end].removesuffix(" and ").rstrip(".") + "."
            for number, end in zip(starts, ends, strict=True)
        ]
        return [
            (number, SECTORS.index(parse_direction(piece).sector)) for number, piece in zip(starts, pieces, strict=True)
        ]

    def figures(embed, hears=None) -> dict:
        oracle = make_oracle()
        oracle.embed_text = lambda sentences: np.stack([embed(told(sentence)) for sentence in sentences])

        def hear_scenes(*given) -> HeardScenes:
            pairs = [[(captions.index(s.caption), s.sector) for s in scene.sources] for scene in given[-1]]
            joint = np.stack([(hears or embed)(pair) for pair in pairs])
            return HeardScenes(AudioEmbeddings(joint, joint, joint), np.zeros((len(joint), 3)))

        monkeypatch.setattr(binding, "hear_scenes", hear_scenes)
        return binding_figures(make_bench(oracle, scenes=4), scenes=40)

    return figures


def bag(pairs: list[tuple[int, int]]) -> np.ndarray:
    """What sounds and where something sounds, each by itself."""
    vector = np.zeros(16)
    for what, where in pairs:
        vector[[what, 8 + where]] += 1
    return vector


def bound(pairs: list[tuple[int, int]]) -> np.ndarray:
    """What sounds where."""
    vector = np.zeros(64)
    for what, where in pairs:
        vector[8 * what + where] += 1
    return vector


def test_a_model_that_binds_is_right_and_a_bag_is_at_chance(heard_as) -> None:
    assert plain(heard_as(bound)) == {"preferred": 1.0, "both": 1.0, "chance_preferred": 0.5, "chance_both": 0.25}
    figures = plain(heard_as(bag))
    assert (figures["preferred"], figures["both"]) == (0.5, 0.0)


def test_the_order_of_the_words_is_no_answer(heard_as) -> None:
    """A bag that hears the first sound and the last place most would tell scenes apart by the order of mention."""
    figures = plain(heard_as(lambda pairs: bag(pairs) + 0.3 * bag([(pairs[0][0], pairs[-1][1])])))
    assert figures["preferred"] == pytest.approx(0.5)


def test_liking_one_sentence_is_no_answer(heard_as, rng: np.random.Generator) -> None:
    """Whatever is heard, the same sentence is preferred: right of one of the two scenes, never of both."""
    liking = rng.random(64)
    figures = plain(heard_as(bound, lambda _: liking))
    assert (figures["preferred"], figures["both"]) == (0.5, 0.0)


def test_one_caption_cannot_be_bound(toy_corpus, make_bench, make_oracle) -> None:
    corpus = type(toy_corpus)(8)
    corpus.sounds = tuple(replace(sound, captions=("A dog barks",)) for sound in corpus.sounds)
    with pytest.raises(InputError, match="have one caption"):
        draw_pairs(corpus, count=3, seed=0, longest_s=1.0)
    bench = make_bench(make_oracle(), scenes=4)
    object.__setattr__(bench, "corpus", corpus)
    assert binding_figures(bench, scenes=4) == {}

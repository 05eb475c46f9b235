"""Beyond direction: above or below, near or far, a small or a large room, dry or reverberant, each by two sentences.

Zero-shot as for directions: of the two sentences about an attribute the nearer one is the answer. The thresholds are
those of ELSA (`salm.scenes.attributes`), and what lies between them has no word and is not asked. Figures are balanced:
the mean of the shares that are right among those of the one word and of the other, so that chance is one half however
many there are of each.
"""

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float

from salm.errors import InputError
from salm.evaluation.bench import Bench
from salm.evaluation.gallery import draw_scenes, hear_scenes, source_recordings
from salm.evaluation.intervals import Figure, Tree, clustered
from salm.evaluation.retrieval import cosine_similarities
from salm.model.inference import Model
from salm.scenes.attributes import ATTRIBUTES, DRY_S, REVERBERANT_S, attributes_of
from salm.scenes.corpora.base import Corpus, Sound
from salm.scenes.descriptions import ATTRIBUTE_SENTENCES
from salm.scenes.sample import SceneRanges, draw_scene
from salm.scenes.scene import Scene

__all__ = ["ASKED", "attribute_figures", "balanced", "draw_attributed", "nearer_word"]

ASKED: Mapping[str, tuple[SceneRanges, SceneRanges]] = MappingProxyType(
    {
        "elevation": (SceneRanges(elevation_deg=75.0),) * 2,
        "distance": (SceneRanges(nearest_m=0.4),) * 2,
        "room": (SceneRanges(),) * 2,
        "reverberation": (SceneRanges(rt60_s=(0.1, DRY_S)), SceneRanges(rt60_s=(REVERBERANT_S, 3.0))),
    }
)
"""The attributes, and for each of their words the ranges of scenes in which it is frequent enough."""

_TRIES = 300


def attribute_figures(bench: Bench, *, scenes: int) -> Tree:
    """For each attribute the balanced share that is right by the ``joint`` and the ``spatial`` embedding, and chance.

    Parameters
    ----------
    scenes
        Scenes that are heard; every one is asked for all attributes that it has a word for.
    """
    drawn = draw_attributed(bench.corpus, count=scenes, seed=bench.seed)
    heard = hear_scenes(bench.model, bench.corpus, bench.progress(drawn, "attributes")).embeddings
    recordings, words = source_recordings(bench.corpus, drawn), [attributes_of(scene) for scene in drawn]
    figures: dict[str, Tree] = {}
    for name in ASKED:
        known = np.array([name in said for said in words])
        more = np.array([said.get(name) == ATTRIBUTES[name][1] for said in words])[known]
        sentences = _sentences(bench.model, name)
        right = {part: nearer_word(getattr(heard, part)[known], sentences) == more for part in ("joint", "spatial")}
        shares = {part: Figure(_columns(hit, more), balanced) for part, hit in right.items()}
        figures[name] = {**clustered(shares, recordings[known]), "chance": 0.5, "scenes": int(known.sum())}
    return figures


def nearer_word(
    embeddings: Float[np.ndarray, "item width"], sentences: Float[np.ndarray, "2 width"]
) -> Bool[np.ndarray, " item"]:
    """Whether each embedding is nearer to the second sentence."""
    less, more = cosine_similarities(embeddings, sentences).T
    return np.asarray(more > less)


def balanced(values: Float[np.ndarray, "resample item 4"]) -> Float[np.ndarray, " resample"]:
    """Mean of two shares; columns are right and asked of the one word, right and asked of the other."""
    right_less, less, right_more, more = np.moveaxis(values.sum(axis=1), -1, 0)
    nothing = (less == 0) | (more == 0)
    shares = right_less / np.where(nothing, np.nan, less) + right_more / np.where(nothing, np.nan, more)
    return np.asarray(shares / 2)


def draw_attributed(corpus: Corpus, *, count: int, seed: int) -> list[Scene]:
    """Scenes of one sound, in turn of each word of each attribute, in rooms.

    Raises
    ------
    InputError
        If the corpus is empty or fewer than one scene is asked for.
    """
    rng = np.random.default_rng([seed, 19])
    sounds = {sound.id: sound for sound in corpus.sounds}
    wanted = [(name, word) for name in ASKED for word in ATTRIBUTES[name]]
    plain = draw_scenes(corpus, count=count, seed=seed)
    return [
        _with(rng, sounds[scene.sources[0].sound_id], *wanted[number % len(wanted)])
        for number, scene in enumerate(plain)
    ]


def _with(rng: np.random.Generator, sound: Sound, name: str, word: str) -> Scene:
    ranges = ASKED[name][ATTRIBUTES[name].index(word)]
    for _ in range(_TRIES):
        # Rooms that are as dry as this are rare, and may not be among those that one draw looks at.
        with suppress(InputError):
            scene = draw_scene(rng, sound, ranges=ranges)
            if attributes_of(scene).get(name) == word:
                return scene
    raise RuntimeError(f"none of {_TRIES} scenes is {word}; its ranges do not fit.")


def _columns(right: Bool[np.ndarray, " item"], more: Bool[np.ndarray, " item"]) -> Float[np.ndarray, "item 4"]:
    return np.stack([right & ~more, ~more, right & more, more], axis=1).astype(np.float64)


def _sentences(model: Model, name: str) -> Float[np.ndarray, "2 width"]:
    """For each word the mean of its sentences."""
    return np.stack([model.embed_text(ATTRIBUTE_SENTENCES[name][word]).mean(axis=0) for word in ATTRIBUTES[name]])

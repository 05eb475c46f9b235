"""Which sound is where: two sounds at two places, and sentences in which they have each other's place.

Every pair of sounds is heard twice, the second time each at the other's place. Of the two sentences about a scene the
right one should be nearer to the joint embedding. A bag of sounds and places has both sentences equally near, and so
has a sum of one embedding for what and one for where: chance is one in two. `both` asks for the right one of both
scenes, which no liking for one sentence helps with: chance is one in four.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from salm.errors import InputError
from salm.evaluation.bench import Bench
from salm.evaluation.gallery import draw_scenes, hear_scenes, source_recordings
from salm.evaluation.intervals import Figure, Tree, clustered
from salm.evaluation.retrieval import cosine_similarities
from salm.model.inference import Model
from salm.scenes.captions import Phrasing
from salm.scenes.corpora.base import Corpus, Sound
from salm.scenes.descriptions import describe, exchanged, part_of
from salm.scenes.sample import SceneRanges, draw_scene
from salm.scenes.scene import Scene, Source

__all__ = ["binding_figures", "draw_pairs", "exchanged_places", "preferred"]

_PHRASING = Phrasing("{sentence} {at}.")


def binding_figures(bench: Bench, *, scenes: int) -> Tree:
    """``preferred`` and ``both``, each with its chance; nothing where all captions are equal.

    Parameters
    ----------
    scenes
        Pairs of sounds; each is heard twice.
    """
    if len({sound.caption for sound in bench.corpus.sounds}) < 2:
        return {}
    features = bench.model.config.features
    longest_s = features.window_samples / features.rate_hz
    pairs = draw_pairs(bench.corpus, count=scenes, seed=bench.seed, longest_s=longest_s, ranges=bench.ranges)
    both_ways = [scene for pair in pairs for scene in (pair, exchanged_places(pair))]
    heard = hear_scenes(bench.model, bench.corpus, bench.progress(both_ways, "two sounds"))
    right, wrong = (_said(bench.model, both_ways, swapped=swapped) for swapped in (False, True))
    won = preferred(heard.embeddings.joint, right, wrong).reshape(-1, 2)
    figures = {"preferred": Figure(won.mean(axis=1)), "both": Figure((won == 1).all(axis=1))}
    chances = {"chance_preferred": 0.5, "chance_both": 0.25}
    return {**clustered(figures, source_recordings(bench.corpus, pairs)), **chances}


def preferred(
    audio: Float[np.ndarray, "scene width"],
    right: Float[np.ndarray, "scene width"],
    wrong: Float[np.ndarray, "scene width"],
) -> Float[np.ndarray, " scene"]:
    """1 where the right sentence is nearer than the wrong one, 0 where it is farther, and one half for equals."""
    gain = np.diagonal(cosine_similarities(audio, right)) - np.diagonal(cosine_similarities(audio, wrong))
    return np.asarray((np.sign(gain) + 1) / 2)


def draw_pairs(
    corpus: Corpus, *, count: int, seed: int, longest_s: float, ranges: SceneRanges | None = None
) -> list[Scene]:
    """Scenes of two sounds with different captions in different sectors of one room.

    Both begin at once, are as loud as from one metre, and are cut off at ``longest_s``.

    Raises
    ------
    InputError
        If the corpus has only one caption, or fewer than one scene is asked for.
    """
    others = {
        caption: [sound for sound in corpus.sounds if sound.caption != caption]
        for caption in {sound.caption for sound in corpus.sounds}
    }
    if len(others) < 2:
        raise InputError(f"the sounds of {corpus.name} have one caption, of which no two can be told apart; add some.")
    rng = np.random.default_rng([seed, 17])
    sounds = {sound.id: sound for sound in corpus.sounds}
    firsts = [sounds[s.sources[0].sound_id] for s in draw_scenes(corpus, count=count, seed=seed, ranges=ranges)]
    return [_pair(rng, first, others[first.caption], longest_s, ranges) for first in firsts]


def exchanged_places(scene: Scene) -> Scene:
    """The same two sounds, each where the other was."""
    first, second = scene.sources
    return replace(scene, sources=(_at(first, second), _at(second, first)))


def _pair(
    rng: np.random.Generator, first: Sound, others: Sequence[Sound], longest_s: float, ranges: SceneRanges | None
) -> Scene:
    second = others[int(rng.integers(len(others)))]
    scene = draw_scene(rng, first, ranges=ranges, others=[second])
    levelled = tuple(
        replace(source, gain_db=float(20 * np.log10(source.distance_m or 1.0))) for source in scene.sources
    )
    duration_s = min(longest_s, max(first.duration_s, second.duration_s))
    return replace(scene, sources=levelled, duration_s=duration_s)


def _at(source: Source, other: Source) -> Source:
    """A source at another's place, as loud as the other was there."""
    return replace(other, sound_id=source.sound_id, caption=source.caption)


def _said(model: Model, scenes: Sequence[Scene], *, swapped: bool) -> Float[np.ndarray, "scene width"]:
    """The mean of the two sentences that name the sounds in either order, which must not matter."""
    facing, described = model.config.facing, []
    for scene in scenes:
        parts = [part_of(source) for source in scene.sources]
        told = exchanged(parts) if swapped else parts
        described += [describe(order, phrasing=_PHRASING, facing=facing) for order in (told, told[::-1])]
    return np.asarray(model.embed_text(described).reshape(len(scenes), 2, -1).mean(axis=1))

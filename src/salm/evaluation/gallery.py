"""The default protocol's scenes, and what a model and the baselines make of them.

Every test sound is used about equally often, in a room of its own, in any sector. The gallery for retrieval is the
first 400 scenes that differ in caption or sector from all before them.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int

from salm.audio.intensity import intensity_direction
from salm.audio.recording import Recording
from salm.errors import InputError
from salm.frame import unit_vector
from salm.model.inference import AudioEmbeddings, Model
from salm.scenes.corpora.base import Corpus
from salm.scenes.rendering import render_scene
from salm.scenes.sample import SceneRanges, draw_scene
from salm.scenes.scene import Scene

__all__ = [
    "GALLERY",
    "HeardScenes",
    "baseline_directions",
    "draw_scenes",
    "gallery_indices",
    "hear_samples",
    "hear_scenes",
    "true_directions",
    "true_sectors",
]

GALLERY = 400
"""Scenes in the retrieval gallery."""

Foa = Float32[np.ndarray, "4 time"]


class HeardScenes(NamedTuple):
    """A model's answers for a list of recordings, in their order; each is the mean over the recording's windows."""

    embeddings: AudioEmbeddings
    direction: Float[np.ndarray, "scene 3"]

    def take(self, indices: Sequence[int] | Int[np.ndarray, " chosen"]) -> "HeardScenes":
        """The answers for some of the scenes."""
        chosen = np.asarray(indices, int)
        return HeardScenes(AudioEmbeddings(*(part[chosen] for part in self.embeddings)), self.direction[chosen])


def draw_scenes(corpus: Corpus, *, count: int, seed: int, ranges: SceneRanges | None = None) -> list[Scene]:
    """Scenes for evaluation: passes over the shuffled sounds, each sound once a pass.

    Raises
    ------
    InputError
        If the corpus is empty or fewer than one scene is asked for.
    """
    if not corpus.sounds or count < 1:
        raise InputError(f"{count} scenes of {len(corpus.sounds)} sounds cannot be drawn; both must be at least 1.")
    rng = np.random.default_rng([seed, 2025])
    passes = [rng.permutation(len(corpus.sounds)) for _ in range(-(-count // len(corpus.sounds)))]
    return [draw_scene(rng, corpus.sounds[int(i)], ranges=ranges) for i in np.concatenate(passes)[:count]]


def gallery_indices(scenes: Sequence[Scene], *, count: int = GALLERY) -> list[int]:
    """Indices of the first scenes whose (caption, sector) pairs are all distinct, at most ``count``."""
    seen: dict[tuple[str, int], int] = {}
    for index, scene in enumerate(scenes):
        source = scene.sources[0]
        seen.setdefault((source.caption, source.sector), index)
    return list(seen.values())[:count]


def true_directions(scenes: Iterable[Scene]) -> Float[np.ndarray, "scene 3"]:
    """Unit vectors from the microphone to the first source of each scene."""
    sources = [scene.sources[0] for scene in scenes]
    return np.stack([unit_vector(source.azimuth_deg, source.elevation_deg) for source in sources])


def true_sectors(scenes: Iterable[Scene]) -> Int[np.ndarray, " scene"]:
    """Sector of the first source of each scene."""
    return np.array([scene.sources[0].sector for scene in scenes], int)


def hear_scenes(model: Model, corpus: Corpus, scenes: Iterable[Scene]) -> HeardScenes:
    """Render the scenes one after the other and put each through the model."""
    rate_hz = model.config.features.rate_hz
    return hear_samples(model, (render_scene(scene, corpus, rate_hz=rate_hz) for scene in scenes))


def hear_samples(model: Model, recordings: Iterable[Foa]) -> HeardScenes:
    """Put AmbiX recordings at the model's rate through it, as such: nothing looks whether they are what they say."""
    rate_hz = model.config.features.rate_hz
    rows = []
    for samples in recordings:
        heard = model.hear(Recording(samples=samples, rate_hz=rate_hz, layout="foa"))
        rows.append([part.mean(axis=0) for part in (*heard.embeddings, heard.direction)])
    joint, semantic, spatial, direction = (np.stack(column) for column in zip(*rows, strict=True))
    return HeardScenes(AudioEmbeddings(joint, semantic, spatial), direction)


def baseline_directions(
    corpus: Corpus, scenes: Iterable[Scene], *, rate_hz: int
) -> dict[str, Float[np.ndarray, "scene 3"]]:
    """What is known without learning: the mean intensity vector of each scene, plain and onset-weighted."""
    rendered = (render_scene(scene, corpus, rate_hz=rate_hz) for scene in scenes)
    pairs = [
        [intensity_direction(x, rate_hz, onset_weighted=onset).vector for onset in (False, True)] for x in rendered
    ]
    plain, onset = np.swapaxes(np.array(pairs), 0, 1)
    return {"intensity": plain, "intensity_onset": onset}

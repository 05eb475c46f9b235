"""The default protocol's scenes, and what a model and the baselines make of them.

Every test sound is used about equally often, in a room of its own, in any sector. The gallery for retrieval is the
first 400 scenes that differ in caption or sector from all before them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int

from salm.audio.intensity import intensity_direction
from salm.audio.recording import Recording
from salm.errors import InputError
from salm.frame import unit_vector
from salm.model.inference import AudioEmbeddings, Model
from salm.scenes.corpora.base import Corpus
from salm.scenes.sample import SceneRanges, draw_scene
from salm.scenes.scene import Scene, render_scene

__all__ = ["GALLERY", "HeardScenes", "Transform", "draw_scenes", "gallery_indices", "hear_scenes", "true_directions"]

GALLERY = 400
"""Scenes in the retrieval gallery."""

Transform = Callable[[Float32[np.ndarray, "4 time"]], Float32[np.ndarray, "4 time"]]
"""A change of the samples of a scene before anything hears it: identity, or one of the controls."""


class HeardScenes(NamedTuple):
    """A model's and the baselines' answers for a list of scenes, in their order."""

    embeddings: AudioEmbeddings
    direction: Float[np.ndarray, "scene 3"]
    intensity: Float[np.ndarray, "scene 3"]
    """Mean intensity vector, plain."""
    intensity_onset: Float[np.ndarray, "scene 3"]
    """Mean intensity vector, onset-weighted."""

    def take(self, indices: Sequence[int] | Int[np.ndarray, " chosen"]) -> "HeardScenes":
        """The answers for some of the scenes."""
        chosen = np.asarray(indices)
        embeddings = AudioEmbeddings(*(part[chosen] for part in self.embeddings))
        return HeardScenes(embeddings, *(part[chosen] for part in self[1:]))


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


def hear_scenes(
    model: Model,
    corpus: Corpus,
    scenes: Iterable[Scene],
    *,
    transform: Transform = lambda samples: samples,
) -> HeardScenes:
    """Render the scenes one after the other and put each through the model and the baselines."""
    rate_hz = model.config.features.rate_hz
    rows = []
    for scene in scenes:
        samples = transform(render_scene(scene, corpus, rate_hz=rate_hz))
        heard = model.hear(Recording(samples=samples, rate_hz=rate_hz, layout="foa"))
        parts = [part.mean(axis=0) for part in heard.embeddings]
        intensities = [intensity_direction(samples, rate_hz, onset_weighted=onset).vector for onset in (False, True)]
        rows.append((*parts, heard.direction.mean(axis=0), *intensities))
    joint, semantic, spatial, *directions = (np.stack(column) for column in zip(*rows, strict=True))
    return HeardScenes(AudioEmbeddings(joint, semantic, spatial), *directions)

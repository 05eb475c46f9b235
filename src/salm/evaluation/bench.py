"""What all tables of one evaluation share: the scenes, a model's answers to them, and what is said of the gallery."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float32, Int

from salm.acoustics.measured.base import ResponseSet
from salm.errors import InputError
from salm.evaluation.gallery import (
    Baselines,
    HeardScenes,
    draw_scenes,
    gallery_indices,
    hear_beside_baselines,
    hear_scenes,
    rendered,
    source_recordings,
    true_sectors,
)
from salm.model.inference import Model
from salm.scenes.captions import HELD_OUT_PHRASINGS, Phrasing, draw_phrasing, spatial_caption
from salm.scenes.corpora.base import Corpus
from salm.scenes.sample import SceneRanges, draw_scene
from salm.scenes.scene import Scene

__all__ = ["AGAIN", "Bench", "Progress", "quietly", "set_up"]

AGAIN = 200
"""Scenes that are heard once more, in another way."""

Progress = Callable[[Sequence[Any], str], Iterable[Any]]
"""Hands on scenes, or stretches of recordings, and says, or not, how far it is; `tqdm.tqdm` is one."""


def quietly(scenes: Sequence[Any], _: str) -> Iterable[Any]:
    """The progress that says nothing."""
    return scenes


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """A model on the scenes of the default protocol."""

    model: Model
    corpus: Corpus
    scenes: tuple[Scene, ...]
    heard: HeardScenes
    """The model's answers, one a scene."""
    baselines: Baselines
    """What is known of the same recordings without learning."""
    recordings: Int[np.ndarray, " scene"]
    """Which source recording each scene's sound was cut from."""
    gallery: tuple[int, ...]
    """Indices of the scenes whose (caption, sector) pairs are all distinct."""
    unseen_phrasings: tuple[Phrasing, ...]
    """One a scene of the gallery, drawn from those that are for evaluation only."""
    trained_phrasings: tuple[Phrasing, ...]
    """One a scene of the gallery, drawn as in training."""
    seed: int
    ranges: SceneRanges | None
    progress: Progress

    @property
    def gallery_recordings(self) -> Int[np.ndarray, " chosen"]:
        """Which source recording each scene of the gallery is of."""
        return self.recordings[list(self.gallery)]

    def recordings_of(self, scenes: Sequence[Scene]) -> Int[np.ndarray, " scene"]:
        """Which source recording each of any scenes is of."""
        return source_recordings(self.corpus, scenes)

    @property
    def direction_sentences(self) -> Float32[np.ndarray, "sector width"]:
        """Text embedding of each sector, the mean over the phrasings of directions."""
        return self.model.direction_sentences

    @property
    def phrasings(self) -> dict[str, list[str]]:
        """Templates of the sentences, for the report."""
        return {"unseen_phrasings": sorted({phrasing.template for phrasing in self.unseen_phrasings})}

    @property
    def captions(self) -> list[str]:
        """Captions of the gallery, without place words."""
        return [self.scenes[i].sources[0].caption for i in self.gallery]

    @property
    def sectors(self) -> Int[np.ndarray, " chosen"]:
        """True sectors of the gallery."""
        return true_sectors(self.scenes[i] for i in self.gallery)

    @cached_property
    def free_field(self) -> tuple[tuple[Scene, ...], HeardScenes]:
        """One scene a sound without a room, each sound from a direction of its own, in the order of the scenes."""
        drawn = draw_scenes(
            self.corpus,
            count=min(len(self.scenes), len(self.corpus.sounds)),
            seed=self.seed,
            ranges=replace(self.ranges or SceneRanges(), anechoic=1.0),
        )
        return tuple(drawn), hear_scenes(self.model, self.corpus, self.progress(drawn, "free field"))

    @cached_property
    def elsewhere(self) -> tuple[tuple[Scene, ...], HeardScenes]:
        """The first scenes' sounds in other rooms and other sectors."""
        moved = tuple(self._moved())
        return moved, hear_scenes(self.model, self.corpus, self.progress(moved, "two rooms"))

    def _moved(self) -> Iterator[Scene]:
        rng = np.random.default_rng([self.seed, 5])
        sounds = {sound.id: sound for sound in self.corpus.sounds}
        for scene in self.scenes[:AGAIN]:
            source = scene.sources[0]
            sector = (source.sector + int(rng.integers(1, 8))) % 8
            yield draw_scene(rng, sounds[source.sound_id], ranges=self.ranges, sector=sector)

    @cached_property
    def unseen(self) -> Float32[np.ndarray, "chosen width"]:
        """Text embeddings of the gallery's spatial captions in the unseen phrasings."""
        return self.said(self.unseen_phrasings, self.sectors)

    @cached_property
    def trained(self) -> Float32[np.ndarray, "chosen width"]:
        """Text embeddings of the gallery's spatial captions in the trained phrasings."""
        return self.said(self.trained_phrasings, self.sectors)

    def said(
        self, phrasings: Sequence[Phrasing], sectors: Int[np.ndarray, " chosen"]
    ) -> Float32[np.ndarray, "chosen width"]:
        """Text embeddings of the gallery's captions with any sectors, in any phrasings."""
        facing = self.model.config.facing
        parts = zip(self.captions, sectors.tolist(), phrasings, strict=True)
        return self.model.embed_text([spatial_caption(c, s, phrasing=p, facing=facing) for c, s, p in parts])


def set_up(
    model: Model,
    corpus: Corpus,
    *,
    scenes: int,
    seed: int,
    ranges: SceneRanges | None = None,
    responses: ResponseSet | None = None,
    progress: Progress = quietly,
) -> Bench:
    """Draw the scenes and the phrasings, and hear the one and embed the other.

    Parameters
    ----------
    responses
        Measured responses that the scenes sound through; None is simulated rooms.

    Raises
    ------
    InputError
        If the corpus is empty or fewer than two scenes are asked for: controls need another scene.
    """
    if scenes < 2:
        raise InputError(f"scenes is {scenes} but an evaluation needs at least 2.")
    drawn = tuple(draw_scenes(corpus, count=scenes, seed=seed, ranges=ranges, responses=responses))
    gallery = tuple(gallery_indices(drawn))
    rng = np.random.default_rng([seed, 7])
    unseen = rng.integers(len(HELD_OUT_PHRASINGS), size=len(gallery))
    rate_hz = model.config.features.rate_hz
    shown = progress(drawn, "scenes" if responses is None else "measured rooms")
    heard, baselines = hear_beside_baselines(model, rendered(corpus, shown, rate_hz=rate_hz, responses=responses))
    return Bench(
        model=model,
        corpus=corpus,
        scenes=drawn,
        heard=heard,
        baselines=baselines,
        recordings=source_recordings(corpus, drawn),
        gallery=gallery,
        unseen_phrasings=tuple(HELD_OUT_PHRASINGS[int(i)] for i in unseen),
        trained_phrasings=tuple(draw_phrasing(rng) for _ in gallery),
        seed=seed,
        ranges=ranges,
        progress=progress,
    )

"""What all tables of one evaluation share: the scenes, a model's answers to them, and what is said of the gallery."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Int

from salm.errors import InputError
from salm.evaluation.gallery import HeardScenes, draw_scenes, gallery_indices, hear_scenes, true_sectors
from salm.model.inference import Model
from salm.scenes.captions import HELD_OUT_PHRASINGS, Phrasing, draw_phrasing, spatial_caption
from salm.scenes.corpora.base import Corpus
from salm.scenes.sample import SceneRanges
from salm.scenes.scene import Scene

__all__ = ["Bench", "Progress", "quietly", "set_up"]

Progress = Callable[[Sequence[Scene], str], Iterable[Scene]]
"""Hands on scenes and says, or not, how far it is; `tqdm.tqdm` is one."""


def quietly(scenes: Sequence[Scene], _: str) -> Iterable[Scene]:
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
    def captions(self) -> list[str]:
        """Captions of the gallery, without place words."""
        return [self.scenes[i].sources[0].caption for i in self.gallery]

    @property
    def sectors(self) -> Int[np.ndarray, " chosen"]:
        """True sectors of the gallery."""
        return true_sectors(self.scenes[i] for i in self.gallery)

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
    progress: Progress = quietly,
) -> Bench:
    """Draw the scenes and the phrasings, and hear the one and embed the other.

    Raises
    ------
    InputError
        If the corpus is empty or fewer than two scenes are asked for: controls need another scene.
    """
    if scenes < 2:
        raise InputError(f"scenes is {scenes} but an evaluation needs at least 2.")
    drawn = tuple(draw_scenes(corpus, count=scenes, seed=seed, ranges=ranges))
    gallery = tuple(gallery_indices(drawn))
    rng = np.random.default_rng([seed, 7])
    unseen = rng.integers(len(HELD_OUT_PHRASINGS), size=len(gallery))
    return Bench(
        model=model,
        corpus=corpus,
        scenes=drawn,
        heard=hear_scenes(model, corpus, progress(drawn, "scenes")),
        gallery=gallery,
        unseen_phrasings=tuple(HELD_OUT_PHRASINGS[int(i)] for i in unseen),
        trained_phrasings=tuple(draw_phrasing(rng) for _ in gallery),
        seed=seed,
        ranges=ranges,
        progress=progress,
    )

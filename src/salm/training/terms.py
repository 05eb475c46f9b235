"""The terms of the loss of one batch, from its embeddings: which sentences they need, and what they compare."""

from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from salm.model.config import ModelConfig
from salm.model.encoders import Observation
from salm.model.hub import tag_labels
from salm.scenes.captions import DIRECTION_PHRASINGS, direction_sentence
from salm.scenes.dataset import Batch
from salm.training.devices import Devices
from salm.training.losses import (
    LossWeights,
    contrastive,
    direction_of_arrival,
    label_distillation,
    nearest_sentence,
)
from salm.training.towers import Embedded

__all__ = ["StandingSentences", "Told", "loss_terms", "median_angle_deg", "told"]


@dataclass(frozen=True, kw_only=True)
class StandingSentences:
    """Sentences that no batch carries: the eight directions in every phrasing, and AudioSet's labels."""

    directions: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, model: ModelConfig) -> "StandingSentences":
        """Those that a model can learn from; without a tagger it learns nothing from labels."""
        directions = tuple(
            tuple(direction_sentence(sector, phrasing=phrasing, facing=model.facing) for sector in range(8))
            for phrasing in DIRECTION_PHRASINGS
        )
        labels = tag_labels() if model.pair == "tagger_htsat" else ()
        return cls(directions=directions, labels=tuple(f"The sound of {label}." for label in labels))


@dataclass(frozen=True, kw_only=True)
class Told:
    """The sentences that the loss of one batch needs; a term that does not count needs none."""

    captions: list[str] = field(default_factory=list)
    spatial: list[str] = field(default_factory=list)
    rivals: list[str] = field(default_factory=list)
    """As many of each item, item by item."""
    directions: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    @property
    def of_batch(self) -> list[str]:
        """Those that come with the batch, group by group."""
        return [*self.captions, *self.spatial, *self.rivals]

    @cached_property
    def all(self) -> list[str]:
        """All of them, group by group."""
        return [*self.of_batch, *self.directions, *self.labels]

    def parted(self, text: Float[Tensor, "sentence width"]) -> tuple[Float[Tensor, "group width"], ...]:
        """What belongs to each group."""
        groups = (self.captions, self.spatial, self.rivals, self.directions, self.labels)
        return torch.split(text, [len(group) for group in groups])


def told(
    batch: Batch[Observation], standing: StandingSentences, *, weights: LossWeights, rivals: int, step: int
) -> Told:
    """The sentences for a batch; steps take turns at the phrasings of the directions."""
    return Told(
        captions=batch.captions if weights.cl else [],
        spatial=batch.spatial_captions if weights.scl else [],
        rivals=[sentence for group in batch.rivals for sentence in group[:rivals]] if weights.scl else [],
        directions=list(standing.directions[step % len(standing.directions)]) if weights.sentence else [],
        labels=list(standing.labels) if weights.labels else [],
    )


def loss_terms(
    embedded: Embedded, batch: Batch[Observation], sentences: Told, *, weights: LossWeights, devices: Devices
) -> dict[str, Float[Tensor, ""]]:
    """Every term that counts, over the batch of all processes.

    What is learned from one direction is learned from scenes that have one; a batch without any lacks those terms.
    """
    caption, spatial, rival, direction, label = sentences.parted(embedded.text)
    scale, all_of = embedded.scale, devices.gathered
    located = all_of(batch.located)
    has_directions = bool(located.any())
    terms = {}
    if weights.cl:
        terms["cl"] = contrastive(
            all_of(embedded.semantic), all_of(caption), scale=scale, positives=all_of(batch.same_sound)
        )
    if weights.scl:
        terms["scl"] = contrastive(
            all_of(embedded.joint),
            all_of(spatial),
            scale=scale,
            positives=all_of(batch.same_scene),
            rivals=all_of(torch.unflatten(rival, 0, (len(batch.captions), -1))) if sentences.rivals else None,
        )
    if weights.doa and has_directions:
        terms["doa"] = direction_of_arrival(all_of(embedded.direction)[located], all_of(batch.direction)[located])
    if weights.sentence and has_directions:
        terms["sentence"] = nearest_sentence(
            all_of(embedded.spatial)[located], direction, scale=scale, sector=all_of(batch.sector)[located]
        )
    if sentences.labels:
        posterior = all_of(batch.observation.tag_logits)
        terms["labels"] = label_distillation(all_of(embedded.semantic), label, scale=scale, tag_logits=posterior)
    return terms


def median_angle_deg(predicted: Float[Tensor, "batch 3"], true: Float[Tensor, "batch 3"]) -> float:
    """Median angle between directions in degrees, for the log."""
    cosine = torch.nn.functional.cosine_similarity(predicted.float(), true, dim=-1)
    return float(torch.rad2deg(cosine.clamp(-1, 1).arccos()).median())

"""Sentences as the text side takes them in training."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from salm.model.text import RobertaTower, TextTower
from salm.training.towers import TextInput

__all__ = ["SentenceCache", "reader"]


class SentenceCache:
    """What a frozen tower says of sentences that come again and again.

    Captions, phrasings and sectors are few, so that after some minutes of training nearly every sentence is known.
    """

    def __init__(self, tower: TextTower) -> None:
        self.tower = tower
        self._vectors: dict[str, Float[Tensor, " dim"]] = {}

    def __call__(self, sentences: Sequence[str]) -> Float[Tensor, "item dim"]:
        """Vectors of the sentences, in their order."""
        new = list(dict.fromkeys(s for s in sentences if s not in self._vectors))
        if new:
            # Outside any autocast: kept in full precision, as inference sees them.
            self._vectors.update(zip(new, self.tower(new), strict=True))
        return torch.stack([self._vectors[s] for s in sentences]) if sentences else self.tower([])


def reader(tower: TextTower) -> Callable[[Sequence[str]], TextInput]:
    """How sentences are read: once for all by a frozen tower, as tokens for one that is trained."""
    return tower.tokens if isinstance(tower, RobertaTower) else SentenceCache(tower)

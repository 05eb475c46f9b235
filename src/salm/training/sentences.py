"""Vectors of sentences from a frozen text tower, each computed once."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from salm.model.text import TextTower

__all__ = ["SentenceCache"]


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
            # Kept in full precision, whatever the training around computes with: these are what inference sees.
            with torch.autocast("cpu", enabled=False):
                self._vectors.update(zip(new, self.tower(new), strict=True))
        return torch.stack([self._vectors[s] for s in sentences])

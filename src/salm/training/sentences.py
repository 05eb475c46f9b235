"""Sentences as the text side takes them in training."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

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
            with _in_any_company():
                self._vectors.update(zip(new, self.tower(new), strict=True))
        return torch.stack([self._vectors[s] for s in sentences]) if sentences else self.tower([])


def reader(tower: TextTower) -> Callable[[Sequence[str]], TextInput]:
    """How sentences are read: once for all by a frozen tower, as tokens for one that is trained."""
    return tower.tokens if isinstance(tower, RobertaTower) else SentenceCache(tower)


@contextmanager
def _in_any_company() -> Iterator[None]:
    """One thread, with which a vector is the same, to the last bit, whichever other sentences come with it.

    A resumed run knows no sentences yet and meets them in other company than an uninterrupted one did.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

"""Sentences as the text side takes them in training."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor

from salm.model.text import RobertaTower, SentenceTower, States, TextTower
from salm.training.towers import TextInput

__all__ = ["SentenceCache", "StateCache", "reader"]

_MOST_STATES = 20_000


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


class StateCache:
    """What the layers below the first adapted one make of sentences.

    A sentence takes twenty times the room of a vector, so that only so many of the last new ones are kept.
    """

    def __init__(self, tower: SentenceTower, *, most: int = _MOST_STATES) -> None:
        self.tower, self.most = tower, most
        self._states: dict[str, Float[Tensor, "token dim"]] = {}

    def __call__(self, sentences: Sequence[str]) -> States:
        """States of the sentences, in their order."""
        new = list(dict.fromkeys(s for s in sentences if s not in self._states))
        if new:
            with _in_any_company():
                self._states.update(zip(new, self.tower.below(new), strict=True))
        states = [self._states[s] for s in sentences]
        for old in list(self._states)[: max(0, len(self._states) - self.most)]:
            del self._states[old]
        if not states:
            return States(torch.zeros(0, 1, self.tower.dim), torch.ones(0, 1, dtype=torch.long))
        values = torch.nn.utils.rnn.pad_sequence(states, batch_first=True)
        lengths = torch.tensor([len(one) for one in states])
        return States(values, (torch.arange(values.shape[1]) < lengths[:, None]).long())


def reader(tower: TextTower) -> Callable[[Sequence[str]], TextInput]:
    """How sentences are read: once for all by what is frozen of a tower, as tokens for one that is trained."""
    if isinstance(tower, RobertaTower):
        return tower.tokens
    return StateCache(tower) if isinstance(tower, SentenceTower) and tower.adapted_layers else SentenceCache(tower)


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

"""Sentences as the text side takes them in training."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from salm.model.text import RobertaTower, SentenceTower, States, TextTower, Tokens
from salm.training.towers import TextInput

__all__ = ["ReadAhead", "Reader", "SentenceCache", "StateCache", "TokenReader", "reader"]

_MOST_STATES = 120_000

Tower = TypeVar("Tower", bound=TextTower)


class ReadAhead(NamedTuple):
    """What is frozen of a tower makes of some sentences, in few tensors, as processes hand them on."""

    sentences: tuple[str, ...]
    """Each once."""
    values: Float[Tensor, "row dim"]
    """Rows of the sentences, one after the other: a vector, or a state for every token."""
    rows: tuple[int, ...]
    """How many each has."""

    def by_sentence(self) -> dict[str, Float[Tensor, "row dim"]]:
        """The rows of every sentence."""
        return dict(zip(self.sentences, torch.split(self.values, list(self.rows)), strict=True))


class Reader(ABC, Generic[Tower]):
    """Reads sentences for training."""

    def __init__(self, tower: Tower) -> None:
        self.tower = tower

    @abstractmethod
    def __call__(self, sentences: Sequence[str], *, ahead: ReadAhead | None = None) -> TextInput:
        """The sentences, in their order, as the tower takes them; ``ahead`` are those that were read before."""

    def ahead(self, sentences: Sequence[str]) -> ReadAhead | None:
        """What of the reading can be done before the step that needs it, in another process; None is nothing."""
        del sentences
        return None


class TokenReader(Reader[RobertaTower]):
    """Leaves all but the tokens to a tower that is trained."""

    def __call__(self, sentences: Sequence[str], *, ahead: ReadAhead | None = None) -> Tokens:
        """Tokens of the sentences, in their order."""
        del ahead
        return self.tower.tokens(sentences)


class _Cache(Reader[Tower]):
    """Keeps what is frozen of a tower makes of sentences, the last new ones if not all."""

    most: int | None = None

    def __init__(self, tower: Tower) -> None:
        super().__init__(tower)
        self._known: dict[str, Float[Tensor, "row dim"]] = {}

    def ahead(self, sentences: Sequence[str]) -> ReadAhead:
        """All of the sentences, each once."""
        once = tuple(dict.fromkeys(sentences))
        values = self._rows(once, {})
        return ReadAhead(once, torch.cat(values), tuple(len(rows) for rows in values))

    def _rows(self, sentences: Sequence[str], ahead: dict[str, Tensor]) -> list[Float[Tensor, "row dim"]]:
        new = list(dict.fromkeys(s for s in sentences if s not in self._known and s not in ahead))
        if new:
            # Outside any autocast: kept in full precision, as inference sees them.
            with _in_any_company():
                self._known.update(zip(new, self._read(new), strict=True))
        rows = [ahead[s] if s in ahead else self._known[s] for s in sentences]
        if self.most is not None:
            for old in list(self._known)[: max(0, len(self._known) - self.most)]:
                del self._known[old]
        return rows

    def _read(self, sentences: list[str]) -> Sequence[Float[Tensor, "row dim"]]:
        raise NotImplementedError


class SentenceCache(_Cache[TextTower]):
    """What a frozen tower says of sentences that come again and again.

    Captions, phrasings and sectors are few, so that after some minutes of training nearly every sentence is known.
    """

    def __call__(self, sentences: Sequence[str], *, ahead: ReadAhead | None = None) -> Float[Tensor, "item dim"]:
        """Vectors of the sentences, in their order."""
        if not sentences:
            return torch.zeros(0, self.tower.dim)
        return torch.cat(self._rows(sentences, ahead.by_sentence() if ahead else {}))

    def _read(self, sentences: list[str]) -> Sequence[Float[Tensor, "1 dim"]]:
        return torch.split(self.tower(sentences), 1)


class StateCache(_Cache[SentenceTower]):
    """What the layers below the first that is trained make of sentences.

    A sentence takes many times the room of a vector: states are kept in half precision, which is finer than what a
    step computes with, and only so many of the last new ones.
    """

    def __init__(self, tower: SentenceTower, *, most: int = _MOST_STATES) -> None:
        super().__init__(tower)
        self.most = most

    def __call__(self, sentences: Sequence[str], *, ahead: ReadAhead | None = None) -> States:
        """States of the sentences, in their order."""
        if not sentences:
            return States(torch.zeros(0, 1, self.tower.token_dim), torch.ones(0, 1, dtype=torch.long))
        states = self._rows(sentences, ahead.by_sentence() if ahead else {})
        values = torch.nn.utils.rnn.pad_sequence(states, batch_first=True)
        lengths = torch.tensor([len(one) for one in states])
        return States(values.float(), (torch.arange(values.shape[1]) < lengths[:, None]).long())

    def _read(self, sentences: list[str]) -> Sequence[Float[Tensor, "token dim"]]:
        return [states.half() for states in self.tower.below(sentences)]


def reader(tower: TextTower) -> Reader[Any]:
    """How sentences are read: once for all by what is frozen of a tower, as tokens for one that is trained."""
    if isinstance(tower, RobertaTower):
        return TokenReader(tower)
    return StateCache(tower) if isinstance(tower, SentenceTower) and not tower.frozen else SentenceCache(tower)


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

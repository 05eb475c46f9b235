"""Every sentence goes through the tower once, in full precision."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from salm.training.sentences import SentenceCache


class Counting(nn.Module):
    """A tower that notes what it is asked."""

    dim = 4

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.layer = nn.Linear(1, 4).requires_grad_(False)

    def forward(self, sentences: Sequence[str]) -> Tensor:
        self.asked.append(list(sentences))
        return self.layer(torch.tensor([[float(len(sentence))] for sentence in sentences]))


@pytest.fixture
def tower() -> Counting:
    return Counting()


def test_vectors_are_the_towers_in_order(tower: Counting) -> None:
    cache = SentenceCache(tower)  # type: ignore[arg-type]
    cache(["a", "bb"])
    sentences = ["ccc", "a", "ccc", "bb"]
    assert torch.equal(cache(sentences), tower(sentences))


def test_a_sentence_is_computed_once(tower: Counting) -> None:
    cache = SentenceCache(tower)  # type: ignore[arg-type]
    for sentences in (["a", "bb", "a"], ["bb"], ["a", "ccc"]):
        cache(sentences)
    assert tower.asked == [["a", "bb"], ["ccc"]]


def test_autocast_around_it_does_not_round(tower: Counting) -> None:
    exact = tower(["a", "bb", "ccc"])
    with torch.autocast("cpu", torch.bfloat16):
        assert tower(["a"]).dtype == torch.bfloat16
        kept = SentenceCache(tower)(["a", "bb", "ccc"])  # type: ignore[arg-type]
    assert torch.equal(kept, exact)

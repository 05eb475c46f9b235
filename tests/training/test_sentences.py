"""Every sentence goes through the tower once, in full precision."""

from collections.abc import Sequence

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import Tensor, nn

from salm.model import hub
from salm.model.config import RobertaSize
from salm.model.text import RobertaTower, Tokens
from salm.training.sentences import SentenceCache, StateCache, reader


class Counting(nn.Module):
    """A tower that notes what it is asked."""

    dim = 4

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.layer = nn.Linear(1, 4).requires_grad_(False)
        # Of whole numbers every product is exact, however many rows it has.
        self.layer.weight.copy_(torch.tensor([[1.0], [2.0], [-3.0], [5.0]]))
        self.layer.bias.copy_(torch.tensor([0.0, 1.0, 7.0, -2.0]))

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


def test_a_tower_that_is_trained_is_read_as_tokens() -> None:
    tower = RobertaTower(RobertaSize(vocabulary=8, dim=8, layers=1, heads=1, hidden=8), tokenizer=words())
    assert isinstance(reader(tower)(["a bell"]), Tokens)


def test_a_frozen_tower_is_read_as_vectors(tower: Counting) -> None:
    read = reader(tower)  # type: ignore[arg-type]
    assert torch.equal(read(["a", "bb"]), tower(["a", "bb"]))  # type: ignore[arg-type]


def words() -> str:
    return Tokenizer(WordLevel({"<unk>": 0, "a": 4, "bell": 5}, unk_token="<unk>")).to_str()


def test_the_tower_reads_on_one_thread(tower: Counting) -> None:
    seen: list[int] = []
    tower.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        SentenceCache(tower)(["a", "bb"])  # type: ignore[arg-type]
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert seen == [1]


def test_what_was_read_ahead_is_not_read_again(tower: Counting) -> None:
    elsewhere, cache = SentenceCache(tower), SentenceCache(tower)  # type: ignore[arg-type]
    ahead = elsewhere.ahead(["a", "bb", "a"])
    assert ahead.sentences == ("a", "bb")
    assert tower.asked == [["a", "bb"]]
    found = cache(["bb", "ccc", "a"], ahead=ahead)
    assert tower.asked == [["a", "bb"], ["ccc"]]
    assert torch.equal(found, tower(["bb", "ccc", "a"]))


def test_states_that_were_read_ahead_are_those_of_the_tower() -> None:
    tower = hub.text_tower("minilm-l6-v2").mapped(2)
    here, elsewhere = reader(tower), reader(tower)
    assert isinstance(here, StateCache)
    sentences = ["A bell rings behind you.", "Rain.", "A bell rings behind you."]
    ahead = elsewhere.ahead(["Rain.", sentences[0]])
    assert ahead is not None
    assert ahead.rows == tuple(len(one.ids) for one in tower.tokenizer.encode_batch(["Rain.", sentences[0]]))
    for found, expected in zip(here(sentences, ahead=ahead), elsewhere(sentences), strict=True):
        assert torch.equal(found, expected)


def test_tokens_are_not_read_ahead() -> None:
    tower = RobertaTower(RobertaSize(vocabulary=8, dim=8, layers=1, heads=1, hidden=8), tokenizer=words())
    assert reader(tower).ahead(["a bell"]) is None

"""The text tower: sentences to vectors by a pretrained transformer with mean pooling."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["SentenceTower"]

_LARGEST_BATCH = 64


class SentenceTower(nn.Module):
    """A BERT-style sentence encoder: mean of the token states, scaled to length sqrt(dim).

    That length gives every coordinate a variance near one, so that the projection that follows starts at a
    sensible scale. The tower is frozen: it has no gradients and is always in evaluation mode.

    Parameters
    ----------
    config
        Keyword arguments of :class:`transformers.BertConfig`.
    tokenizer
        Path of a ``tokenizer.json``.
    max_tokens
        Longer sentences are truncated.
    """

    def __init__(self, *, config: dict[str, Any], tokenizer: Path, max_tokens: int = 64) -> None:
        super().__init__()
        from tokenizers import Tokenizer
        from transformers.models.bert.configuration_bert import BertConfig
        from transformers.models.bert.modeling_bert import BertModel

        self.bert = BertModel(BertConfig(**config), add_pooling_layer=False).requires_grad_(False).eval()
        self.tokenizer = Tokenizer.from_file(str(tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_tokens)
        self.dim = int(config["hidden_size"])

    def train(self, mode: bool = True) -> "SentenceTower":
        """Stay in evaluation mode: a frozen tower has no training mode."""
        del mode
        return super().train(False)

    @torch.no_grad()
    def forward(self, sentences: Sequence[str]) -> Float[Tensor, "item dim"]:
        """Vectors of the sentences, in their order.

        Sentences of as many tokens are encoded together: nothing is spent on padding, and which others a sentence came
        with does not change its vector (on one thread, by no bit).
        """
        device = next(self.bert.parameters()).device
        encoded = [encoding.ids for encoding in self.tokenizer.encode_batch(list(sentences))]
        vectors = torch.empty(len(encoded), self.dim, device=device)
        for chosen in _batches([len(ids) for ids in encoded]):
            ids = torch.tensor([encoded[index] for index in chosen], device=device)
            pooled = self.bert(input_ids=ids).last_hidden_state.mean(1)
            vectors[torch.tensor(chosen, device=device)] = nn.functional.normalize(pooled, dim=-1).float()
        scaled: Tensor = vectors * self.dim**0.5
        return scaled


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of items of equal length, at most so many at once."""
    groups: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        groups.setdefault(length, []).append(index)
    for group in groups.values():
        yield from (group[start : start + _LARGEST_BATCH] for start in range(0, len(group), _LARGEST_BATCH))

"""The text tower: sentences to vectors by a pretrained transformer with mean pooling."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = ["SentenceTower"]


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
        self.tokenizer.enable_padding()
        self.tokenizer.enable_truncation(max_tokens)
        self.dim = int(config["hidden_size"])

    def train(self, mode: bool = True) -> "SentenceTower":
        """Stay in evaluation mode: a frozen tower has no training mode."""
        del mode
        return super().train(False)

    def tokens(self, sentences: Sequence[str]) -> tuple[Int[Tensor, "item token"], Int[Tensor, "item token"]]:
        """Token ids and attention mask, padded to the longest sentence."""
        encoded = self.tokenizer.encode_batch(list(sentences))
        return torch.tensor([e.ids for e in encoded]), torch.tensor([e.attention_mask for e in encoded])

    @torch.no_grad()
    def forward(self, sentences: Sequence[str]) -> Float[Tensor, "item dim"]:
        """Vectors of the sentences, in their order.

        Sentences are encoded in the order of their length so that little is spent on padding.
        """
        device = next(self.bert.parameters()).device
        order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
        vectors = torch.empty(len(sentences), self.dim, device=device)
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            ids, mask = (t.to(device) for t in self.tokens([sentences[i] for i in chosen]))
            states = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).to(states.dtype)
            pooled = (states * weights).sum(1) / weights.sum(1)
            vectors[torch.tensor(chosen, device=device)] = nn.functional.normalize(pooled, dim=-1).float()
        return vectors * self.dim**0.5

"""BERT (Devlin et al. 2018, arXiv 1810.04805) for reading sentences: no training, no heads, no second sentence.

Written out here, and not taken from transformers, whose import takes longer than all else that `salm locate` does. The
names of weights are those of the published files; `tests/model/test_text.py` holds it against transformers.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from salm.errors import InputError

__all__ = ["Bert", "BertSize", "Layer"]

_READING = ("query", "key", "value")


@dataclass(frozen=True, kw_only=True)
class BertSize:
    """Numbers of the network, by the names that published ``config.json`` files give them."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0
    hidden_act: str = "gelu"

    def __post_init__(self) -> None:
        if self.hidden_act != "gelu":
            raise InputError(f"hidden_act is {self.hidden_act!r} but must be gelu.")
        if self.hidden_size % self.num_attention_heads:
            raise InputError(
                f"hidden_size is {self.hidden_size} but must be a multiple of {self.num_attention_heads} heads."
            )


class Bert(nn.Module):
    """Tokens to states, one a token."""

    def __init__(self, size: BertSize) -> None:
        super().__init__()
        self.embeddings = _Embeddings(size)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(size) for _ in range(size.num_hidden_layers))})

    @property
    def layers(self) -> nn.ModuleList:
        """The layers, in the order in which states go through them."""
        layers = self.encoder["layer"]
        assert isinstance(layers, nn.ModuleList)
        return layers

    def forward(
        self, ids: Int[Tensor, "item token"], mask: Bool[Tensor, "item token"] | None = None
    ) -> Float[Tensor, "item token dim"]:
        """States above the last layer; ``mask`` is false for padding, and None if there is none."""
        states: Tensor = self.embeddings(ids)
        for layer in self.layers:
            states = layer(states, None if mask is None else mask[:, None, None])
        return states


class Layer(nn.Module):
    """Attention, then a perceptron on each token; both are added to what goes in, and normalised."""

    def __init__(self, size: BertSize) -> None:
        super().__init__()
        dim, self.heads = size.hidden_size, size.num_attention_heads
        reading = nn.ModuleDict({name: nn.Linear(dim, dim) for name in _READING})
        self.attention = nn.ModuleDict({"self": reading, "output": _Joined(dim, size)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(dim, size.intermediate_size)})
        self.output = _Joined(size.intermediate_size, size)

    def forward(
        self,
        states: Float[Tensor, "item token dim"],
        mask: Bool[Tensor, "item 1 1 token"] | Float[Tensor, "item 1 1 token"] | None = None,
    ) -> Float[Tensor, "item token dim"]:
        """States after the layer; ``mask`` is false for tokens that nobody looks at, or what is added to scores."""
        query, key, value = (read(states).unflatten(-1, (self.heads, -1)).transpose(1, 2) for read in self._reading)
        seen = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)
        states = self.attention["output"](seen, states)
        above: Tensor = self.output(nn.functional.gelu(self.intermediate["dense"](states)), states)
        return above

    @property
    def _reading(self) -> list[nn.Module]:
        return [self.attention.get_submodule(f"self.{name}") for name in _READING]


class _Embeddings(nn.Module):
    """Words and places of tokens, all of the first sentence."""

    def __init__(self, size: BertSize) -> None:
        super().__init__()
        dim = size.hidden_size
        self.word_embeddings = nn.Embedding(size.vocab_size, dim, padding_idx=size.pad_token_id)
        self.position_embeddings = nn.Embedding(size.max_position_embeddings, dim)
        self.token_type_embeddings = nn.Embedding(size.type_vocab_size, dim)
        self.LayerNorm = nn.LayerNorm(dim, eps=size.layer_norm_eps)

    def forward(self, ids: Int[Tensor, "item token"]) -> Float[Tensor, "item token dim"]:
        places = torch.arange(ids.shape[1], device=ids.device)
        # In the order of the published network, which decides how the sum is rounded.
        words = self.word_embeddings(ids) + self.token_type_embeddings(torch.zeros_like(ids))
        states: Tensor = self.LayerNorm(words + self.position_embeddings(places))
        return states


class _Joined(nn.Module):
    """A linear map added to what was there, and normalised."""

    def __init__(self, in_features: int, size: BertSize) -> None:
        super().__init__()
        self.dense = nn.Linear(in_features, size.hidden_size)
        self.LayerNorm = nn.LayerNorm(size.hidden_size, eps=size.layer_norm_eps)

    def forward(
        self, x: Float[Tensor, "item token in"], states: Float[Tensor, "item token dim"]
    ) -> Float[Tensor, "item token dim"]:
        joined: Tensor = self.LayerNorm(self.dense(x) + states)
        return joined

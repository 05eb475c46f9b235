"""Text towers, sentences to vectors: a frozen sentence encoder, and RoBERTa as the paper trains it along.

The frozen encoder can be given what is trained along: attention maps over its tokens, and adapters of its last layers
(LoRA, arXiv 2106.09685).
"""

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from salm.errors import InputError, check_text
from salm.model.bert import Bert, BertSize
from salm.model.config import RobertaSize
from salm.model.tokenizer import read_tokenizer

__all__ = ["AdaptedLinear", "RobertaTower", "SentenceTower", "States", "TextTower", "TokenMaps", "Tokens"]

_LARGEST_BATCH = 64
# Libraries choose how they add up a product by its number of rows, each processor in its own way: only products of one
# shape round alike.
_TOGETHER = 8

_ADAPTED = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)


class Tokens(NamedTuple):
    """Sentences as a text tower reads them, padded to the longest."""

    ids: Int[Tensor, "item token"]
    mask: Int[Tensor, "item token"]
    """1 for tokens, 0 for padding."""


class States(NamedTuple):
    """What the layers of a tower below the first that is trained make of sentences, padded to the longest."""

    values: Float[Tensor, "item token dim"]
    mask: Int[Tensor, "item token"]
    """1 for tokens, 0 for padding."""


class TextTower(nn.Module):
    """Sentences to vectors of ``dim`` numbers."""

    dim: int
    frozen: bool
    """Whether none of its weights is ever trained, so that they are no part of a model's own."""
    tokenizer: Any
    """From the package tokenizers; None if there is none."""

    def encode(self, ids: Int[Tensor, "item token"], mask: Int[Tensor, "item token"]) -> Float[Tensor, "item dim"]:
        """Vectors of sentences that are tokens already."""
        raise NotImplementedError

    def forward(self, sentences: Sequence[str]) -> Float[Tensor, "item dim"]:
        """Vectors of the sentences, in their order."""
        raise NotImplementedError


class RobertaTower(TextTower):
    """RoBERTa with its pooler: tanh of a linear map of the first token's state. It is trained along.

    Parameters
    ----------
    size
        Numbers of the network; the defaults are those of ``roberta-base``.
    tokenizer
        Content of a ``tokenizer.json``. Without one only tokens can be encoded.
    """

    frozen = False

    def __init__(self, size: RobertaSize | None = None, *, tokenizer: str | None = None) -> None:
        super().__init__()
        from transformers.models.roberta.configuration_roberta import RobertaConfig
        from transformers.models.roberta.modeling_roberta import RobertaModel

        size = size or RobertaSize()
        config = RobertaConfig(
            vocab_size=size.vocabulary,
            hidden_size=size.dim,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            intermediate_size=size.hidden,
            hidden_dropout_prob=size.dropout,
            attention_probs_dropout_prob=size.dropout,
            # Positions count from the one after the padding token's number.
            max_position_embeddings=size.positions,
            type_vocab_size=1,
            layer_norm_eps=size.layer_norm_eps,
        )
        self.roberta = RobertaModel(config, add_pooling_layer=True)
        self.padding = int(config.pad_token_id)
        self.dim, self.max_tokens = size.dim, size.max_tokens
        self.tokenizer_json = tokenizer
        self.tokenizer = None if tokenizer is None else _tokenizer(tokenizer, max_tokens=size.max_tokens)

    @classmethod
    def pretrained(cls, name: str, *, size: RobertaSize | None = None) -> tuple["RobertaTower", RobertaSize]:
        """RoBERTa with published weights and its tokenizer, and its size.

        Parameters
        ----------
        name
            A folder as transformers saves it, with safetensors, or a hub id such as ``roberta-base``.
        size
            Whose ``max_tokens`` and ``dropout`` are taken; all else is the published network's.

        Raises
        ------
        InputError
            If there is no such folder or id, or it holds something else.
        """
        from transformers.models.roberta.modeling_roberta import RobertaModel

        wanted = size or RobertaSize()
        try:
            network = RobertaModel.from_pretrained(name, use_safetensors=True)
        except (OSError, ValueError, KeyError, AttributeError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise InputError(f"{name} cannot be read as RoBERTa: {reason}") from error
        config = network.config
        found = RobertaSize(
            vocabulary=config.vocab_size,
            dim=config.hidden_size,
            layers=config.num_hidden_layers,
            heads=config.num_attention_heads,
            hidden=config.intermediate_size,
            positions=config.max_position_embeddings,
            max_tokens=wanted.max_tokens,
            layer_norm_eps=config.layer_norm_eps,
            dropout=wanted.dropout,
        )
        tower = cls(found, tokenizer=read_tokenizer(name, vocabulary=found.vocabulary))
        tower.roberta.load_state_dict(network.state_dict())
        return tower, found

    def tokens(self, sentences: Sequence[str]) -> Tokens:
        """The sentences in tokens of this tower's vocabulary; longer ones are truncated.

        Raises
        ------
        InputError
            If the tower has no tokenizer.
        """
        if self.tokenizer is None:
            raise InputError(
                "this model has no tokenizer, so it cannot read sentences; put the tokenizer.json of roberta-base "
                "into its folder, or import its weights once more with --tokenizer."
            )
        encoded = _encoded(self.tokenizer, sentences)
        longest = max(map(len, encoded), default=0)
        ids = torch.full((len(encoded), longest), self.padding)
        mask = torch.zeros(len(encoded), longest, dtype=torch.long)
        for row, one in enumerate(encoded):
            ids[row, : len(one)] = torch.tensor(one)
            mask[row, : len(one)] = 1
        return Tokens(ids, mask)

    def encode(self, ids: Int[Tensor, "item token"], mask: Int[Tensor, "item token"]) -> Float[Tensor, "item dim"]:
        """The pooler's output for sentences that are tokens already."""
        vectors: Tensor = self.roberta(input_ids=ids, attention_mask=mask).pooler_output
        return vectors

    def forward(self, sentences: Sequence[str]) -> Float[Tensor, "item dim"]:
        """Vectors of the sentences, in their order, encoded in batches."""
        device = self.roberta.embeddings.word_embeddings.weight.device
        parts = [sentences[start : start + _LARGEST_BATCH] for start in range(0, len(sentences), _LARGEST_BATCH)]
        vectors = [self.encode(*(part.to(device) for part in self.tokens(some))) for some in parts]
        return torch.cat(vectors) if vectors else torch.zeros(0, self.dim, device=device)


class AdaptedLinear(nn.Module):
    """A frozen linear map W and a trained one of low rank beside it: y = W x + b + U D x, where U begins as zero.

    Parameters
    ----------
    linear
        What is frozen.
    rank
        Rows of D and columns of U.
    """

    def __init__(self, linear: nn.Linear, *, rank: int) -> None:
        super().__init__()
        self.linear = linear
        self.down = nn.Parameter(torch.randn(rank, linear.in_features) / linear.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x: Float[Tensor, "*item in"]) -> Float[Tensor, "*item out"]:
        """Both maps together."""
        through: Tensor = nn.functional.linear(nn.functional.linear(x, self.down), self.up)
        kept: Tensor = self.linear(x)
        return kept + through

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """One linear map that does the same."""
        merged = copy.deepcopy(self.linear)
        merged.weight += self.up @ self.down
        return merged


class TokenMaps(nn.Module):
    """Learned attention maps over the tokens of a sentence.

    Map m gives token t the weight a_tm, the softmax over the tokens of a linear score, and pools sum_t a_tm x_t, where
    x_t is the token's state scaled to length sqrt(dim). Words for what and words for where are thus told apart from
    each other and from all that a sentence says besides, which in a mean of all tokens they drown in.

    Parameters
    ----------
    dim
        Width of a token.
    maps
        How many maps there are.
    """

    def __init__(self, dim: int, *, maps: int) -> None:
        super().__init__()
        self.scores = nn.Linear(dim, maps)

    def forward(
        self, states: Float[Tensor, "item token dim"], mask: Int[Tensor, "item token"]
    ) -> Float[Tensor, "item pooled"]:
        """What every map pools, one after the other; ``mask`` is 1 for tokens and 0 for padding."""
        states = nn.functional.normalize(states, dim=-1) * states.shape[-1] ** 0.5
        scores: Tensor = self.scores(states).masked_fill(mask.unsqueeze(-1) == 0, -torch.inf)
        return (scores.softmax(1).transpose(1, 2) @ states).flatten(1)


class SentenceTower(TextTower):
    """A BERT-style sentence encoder: mean of the token states, scaled to length sqrt(dim), and what maps pool.

    That length gives every coordinate a variance near one, so that the projection that follows starts at a
    sensible scale. The tower is frozen: it has no gradients but those of maps and adapters, if it has any, and is
    always in evaluation mode.

    Parameters
    ----------
    config
        Arguments of :class:`salm.model.bert.BertSize`.
    tokenizer
        Path of a ``tokenizer.json``.
    """

    max_tokens = 64
    """Longer sentences are truncated."""
    adapted_layers = 0
    """How many layers, from the last on, have adapters."""

    def __init__(self, *, config: dict[str, Any], tokenizer: Path) -> None:
        super().__init__()
        self.bert = Bert(BertSize(**config)).requires_grad_(False).eval()
        self.tokenizer = _tokenizer(tokenizer.read_text(encoding="utf-8"), max_tokens=self.max_tokens)
        self.token_dim = self.dim = int(config["hidden_size"])
        self.maps: TokenMaps | None = None

    @property
    def frozen(self) -> bool:  # type: ignore[override]
        """Whether it has neither maps nor adapters."""
        return self.maps is None and not self.adapted_layers

    def mapped(self, maps: int) -> "SentenceTower":
        """The same tower with so many attention maps over its tokens, whose pooled states follow the mean.

        Raises
        ------
        InputError
            If there is to be no map, or the tower has some already.
        """
        if maps < 1 or self.maps is not None:
            raise InputError(
                f"{maps} attention maps cannot be put on a text tower{' that has some' if self.maps else ''}; "
                "give at least 1."
            )
        tower = copy.deepcopy(self)
        tower.maps = TokenMaps(self.token_dim, maps=maps)
        tower.dim = (1 + maps) * self.token_dim
        return tower

    def adapted(self, *, rank: int, layers: int) -> "SentenceTower":
        """The same tower with adapters on the attention and feed-forward matrices of its last layers.

        Until they are trained it gives the same vectors.

        Raises
        ------
        InputError
            If the rank is less than 1, the tower has not so many layers, or it has adapters already.
        """
        there = len(self.bert.layers)
        if rank < 1 or not 1 <= layers <= there or self.adapted_layers:
            raise InputError(
                f"adapters of rank {rank} on {layers} layers cannot be put on a text tower of {there} layers"
                f"{' that has some already' if self.adapted_layers else ''}; give a rank and layers of at least 1."
            )
        tower = copy.deepcopy(self)
        tower.adapted_layers = layers
        for layer in tower.bert.layers[-layers:]:
            for name in _ADAPTED:
                layer.set_submodule(name, AdaptedLinear(cast(nn.Linear, layer.get_submodule(name)), rank=rank))
        return tower

    def merged(self) -> "SentenceTower":
        """The same tower with every adapter multiplied out into the matrix that it is beside."""
        tower = copy.deepcopy(self)
        tower.adapted_layers = 0
        for name, module in list(tower.bert.named_modules()):
            if isinstance(module, AdaptedLinear):
                tower.bert.set_submodule(name, module.merged())
        return tower

    @torch.no_grad()
    def below(self, sentences: Sequence[str]) -> list[Float[Tensor, "token dim"]]:
        """States of each sentence below the first layer with adapters, or above the last; they never change."""
        encoded = _encoded(self.tokenizer, sentences)
        states: list[Tensor] = [torch.empty(0)] * len(encoded)
        lower = self.bert.layers[: self._first_adapted]
        for chosen in _batches([len(ids) for ids in encoded]):
            ids = torch.tensor([encoded[index] for index in chosen], device=self._device)
            values = _through(lower, self.bert.embeddings(ids), None)
            for index, one in zip(chosen, values, strict=True):
                states[index] = one.clone()
        return states

    def above(self, states: States) -> Float[Tensor, "item dim"]:
        """Vectors from what :meth:`below` gave, with gradients of the maps and adapters."""
        if not len(states.values):
            return states.values.new_zeros(0, self.dim)
        # Added to the similarities of attention: nothing looks at padding.
        hidden = (1 - states.mask[:, None, None].to(states.values.dtype)) * torch.finfo(states.values.dtype).min
        values = _through(self.bert.layers[self._first_adapted :], states.values, hidden)
        return self._pooled(values.float(), states.mask)

    @property
    def _first_adapted(self) -> int:
        return len(self.bert.layers) - self.adapted_layers

    @property
    def _device(self) -> torch.device:
        device: torch.device = next(self.bert.parameters()).device
        return device

    def _pooled(
        self, states: Float[Tensor, "item token dim"], mask: Int[Tensor, "item token"]
    ) -> Float[Tensor, "item dim"]:
        kept = mask.unsqueeze(-1).to(states.dtype)
        mean = (states * kept).sum(1) / kept.sum(1)
        vectors: Tensor = nn.functional.normalize(mean, dim=-1) * self.token_dim**0.5
        return vectors if self.maps is None else torch.cat([vectors, self.maps(states, mask)], dim=1)

    def train(self, mode: bool = True) -> "SentenceTower":
        """Stay in evaluation mode: a frozen tower has no training mode."""
        del mode
        return super().train(False)

    def encode(self, ids: Int[Tensor, "item token"], mask: Int[Tensor, "item token"]) -> Float[Tensor, "item dim"]:
        """Vectors of sentences that are tokens already; ``mask`` is 1 for tokens and 0 for padding."""
        return self._pooled(self.bert(ids, mask.bool()), mask)

    @torch.no_grad()
    def forward(self, sentences: Sequence[str]) -> Float[Tensor, "item dim"]:
        """Vectors of the sentences, in their order.

        Eight sentences of as many tokens are encoded at once, copies among them where there are fewer: nothing is spent
        on padding with tokens, and which others a sentence came with does not change its vector (on one thread, by no
        bit).
        """
        device = self._device
        encoded = _encoded(self.tokenizer, sentences)
        vectors = torch.empty(len(encoded), self.dim, device=device)
        for chosen in _batches([len(ids) for ids in encoded]):
            ids = torch.tensor([encoded[index] for index in chosen], device=device)
            states = self.bert(ids).float()
            vectors[torch.tensor(chosen, device=device)] = self._pooled(states, torch.ones_like(ids))
        return vectors


def _tokenizer(content: str, *, max_tokens: int) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(content)
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _encoded(tokenizer: Any, sentences: Sequence[str]) -> list[list[int]]:
    """The tokens of every sentence.

    Raises
    ------
    InputError
        If one is no Unicode text: words of a command line and of JSON may hold halves of characters.
    """
    for sentence in sentences:
        check_text(sentence)
    return [encoding.ids for encoding in tokenizer.encode_batch(list(sentences))]


def _through(layers: nn.ModuleList, states: Tensor, hidden: Tensor | None) -> Tensor:
    for layer in layers:
        states = layer(states, hidden)
    return states


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of items of equal length, `_TOGETHER` at once; the last one of a length stands for those that lack."""
    groups: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        groups.setdefault(length, []).append(index)
    for group in groups.values():
        group += group[-1:] * (-len(group) % _TOGETHER)
        yield from (group[start : start + _TOGETHER] for start in range(0, len(group), _TOGETHER))

"""The joint model: Eqs. 1 to 3 of the paper over a pair of encoders, what and where.

    E_JA = E_ASe + s * E_ASp          (Eq. 2; s is learnable, * is the element-wise product)

E_ASe is the semantic and E_ASp the spatial embedding of a clip, both of the shared width. All embeddings are raw:
Eq. 3 needs the length of E_ASp, so whoever compares embeddings normalises them.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from salm.model.encoders import EncoderPair, Observation
from salm.model.text import SentenceTower

__all__ = ["SALM", "Embeddings", "projection"]

MAX_LOGIT_SCALE = math.log(100.0)


class Embeddings(NamedTuple):
    """What the audio side says about a batch of windows; embeddings are raw, not normalised."""

    joint: Float[Tensor, "batch width"]
    semantic: Float[Tensor, "batch width"]
    spatial: Float[Tensor, "batch width"]
    direction: Float[Tensor, "batch 3"]
    """Predicted direction of arrival x, y, z; its length has no meaning."""


def projection(in_features: int, width: int, *, out_features: int | None = None, dropout: float = 0.0) -> nn.Sequential:
    """The two-layer perceptron that ends every tower: linear, ReLU, linear."""
    out_features = width if out_features is None else out_features
    layers = [nn.Linear(in_features, width), nn.ReLU(), nn.Linear(width, out_features)]
    return nn.Sequential(nn.Dropout(dropout), *layers) if dropout else nn.Sequential(*layers)


class SALM(nn.Module):
    """Spatial audio-language model.

    Parameters
    ----------
    pair
        The what and where encoders.
    text
        The text tower; one tower and one projection serve captions, spatial captions and directions.
    width
        Size of the shared space.
    dropout
        Dropout at the input of the what and text projections.
    """

    def __init__(self, *, pair: EncoderPair, text: SentenceTower, width: int = 512, dropout: float = 0.0) -> None:
        super().__init__()
        self.pair = pair
        self.text = text
        self.what_projection = projection(pair.what_dim, width, dropout=dropout)
        self.where_projection = projection(pair.where_dim, width)
        self.text_projection = projection(text.dim, width, dropout=dropout)
        self.joint_weight = nn.Parameter(torch.ones(width))
        head = projection(width, width, out_features=3)
        if pair.has_direction:
            # The first answer stands until training finds something to correct.
            for parameter in head[-1].parameters():
                nn.init.zeros_(parameter)
        self.direction_head = nn.Sequential(head, nn.Tanh())
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def observe(self, foa: Float[Tensor, "batch 4 time"]) -> Observation:
        """Everything about a batch of windows that is not learned here: features and frozen encodings."""
        return self.pair.observe(foa)

    def forward(self, observation: Observation) -> Embeddings:
        """Embeddings and directions of a batch of observed windows."""
        what, where, direction = self.pair(observation)
        semantic, spatial = self.what_projection(what), self.where_projection(where)
        return Embeddings(self.joint(semantic, spatial), semantic, spatial, direction + self.direction_head(spatial))

    def joint(
        self, semantic: Float[Tensor, "batch width"], spatial: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch width"]:
        """Eq. 2: the joint embedding of a semantic and a spatial one."""
        return semantic + self.joint_weight * spatial

    def embed_sentences(self, sentences: Sequence[str]) -> Float[Tensor, "item width"]:
        """Raw text embeddings."""
        embeddings: Tensor = self.text_projection(self.text(sentences))
        return embeddings

    @property
    def scale(self) -> Float[Tensor, ""]:
        """Factor on cosine similarities in the contrastive losses, at most 100."""
        return self.logit_scale.clamp(max=MAX_LOGIT_SCALE).exp()

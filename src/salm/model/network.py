"""What every row of the paper's Table 1 has: a text tower with its projection, a temperature, and three embeddings.

All embeddings are raw: Eq. 3 needs the length of the spatial one, so whoever compares embeddings normalises them.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from salm.model.encoders import Observation
from salm.model.text import TextTower

__all__ = ["Embeddings", "Network", "Temperature", "projection"]

Temperature = Literal["exp", "raw"]

MAX_LOGIT_SCALE = math.log(100.0)


class Embeddings(NamedTuple):
    """What the audio side says about a batch of windows; embeddings are raw, not normalised."""

    joint: Float[Tensor, "batch width"]
    semantic: Float[Tensor, "batch width"]
    spatial: Float[Tensor, "batch width"]
    direction: Float[Tensor, "batch 3"]
    """Predicted direction of arrival x, y, z; its length has no meaning, zero is none."""


def projection(in_features: int, width: int, *, out_features: int | None = None, dropout: float = 0.0) -> nn.Sequential:
    """The two-layer perceptron that ends every tower: linear, ReLU, linear."""
    out_features = width if out_features is None else out_features
    layers = [nn.Linear(in_features, width), nn.ReLU(), nn.Linear(width, out_features)]
    return nn.Sequential(nn.Dropout(dropout), *layers) if dropout else nn.Sequential(*layers)


class Network(nn.Module):
    """The text side, and what an audio side has to offer.

    Parameters
    ----------
    text
        The text tower; one tower and one projection serve captions, spatial captions and directions.
    width
        Size of the shared space.
    dropout
        Dropout at the input of the text projection.
    temperature
        Whether ``logit_scale`` is the logarithm of the factor on cosines (``exp``, as CLAP) or, as the paper's code
        line multiplies it, the factor itself (``raw``, which is at most 4.6 then).
    """

    has_direction: bool
    """Whether it predicts a direction at all."""
    joint_weight: Float[Tensor, " width"]
    """s of Eq. 2; zero where one embedding serves as all three."""

    def __init__(self, *, text: TextTower, width: int, dropout: float, temperature: Temperature) -> None:
        super().__init__()
        self.text = text
        self.text_projection = projection(text.dim, width, dropout=dropout)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.temperature = temperature

    def observe(self, foa: Float[Tensor, "batch 4 time"]) -> Observation:
        """Everything about a batch of windows that is not learned here: features and frozen encodings."""
        raise NotImplementedError

    def forward(self, observation: Observation) -> Embeddings:
        """Embeddings and directions of a batch of observed windows."""
        raise NotImplementedError

    def embed_sentences(self, sentences: Sequence[str]) -> Float[Tensor, "item width"]:
        """Raw text embeddings."""
        embeddings: Tensor = self.text_projection(self.text(sentences))
        return embeddings

    @property
    def scale(self) -> Float[Tensor, ""]:
        """Factor on cosine similarities in the contrastive losses."""
        return self.logit_scale.exp() if self.temperature == "exp" else self.logit_scale * 1.0

    @torch.no_grad()
    def clamp_scale(self) -> None:
        """Keep ``logit_scale`` between 0 and ln 100, as CLAP does after every step of training."""
        self.logit_scale.clamp_(0.0, MAX_LOGIT_SCALE)

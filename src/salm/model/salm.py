"""The joint model: Eqs. 1 to 3 of the paper over a pair of encoders, what and where.

    E_JA = E_ASe + s * E_ASp          (Eq. 2; s is learnable, * is the element-wise product)

E_ASe is the semantic and E_ASp the spatial embedding of a clip, both of the shared width.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from salm.model.encoders import EncoderPair, Observation
from salm.model.network import Embeddings, Network, Temperature, projection
from salm.model.text import TextTower

__all__ = ["SALM"]


class SALM(Network):
    """Spatial audio-language model.

    Parameters
    ----------
    pair
        The what and where encoders.
    text, width, temperature
        As in :class:`salm.model.network.Network`.
    dropout
        Dropout at the input of the what and text projections.
    """

    has_direction = True

    def __init__(
        self,
        *,
        pair: EncoderPair,
        text: TextTower,
        width: int = 512,
        dropout: float = 0.0,
        temperature: Temperature = "exp",
    ) -> None:
        super().__init__(text=text, width=width, dropout=dropout, temperature=temperature)
        self.pair = pair
        self.what_projection = projection(pair.what_dim, width, dropout=dropout)
        self.where_projection = projection(pair.where_dim, width)
        self.joint_weight = nn.Parameter(torch.ones(width))
        head = projection(width, width, out_features=3)
        if pair.has_direction:
            # The first answer stands until training finds something to correct.
            for parameter in head[-1].parameters():
                nn.init.zeros_(parameter)
        self.direction_head = nn.Sequential(head, nn.Tanh())

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

"""The rows of Table 1 that SALM is compared with: one encoder whose one embedding is joint, semantic and spatial."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from salm.audio.features import LogMelIntensity
from salm.model.encoders import FeatureNorm, Observation
from salm.model.htsat import HTSAT
from salm.model.network import Embeddings, Network, Temperature, projection
from salm.model.text import TextTower

__all__ = ["SingleBranch", "SingleHTSAT"]


class SingleHTSAT(nn.Module):
    """One HTSAT over the first feature channels.

    Parameters
    ----------
    frontend
        Waveform to seven feature channels.
    htsat
        Encoder of the channels that are used: one, the log-mel of W, or all seven.
    channels
        How many they are.
    """

    def __init__(self, *, frontend: LogMelIntensity, htsat: HTSAT, channels: int) -> None:
        super().__init__()
        self.frontend = frontend
        self.norm = FeatureNorm(channels=channels, mel_bins=frontend.filters.shape[1])
        self.htsat = htsat
        self.channels = channels

    @torch.no_grad()
    def observe(self, foa: Float[Tensor, "batch 4 time"]) -> Observation:
        """The feature channels that are used."""
        empty = foa.new_zeros(foa.shape[0], 0)
        return Observation(self.frontend(foa)[:, : self.channels], empty, empty, foa.new_zeros(foa.shape[0], 0, 0, 0))

    def forward(self, observation: Observation) -> Float[Tensor, "batch dim"]:
        """Mean of the final tokens."""
        tokens: Tensor = self.htsat(self.norm(observation.features))
        return tokens.mean(1)


class SingleBranch(Network):
    """One encoder, one projection: SALM-s on all channels, or LAION-CLAP on W alone.

    Parameters
    ----------
    encoder
        The encoder; on one channel nothing is known of direction, and there is no direction head.
    text, width, dropout, temperature
        As in :class:`salm.model.network.Network`; the audio projection has the dropout too.
    """

    def __init__(
        self,
        *,
        encoder: SingleHTSAT,
        text: TextTower,
        width: int = 512,
        dropout: float = 0.0,
        temperature: Temperature = "exp",
    ) -> None:
        super().__init__(text=text, width=width, dropout=dropout, temperature=temperature)
        self.encoder = encoder
        self.audio_projection = projection(encoder.htsat.out_dim, width, dropout=dropout)
        self.has_direction = encoder.channels > 1
        self.direction_head = (
            nn.Sequential(projection(width, width, out_features=3), nn.Tanh()) if self.has_direction else None
        )

        self.register_buffer("joint_weight", torch.zeros(width), persistent=False)

    def observe(self, foa: Float[Tensor, "batch 4 time"]) -> Observation:
        """The feature channels that are used."""
        return self.encoder.observe(foa)

    def forward(self, observation: Observation) -> Embeddings:
        """The one embedding three times, and the direction, which is zero if there is none."""
        embedding = self.audio_projection(self.encoder(observation))
        none = embedding.new_zeros(embedding.shape[0], 3)
        direction = none if self.direction_head is None else self.direction_head(embedding)
        return Embeddings(embedding, embedding, embedding, direction)

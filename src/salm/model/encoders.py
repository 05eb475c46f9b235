"""Pairs of encoders, what and where: the audio side of the model before its projections.

Every pair has the same two steps. ``observe`` turns a window of sound into everything that is not learned: features,
and what frozen encoders say. ``forward`` turns that into two encodings. A training loader runs the first step in
another process; inference runs them one after the other.
"""

from typing import NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from salm.audio.features import LogMelIntensity
from salm.model.htsat import HTSAT, Stage
from salm.model.stitch import CrossStitch
from salm.model.tagger import Tagger, TaggerMel

__all__ = [
    "FEATURES_A_MAP",
    "DualHTSAT",
    "Encoded",
    "EncoderPair",
    "FeatureNorm",
    "IntensityPooling",
    "Observation",
    "TaggerAndHTSAT",
    "direction_features",
]

SPATIAL_CHANNELS = 7

_HARMONICS = 4
FEATURES_A_MAP = 2 + 2 * _HARMONICS
"""What `direction_features` says of a vector."""

_TINY = 1e-12


class Observation(NamedTuple):
    """The part of the audio side that is not learned, for a batch of windows."""

    features: Float[Tensor, "batch 7 frame mel"]
    """Log-mel of W, Y, Z, X and mel intensity of Y, Z, X."""
    tags: Float[Tensor, "batch tag_dim"]
    """Clip embedding of the frozen tagger; of width 0 for pairs without one."""
    tag_logits: Float[Tensor, "batch label"]
    """The tagger's logits over AudioSet's labels; of width 0 for pairs without one."""
    onsets: Float[Tensor, "batch onset_channel frame mel"]
    """Weights and weighted intensity y, z, x of the onsets; without channels for pairs that do not pool them."""


class Encoded(NamedTuple):
    """What a pair of encoders makes of a batch of windows."""

    what: Float[Tensor, "batch what"]
    where: Float[Tensor, "batch where"]
    direction: Float[Tensor, "batch 3"]
    """A first answer x, y, z, which the direction head corrects; zero for pairs that leave it all to the head."""


class EncoderPair(nn.Module):
    """Two encoders, what and where."""

    what_dim: int
    where_dim: int
    has_direction: bool
    """Whether the encodings come with a first answer for the direction."""

    def observe(self, foa: Float[Tensor, "batch 4 time"]) -> Observation:
        """The un-learned part of the encodings of one batch of AmbiX windows."""
        raise NotImplementedError

    def forward(self, observation: Observation) -> Encoded:
        """The what and where encodings of one batch of observed windows."""
        raise NotImplementedError


class FeatureNorm(nn.Module):
    """Batch normalisation of every mel band of every channel on its own, over batch and time."""

    def __init__(self, *, channels: int, mel_bins: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels * mel_bins)

    def forward(self, features: Float[Tensor, "batch channel frame mel"]) -> Float[Tensor, "batch channel frame mel"]:
        """Features with zero mean and unit variance a channel and band."""
        flat = features.transpose(2, 3).flatten(1, 2)
        normalised: Tensor = self.norm(flat)
        return torch.unflatten(normalised, 1, (features.shape[1], features.shape[3])).transpose(2, 3)


class IntensityPooling(nn.Module):
    """Attention over the first stage's tokens that pools intensity vectors into a few directions.

    Each of ``maps`` softmax maps p says which time-frequency patches to trust; with the patches' own weights w and
    weighted vectors v it gives the vector sum(p v) / sum(p w). A network that only saw normalised features would have
    to learn what this computes; with even maps it is the un-learned direction.
    """

    def __init__(self, *, dim: int, maps: int) -> None:
        super().__init__()
        self.logits = nn.Linear(dim, maps)

    def forward(
        self,
        tokens: Float[Tensor, "batch token dim"],
        weights: Float[Tensor, "batch token 1"],
        vectors: Float[Tensor, "batch token 3"],
    ) -> Float[Tensor, "batch map 3"]:
        """Pooled vectors, in the order of the channels: y, z, x. Their length is at most one."""
        weighted = torch.cat([weights, vectors], dim=-1).float()
        weighted = weighted / weights.float().mean(1, keepdim=True).clamp(min=_TINY)
        attention = self.logits(tokens).float().softmax(1).transpose(1, 2)
        weight, vector = torch.split(attention @ weighted, [1, 3], dim=-1)
        pooled: Tensor = vector / weight.clamp(min=_TINY)
        return pooled


def direction_features(vectors: Float[Tensor, "batch map 3"]) -> Float[Tensor, "batch out"]:
    """Length, height and circular harmonics up to order 4 of vectors y, z, x: `FEATURES_A_MAP` numbers a vector.

    The harmonics are the real and imaginary parts of (x + iy)^m of the unit vectors, m = 1 to 4. The borders of the
    eight sectors are zeros of order 4, so that a linear layer can tell sectors apart that a vector's coordinates tell
    only by small differences.
    """
    length = torch.linalg.vector_norm(vectors, dim=-1).clamp(min=1e-6)
    y, z, x = (vectors / length.unsqueeze(-1)).unbind(-1)
    features, real, imaginary = [length, z], torch.ones_like(x), torch.zeros_like(x)
    for _ in range(_HARMONICS):
        real, imaginary = real * x - imaginary * y, real * y + imaginary * x
        features += [real, imaginary]
    return torch.stack(features, dim=-1).flatten(1)


class DualHTSAT(EncoderPair):
    """The paper's pair: one HTSAT on W, one on all channels, exchanging features before every stage.

    # Paper: the code line updates the running statistics of W's normalisation twice a step, once for each branch;
    # here: W is normalised once and shared, because both branches see the same values.

    Parameters
    ----------
    frontend
        Waveform to seven feature channels.
    what, where
        Encoders of one and of seven channels and equal size.
    """

    def __init__(self, *, frontend: LogMelIntensity, what: HTSAT, where: HTSAT) -> None:
        super().__init__()
        self.frontend = frontend
        self.norm = FeatureNorm(channels=SPATIAL_CHANNELS, mel_bins=frontend.filters.shape[1])
        self.what, self.where = what, where
        self.stitches = nn.ModuleList(CrossStitch(width) for width in what.stage_widths)
        self.what_dim = self.where_dim = what.out_dim
        self.has_direction = False

    @torch.no_grad()
    def observe(self, foa: Float[Tensor, "batch 4 time"]) -> Observation:
        """The seven feature channels."""
        empty = foa.new_zeros(foa.shape[0], 0)
        return Observation(self.frontend(foa), empty, empty, foa.new_zeros(foa.shape[0], 0, 0, 0))

    def forward(self, observation: Observation) -> Encoded:
        """Mean of the final tokens of both branches."""
        features = self.norm(observation.features)
        what, where = self.what.embed(features[:, :1]), self.where.embed(features)
        for stitch, what_stage, where_stage in zip(self.stitches, self.what.layers, self.where.layers, strict=True):
            what, where = stitch(what, where)
            what, where = what_stage(what), where_stage(where)
        none = features.new_zeros(features.shape[0], 3)
        return Encoded(self.what.finish(what).mean(1), self.where.finish(where).mean(1), none)


class TaggerAndHTSAT(EncoderPair):
    """The laptop's pair: a frozen AudioSet tagger says what, a small HTSAT with intensity pooling says where.

    # Paper: the direction is read from the spatial embedding alone; here it is the mean of the pooled intensity of the
    onsets plus what is read from the embedding, because the former starts within 2 degrees of the truth, and a network
    of this size takes hours of training to become as precise.

    Parameters
    ----------
    frontend
        Waveform to seven feature channels.
    tagger, tagger_mel
        The frozen network and its own front end, on W at the rate of the model.
    where
        Encoder of seven channels.
    intensity_maps
        Number of attention maps that pool the intensity of all bins, and as many that of their onsets; 0 leaves the
        pooling out.
    """

    def __init__(
        self, *, frontend: LogMelIntensity, tagger: Tagger, tagger_mel: TaggerMel, where: HTSAT, intensity_maps: int
    ) -> None:
        super().__init__()
        self.frontend = frontend
        self.tagger = tagger.requires_grad_(False).eval()
        self.tagger_mel = tagger_mel
        self.norm = FeatureNorm(channels=SPATIAL_CHANNELS, mel_bins=frontend.filters.shape[1])
        self.where = where
        self.poolings = nn.ModuleDict(
            {
                name: IntensityPooling(dim=where.stage_widths[0], maps=intensity_maps)
                for name in ("all", "onsets")
                if intensity_maps
            }
        )
        self.what_dim = tagger.embedding_dim
        self.where_dim = where.out_dim + len(self.poolings) * intensity_maps * FEATURES_A_MAP
        self.has_direction = bool(intensity_maps)

    def train(self, mode: bool = True) -> "TaggerAndHTSAT":
        """Set the training mode of all but the frozen tagger."""
        super().train(mode)
        self.tagger.eval()
        return self

    @torch.no_grad()
    def observe(self, foa: Float[Tensor, "batch 4 time"]) -> Observation:
        """The seven feature channels, the intensity of onsets, and what the tagger hears in W."""
        tags, logits = self.tagger(self.tagger_mel(foa[:, 0]))
        # A window at a time: the bins of several fit neither the cache nor what the allocator keeps between calls.
        # Not where the graph is captured for any number of windows.
        windows = (foa,) if torch.compiler.is_exporting() else torch.split(foa, 1)
        units = map(self.frontend.intensity, windows)
        seen = [(self.frontend.from_intensity(unit), self.frontend.onsets(unit)) for unit in units]
        features, onsets = (torch.cat(parts) for parts in zip(*seen, strict=True))
        return Observation(features, tags, logits, onsets)

    def forward(self, observation: Observation) -> Encoded:
        """The tagger's embedding; the where encoder's mean token with the pooled intensity behind it; its direction."""
        tokens = self.where.embed(self.norm(observation.features))
        first, *others = cast(list[Stage], list(self.where.layers))
        tokens = first.attend(tokens)
        pooled = self._pool(tokens, observation)
        tokens = first.merge(tokens)
        for stage in others:
            tokens = stage(tokens)
        where = torch.cat([self.where.finish(tokens).mean(1), *map(direction_features, pooled)], dim=-1)
        y, z, x = pooled[-1].mean(1).unbind(-1) if pooled else tokens.new_zeros(3, tokens.shape[0])
        return Encoded(observation.tags, where, torch.stack([x, y, z], dim=-1))

    def _pool(
        self, tokens: Float[Tensor, "batch token dim"], observation: Observation
    ) -> list[Float[Tensor, "batch map 3"]]:
        if not self.poolings:
            return []
        # The filters' sums undo the mel projection's gain: a plane wave then has intensity of length one.
        every = self._patches(observation.features[:, 4:] / self.frontend.filters.sum(0))
        weights, onsets = torch.split(self._patches(observation.onsets), [1, 3], dim=-1)
        return [
            self.poolings["all"](tokens, torch.ones_like(weights), every),
            self.poolings["onsets"](tokens, weights, onsets),
        ]

    def _patches(self, channels: Float[Tensor, "batch channel frame mel"]) -> Float[Tensor, "batch token channel"]:
        """Means over the patches that the where encoder makes its tokens of."""
        return nn.functional.avg_pool2d(self.where.fold(channels), self.where.patch).flatten(2).transpose(1, 2)

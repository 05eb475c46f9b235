"""Where a sound is without learning: the active intensity of a first-order sound field.

The intensity of a time-frequency bin, I = Re(conj(W) (X, Y, Z)), points to where the bin's sound comes from (the
physical flow of energy is the opposite). Reverberation makes most bins point elsewhere. Two things tell the others:

- *Directness*: |I| / E with the energy E = (|W|^2 + |X|^2 + |Y|^2 + |Z|^2) / 2 is 1 for one plane wave and small where
  waves mix; one minus it is the diffuseness of DirAC (Pulkki 2007). Trusting direct bins only is the direct-path
  dominance test (Nadiri and Rafaely 2014), here without a threshold.
- *Onsets*: what is louder than everything of the last second in its band is not an echo of it, the precedence effect.

The onset-weighted direction is the mean of the vectors I / E with the weights

    directness^16 max(0, |W|^2 - p)^(1/8)          p: highest |W|^2 before, decaying with a time constant of 1 s

and the plain one the mean of all unit vectors I / |I|.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from salm.audio.recording import Recording
from salm.audio.spectrum import Spectrum, spectrum
from salm.frame import azimuth_elevation

__all__ = [
    "IntensityDirection",
    "IntensitySpread",
    "UnitIntensity",
    "intensity_direction",
    "intensity_spread",
    "locate_by_intensity",
    "onset_weights",
]

PEAK_DECAY_S = 1.0

_WINDOW_S = 0.043
_HOP_S = 0.01
# Memory grows with this, not with the recording; it is also how long a peak is remembered at most.
_PIECE_S = 20.0
_TINY = 1e-30
# Y, Z and X together 20 dB below W: what is left in them is noise.
_LEAST_PLAUSIBLE = 0.04

SILENT = "the recording is silent"
NO_GRADIENTS = "Y, Z and X hold nothing that W does, or next to nothing, so no direction can be known"
ONE_CHANNEL = "one channel holds no direction"
TWO_CHANNELS = "two channels cannot tell front from back or above from below; the angle is folded to the front"
CANCELLED = "left and right cancel each other, so no direction can be known"


class UnitIntensity(NamedTuple):
    """Power, direction and directness of every bin."""

    power: Float[Tensor, "batch 4 frame bin"]
    """|W|^2, |Y|^2, |Z|^2, |X|^2."""
    vectors: Float[Tensor, "batch 3 frame bin"]
    """I / (|I| + eps) in the order of the channels, y, z, x; eps is the spacing of float32 numbers at one."""
    directness: Float[Tensor, "batch frame bin"]
    """|I| / E, 0 to 1."""

    @classmethod
    def of(cls, field: Spectrum) -> "UnitIntensity":
        """Of the spectrum of AmbiX signals."""
        real, imaginary = field
        power = real.square().addcmul_(imaginary, imaginary)
        vectors = (real[:, :1] * real[:, 1:]).addcmul_(imaginary[:, :1], imaginary[:, 1:])
        # Written out: torch's vector norm over a strided axis of three takes longer than all the rest together.
        y, z, x = vectors.unbind(1)
        length = (y * y).addcmul_(z, z).addcmul_(x, x).sqrt_()
        directness = (2 * length).div_(power.sum(1).clamp_(min=_TINY)).clamp_(max=1.0)
        return cls(power, vectors.div_(length.add_(torch.finfo(torch.float32).eps).unsqueeze(1)), directness)


def onset_weights(unit: UnitIntensity, *, hop_s: float) -> Float[Tensor, "batch frame bin"]:
    """Weight of every bin in the onset-weighted direction; 0 and up, no unit.

    The decaying peak is a running maximum in logarithms: ln p(t) = max over s < t of ln |W(s)|^2 - (t - s) / 1 s.
    """
    power = unit.power[:, 0]
    slope = hop_s / PEAK_DECAY_S
    ramp = slope * torch.arange(power.shape[1], device=power.device, dtype=power.dtype).view(1, -1, 1)
    peak = _running_maximum(power.clamp(min=_TINY).log_().add_(ramp)).sub_(ramp)
    rise = torch.cat([power[:, :1], power[:, 1:] - (peak[:, :-1] - slope).exp_()], dim=1)
    # Roots and squares: three and four of them are many times faster than general powers. Inverse roots, as torch's
    # roots of zeros are slow; where nothing rises the third is infinite, so the weight is zero.
    inverse = rise.clamp_(min=0.0).rsqrt_().rsqrt_().rsqrt_()
    return unit.directness.square().square_().square_().square_().div_(inverse)


def _running_maximum(values: Float[Tensor, "batch frame bin"]) -> Float[Tensor, "batch frame bin"]:
    """Highest value so far, over frames; of spans of 1, 2, 4, ... frames, because ONNX has no ``cummax``."""
    span = 1
    while span < values.shape[1]:
        values = torch.cat([values[:, :span], torch.maximum(values[:, span:], values[:, :-span])], dim=1)
        span *= 2
    return values


@dataclass(frozen=True, kw_only=True, eq=False)
class IntensityDirection:
    """Where the sound of a recording is by its intensity, as far as its channels tell."""

    vector: Float[np.ndarray, " 3"]
    """x, y, z; its length is the confidence. Zero if no direction is known."""
    azimuth_deg: float | None
    elevation_deg: float | None
    confidence: float
    """How much the intensity keeps to one direction: 1 for one plane wave, near 0 for a diffuse field."""
    ambiguity: str | None
    """None, ``front-back`` or ``all``."""
    reason: str | None
    """Why there is an ambiguity."""


def intensity_direction(
    samples: Float32[np.ndarray, "4 time"], rate_hz: int, *, onset_weighted: bool = True
) -> IntensityDirection:
    """Direction of an AmbiX signal, with onset weights or plain; of any length and rate."""
    total, weight = np.zeros(3), 0.0
    samples = _levelled(samples)
    for field, hop_s in _pieces(samples, rate_hz):
        vector, share = _summed(field, hop_s, onset_weighted=onset_weighted)
        total, weight = total + vector, weight + share
    length, plausibility = float(np.linalg.norm(total)), _plausibility(samples)
    if length == 0.0 or plausibility < _LEAST_PLAUSIBLE:
        return _unknown(NO_GRADIENTS if samples[0].any() else SILENT)
    azimuth_deg, elevation_deg = azimuth_elevation(total)
    confidence = min(1.0, length / weight) * plausibility
    return IntensityDirection(
        vector=total * (confidence / length),
        azimuth_deg=float(azimuth_deg),
        elevation_deg=float(elevation_deg),
        confidence=confidence,
        ambiguity=None,
        reason=None,
    )


class IntensitySpread(NamedTuple):
    """How the intensity of a recording lies around a direction."""

    near: float
    """Share of the onsets' weight near the direction, 0 to 1; 0 of silence."""
    bins: float
    """Effective number of bins that the onsets are in, (sum w)^2 / sum w^2; 0 of silence."""
    directness: float
    """Mean directness of all bins that hold anything, 0 to 1; 0 of silence. A diffuse field has about 0.57, noise of
    each channel's own 0.5."""


def intensity_spread(
    samples: Float32[np.ndarray, "4 time"],
    rate_hz: int,
    direction: Float[np.ndarray, " 3"],
    *,
    within_deg: float,
) -> IntensitySpread:
    """How the intensity of an AmbiX signal lies around a direction x, y, z of length one, by :func:`onset_weights`."""
    x, y, z = direction.tolist()
    axis = torch.tensor([y, z, x], dtype=torch.float32).view(1, 3, 1, 1)
    sums = np.zeros(5)
    for field, hop_s in _pieces(_levelled(samples), rate_hz):
        unit = UnitIntensity.of(field)
        weights = onset_weights(unit, hop_s=hop_s)
        is_near = (unit.vectors * axis).sum(1) >= math.cos(math.radians(within_deg))
        parts = (weights * is_near, weights, weights.square(), unit.directness, unit.directness > 0)
        sums += [float(part.sum(dtype=torch.float64)) for part in parts]
    near, whole, squares, directness, count = sums.tolist()
    if not squares:
        return IntensitySpread(0.0, 0.0, 0.0)
    return IntensitySpread(near / whole, whole**2 / squares, directness / count)


def locate_by_intensity(recording: Recording) -> IntensityDirection:
    """Direction of a recording with onset weights; of stereo the lateral angle, of mono nothing."""
    if recording.layout == "mono":
        return _unknown(ONE_CHANNEL)
    if recording.layout == "stereo":
        return _lateral(recording.samples)
    return intensity_direction(recording.samples, recording.rate_hz)


def _levelled(samples: Float32[np.ndarray, "4 time"]) -> Float32[np.ndarray, "4 time"]:
    """With a peak of one: the level has no part in a direction, but numbers near eps would."""
    return np.asarray(samples / max(float(np.abs(samples).max(initial=0.0)), np.finfo(np.float32).tiny))


def _plausibility(samples: Float32[np.ndarray, "4 time"]) -> float:
    """1 for anything that can be a sound field; less if Y, Z and X are over 6 dB too weak for W.

    In SN3D the energies of Y, Z and X add up to that of W, for plane waves and for diffuse fields alike. If they are
    far below, as in a mono recording with noise in the other channels, the noise must not be taken for a direction.
    """
    w, *gradients = np.square(samples).sum(axis=1, dtype=np.float64)
    return min(1.0, 4.0 * sum(gradients) / w) if w else 1.0


def _pieces(samples: Float32[np.ndarray, "4 time"], rate_hz: int) -> list[tuple[Spectrum, float]]:
    n_fft = 1 << max(4, round(math.log2(_WINDOW_S * rate_hz)))
    hop = max(1, round(_HOP_S * rate_hz))
    size = round(_PIECE_S * rate_hz)
    return [
        (spectrum(_at_least(piece, n_fft), n_fft=n_fft, hop=hop), hop / rate_hz)
        for piece in (samples[:, start : start + size] for start in range(0, samples.shape[1], size))
    ]


def _at_least(piece: Float32[np.ndarray, "4 time"], n_fft: int) -> Float[Tensor, "1 4 time"]:
    """As a batch of one, long enough for a centred frame."""
    short = max(0, n_fft - piece.shape[1])
    return torch.nn.functional.pad(torch.from_numpy(np.ascontiguousarray(piece)), (0, short)).unsqueeze(0)


def _summed(field: Spectrum, hop_s: float, *, onset_weighted: bool) -> tuple[Float[np.ndarray, " 3"], float]:
    """Weighted sum of the unit vectors x, y, z of a piece, and the sum of the weights."""
    unit = UnitIntensity.of(field)
    if onset_weighted:
        weights = onset_weights(unit, hop_s=hop_s)
        # Bins that agree but are hardly direct, as of W with faint noise in Y, Z, X, are not to be trusted.
        lengths = weights * unit.directness
    else:
        weights = lengths = (unit.directness > 0).to(unit.directness.dtype)
    y, z, x = (unit.vectors * lengths.unsqueeze(1)).sum((0, 2, 3), dtype=torch.float64).tolist()
    return np.array([x, y, z]), float(weights.sum(dtype=torch.float64))


def _lateral(samples: Float32[np.ndarray, "4 time"]) -> IntensityDirection:
    """Angle of a stereo picture: sin(angle) is how much of W is in Y; the confidence is how well that explains Y."""
    w, y = samples[:2].astype(np.float64)
    power = float(w @ w)
    if power == 0.0:
        return _unknown(CANCELLED if y.any() else SILENT)
    share = float(np.clip(w @ y / power, -1.0, 1.0))
    rest = y - share * w
    x = float(np.sqrt(1 - share**2))
    explained = 1 - float(rest @ rest) / (power + float(y @ y))
    return IntensityDirection(
        vector=explained * np.array([x, share, 0.0]),
        azimuth_deg=float(np.rad2deg(np.arctan2(share, x))),
        elevation_deg=None,
        confidence=explained,
        ambiguity="front-back",
        reason=TWO_CHANNELS,
    )


def _unknown(reason: str) -> IntensityDirection:
    return IntensityDirection(
        vector=np.zeros(3), azimuth_deg=None, elevation_deg=None, confidence=0.0, ambiguity="all", reason=reason
    )

"""First-order Ambisonics in its common formats, and fewer channels, as AmbiX.

AmbiX has channels W, Y, Z, X (ACN order) with SN3D normalisation: a plane wave s from azimuth a and elevation e is
W = s, Y = s sin a cos e, Z = s sin e, X = s cos a cos e. N3D differs by sqrt(3) on Y, Z, X. FuMa ("B-format", `.amb`)
has the order W, X, Y, Z and W = s / sqrt(2).
"""

import numpy as np
from jaxtyping import Float32

from salm.errors import InputError
from salm.frame import unit_vector

__all__ = [
    "LAYOUTS",
    "ambix_to_fuma",
    "ambix_to_n3d",
    "encode_plane_wave",
    "from_mono",
    "from_stereo",
    "fuma_to_ambix",
    "n3d_to_ambix",
    "to_ambix",
]

Foa = Float32[np.ndarray, "4 time"]

LAYOUTS = ("ambix", "n3d", "fuma")
"""What four or more channels can mean."""

_W_OF_FUMA = np.float32(np.sqrt(2))
_N3D = np.sqrt([1, 3, 3, 3]).astype(np.float32)[:, None]


def encode_plane_wave(signal: Float32[np.ndarray, " time"], azimuth_deg: float, elevation_deg: float = 0.0) -> Foa:
    """A plane wave from a direction: W is the signal itself."""
    x, y, z = unit_vector(azimuth_deg, elevation_deg)
    return np.asarray(np.array([1.0, y, z, x], np.float32)[:, None] * signal)


def fuma_to_ambix(samples: Foa) -> Foa:
    """W, X, Y, Z with W 3 dB down, as AmbiX."""
    w, x, y, z = samples
    return np.stack([w * _W_OF_FUMA, y, z, x])


def ambix_to_fuma(samples: Foa) -> Foa:
    """AmbiX as W, X, Y, Z with W 3 dB down."""
    w, y, z, x = samples
    return np.stack([w / _W_OF_FUMA, x, y, z])


def n3d_to_ambix(samples: Foa) -> Foa:
    """ACN order with N3D normalisation, as AmbiX."""
    return samples / _N3D


def ambix_to_n3d(samples: Foa) -> Foa:
    """AmbiX in N3D normalisation, in the same order."""
    return samples * _N3D


def from_mono(samples: Float32[np.ndarray, "1 time"]) -> Foa:
    """W alone: everything about direction is unknown, and zero."""
    return np.concatenate([samples, np.zeros((3, samples.shape[1]), np.float32)])


def from_stereo(samples: Float32[np.ndarray, "2 time"]) -> Foa:
    """W = (L + R) / 2 and Y = (L - R) / 2; height and depth are unknown, and zero.

    A sound that only the left channel has comes out as a plane wave from +90 degrees does in W and Y.
    """
    left, right = samples
    zero = np.zeros_like(left)
    return np.stack([(left + right) / 2, (left - right) / 2, zero, zero])


def to_ambix(samples: Float32[np.ndarray, "channel time"], layout: str) -> Foa:
    """The first-order part of four or more channels in one of `LAYOUTS`.

    Ambisonics of order n has (n + 1)^2 channels, the first four of which are its first-order part, in all three.

    Raises
    ------
    InputError
        If the layout is unknown, or no Ambisonics has so many channels.
    """
    channels = len(samples)
    if layout not in LAYOUTS:
        raise InputError(f"layout is {layout!r} but must be one of {', '.join(LAYOUTS)}.")
    if channels < 4 or int(np.sqrt(channels)) ** 2 != channels:
        raise InputError(f"{channels} channels are no Ambisonics, which has 4 (first order), 9, 16, ... channels.")
    convert = {"ambix": lambda first: first, "n3d": n3d_to_ambix, "fuma": fuma_to_ambix}[layout]
    return np.ascontiguousarray(convert(samples[:4]))

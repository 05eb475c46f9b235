"""Raw signals of spherical microphone arrays to AmbiX: tetrahedral A-format, the DCASE ``mic`` format, Eigenmike em32.

A plane wave from the unit vector u gives the capsule at r_q (unit vector) of a sphere of radius a

    p_q(k) = sum_n (2n + 1) i^n b_n(ka) P_n(u . r_q),

with e^(+i omega t), P_n the Legendre polynomials and

    b_n(x) = -i / (x^2 h_n'(x))              omnidirectional capsules in a rigid sphere (h_n of the second kind),
    b_n(x) = (j_n(x) - i j_n'(x)) / 2        cardioid capsules that look outward, with nothing between them.

Encoding is the least-squares fit of real spherical harmonics to the capsules, of the highest order that they determine,
of which the first order is kept, and one filter for W and one for Y, Z, X. The filters undo the phase of i^n b_n, and
their gain makes the mean energy over all directions that of ideal AmbiX: at low frequencies it is 1 / |(2n + 1) b_n|,
and where higher orders alias into the first, their energy counts. It is limited, since the directional channels of a
small sphere vanish towards low frequencies: below the limit they fall by 6 dB an octave.

What aliases does so mostly in quadrature, so that the active intensity stays true to higher frequencies than the
channels. `tests/audio/test_arrays.py` states bands and errors for each array.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import numpy as np
import scipy.fft
import scipy.special
from jaxtyping import Complex64, Complex128, Float32, Float64

from salm.audio.formats import LAYOUTS, to_ambix
from salm.errors import InputError
from salm.frame import unit_vector

__all__ = [
    "ARRAYS",
    "CHANNELS",
    "DCASE_MIC",
    "EM32",
    "MicrophoneArray",
    "a_format",
    "encode_array",
    "to_foa",
]

_SPEED_OF_SOUND_M_S = 343.0
_HIGHEST_ORDER = 30
_TILT_DEG = float(np.rad2deg(np.arctan(np.sqrt(0.5))))
# Fits are kept to orders that the capsules determine well.
_CONDITION = 10.0


@dataclass(frozen=True, kw_only=True)
class MicrophoneArray:
    """Capsules on a sphere.

    Raises
    ------
    InputError
        If there are less than four capsules, not as many azimuths as elevations, or no such radius.
    """

    name: str
    azimuths_deg: tuple[float, ...]
    """Of each capsule in the order of the channels, in the frame of `salm.frame`."""
    elevations_deg: tuple[float, ...]
    radius_m: float
    """Zero only for cardioid capsules: they are then in one point, and no filter is needed."""
    capsules: Literal["rigid", "cardioid"]
    """Omnidirectional in a rigid sphere, or cardioid and looking outward in the open."""

    def __post_init__(self) -> None:
        if len(self.azimuths_deg) != len(self.elevations_deg) or len(self) < 4:
            raise InputError(
                f"{self.name} has {len(self.azimuths_deg)} azimuths and {len(self.elevations_deg)} elevations "
                "but needs as many of one as of the other, and four or more."
            )
        least = 0.0 if self.capsules == "cardioid" else 1e-3
        if not least <= self.radius_m < 1:
            raise InputError(f"{self.name} has a radius of {self.radius_m} m but needs {least} m to 1 m.")

    def __len__(self) -> int:
        return len(self.azimuths_deg)

    @property
    def directions(self) -> Float64[np.ndarray, "capsule 3"]:
        """Unit vectors of the capsules."""
        return unit_vector(np.array(self.azimuths_deg), np.array(self.elevations_deg))

    def radial(self, frequencies_hz: Float64[np.ndarray, " frequency"]) -> Complex128[np.ndarray, "order frequency"]:
        """i^n b_n of orders 0 to 30, for the time dependence e^(+i omega t)."""
        turns = 1j ** np.arange(_HIGHEST_ORDER + 1)[:, None]
        x = 2 * np.pi * frequencies_hz * self.radius_m / _SPEED_OF_SOUND_M_S
        if self.capsules == "cardioid":
            orders = np.arange(_HIGHEST_ORDER + 1)[:, None]
            # In one point all frequencies are alike.
            distinct = x if self.radius_m else x[:1]
            j, slope = (scipy.special.spherical_jn(orders, distinct, derivative=d) for d in (False, True))
            return np.asarray(np.broadcast_to(turns * (j - 1j * slope) / 2, (len(turns), len(x))))
        # The limit at zero is that of a very small argument.
        x = np.maximum(x, 1e-4)
        return np.asarray(turns * (-1j / (x**2 * _hankel_slopes(x, _HIGHEST_ORDER))))


def _hankel_slopes(x: Float64[np.ndarray, " point"], highest: int) -> Complex128[np.ndarray, "order point"]:
    """h_n'(x) of orders 0 to the highest, of the second kind, for x above zero.

    By the recurrences h_(n+1) = (2n + 1) / x h_n - h_(n-1) and h_n' = h_(n-1) - (n + 1) / x h_n (DLMF 10.51.1 and
    10.51.2), upward from h_(-1) and h_0. Rounding stays small beside |h_n|, which grows with n; for j_n alone it would
    not.
    """
    slopes = np.empty((highest + 1, len(x)), np.complex128)
    below = np.exp(-1j * x) / x
    here = 1j * below
    for n in range(highest + 1):
        slopes[n] = below - (n + 1) / x * here
        below, here = here, (2 * n + 1) / x * here - below
    return slopes


def _em32() -> MicrophoneArray:
    half = "69 90 111 90 32 55 90 125 148 125 90 55 21 58"
    colatitudes = f"{half} 121 159 {half} 122 159"
    azimuths = "0 32 0 328 0 45 69 45 0 315 291 315 91 90 90 89 180 212 180 148 180 225 249 225 180 135 111 135 269 270"
    azimuths = f"{azimuths} 270 271"
    return MicrophoneArray(
        name="em32",
        azimuths_deg=tuple(float(azimuth) for azimuth in azimuths.split()),
        elevations_deg=tuple(90.0 - float(colatitude) for colatitude in colatitudes.split()),
        radius_m=0.042,
        capsules="rigid",
    )


EM32 = _em32()
"""Eigenmike em32, by the angles of its release notes (v17): 32 capsules in a rigid sphere of 42 mm."""

DCASE_MIC = MicrophoneArray(
    name="dcase-mic",
    azimuths_deg=(45.0, -45.0, 135.0, -135.0),
    elevations_deg=(35.0, -35.0, -35.0, 35.0),
    radius_m=0.042,
    capsules="rigid",
)
"""The ``mic`` format of DCASE and TAU: channels 6, 10, 26 and 22 of the em32, by their published angles."""


def a_format(order: str = "FLU FRD BLD BRU", *, radius_m: float = 0.0) -> MicrophoneArray:
    """Four cardioid capsules on the corners of a tetrahedron.

    Parameters
    ----------
    order
        The capsules by channel: F or B for front or back, L or R for left or right, U or D for up or down.
    radius_m
        From the centre to a capsule; zero is coincident capsules, whose sums and differences are AmbiX already.

    Raises
    ------
    InputError
        If the names are not those of four different corners of one tetrahedron.
    """
    names = order.upper().split()
    signs = [
        (1 if n[0] == "F" else -1, 1 if n[1] == "L" else -1, 1 if n[2] == "U" else -1) for n in names if len(n) == 3
    ]
    known = len(signs) == len(names) == 4 and all(n[0] in "FB" and n[1] in "LR" and n[2] in "UD" for n in names)
    if not known or len(set(signs)) != 4 or len({int(np.prod(sign)) for sign in signs}) != 1:
        raise InputError(
            f"order is {order!r} but must name four corners of one tetrahedron, such as FLU FRD BLD BRU "
            "or FLD FRU BLU BRD."
        )
    return MicrophoneArray(
        name=f"a-format {' '.join(names)}",
        azimuths_deg=tuple(left * (45.0 if front > 0 else 135.0) for front, left, _ in signs),
        elevations_deg=tuple(up * _TILT_DEG for _, _, up in signs),
        radius_m=radius_m,
        capsules="cardioid",
    )


ARRAYS: Mapping[str, MicrophoneArray] = MappingProxyType({"a-format": a_format(), "dcase-mic": DCASE_MIC, "em32": EM32})
"""Arrays by the name that readers take."""

CHANNELS = (*LAYOUTS, *ARRAYS)
"""What four or more channels of a measurement can be."""


def to_foa(
    samples: Float32[np.ndarray, "channel time"], channels: str | MicrophoneArray, *, rate_hz: int
) -> Float32[np.ndarray, "4 time"]:
    """AmbiX from Ambisonics in one of `salm.audio.formats.LAYOUTS` or from the capsules of an array.

    Raises
    ------
    InputError
        If the name is none of `CHANNELS`, or the number of channels does not fit.
    """
    if isinstance(channels, MicrophoneArray):
        return encode_array(samples, channels, rate_hz=rate_hz)
    if channels in ARRAYS:
        return encode_array(samples, ARRAYS[channels], rate_hz=rate_hz)
    if channels not in LAYOUTS:
        raise InputError(f"channels is {channels!r} but must be one of {', '.join(CHANNELS)}.")
    return to_ambix(samples, channels)


def encode_array(
    samples: Float32[np.ndarray, "capsule time"], array: MicrophoneArray, *, rate_hz: int, limit_db: float = 20.0
) -> Float32[np.ndarray, "4 time"]:
    """AmbiX at the centre of an array, as long as what went in and in step with it.

    Parameters
    ----------
    samples
        Pressure at each capsule, in the array's order.
    array
        Which capsules.
    rate_hz
        Sampling rate.
    limit_db
        Highest gain of the radial filters over the fit. More reaches lower frequencies, with more of the capsules'
        noise.

    Raises
    ------
    InputError
        If the number of channels is another than that of the capsules, or there are no samples.
    """
    if samples.ndim != 2 or len(samples) != len(array) or samples.shape[1] == 0:
        raise InputError(f"{array.name} has {len(array)} channels of samples, but these are of shape {samples.shape}.")
    mixed = (_fit(array).astype(np.float32) @ samples).astype(np.float32)
    time = samples.shape[1]
    # Filters of a sphere of some centimetres ring for a few milliseconds, on both sides of the centre's time.
    size = scipy.fft.next_fast_len(time + round(0.05 * rate_hz), real=True)
    gains = _equalisers(array, size, rate_hz=rate_hz, limit_db=limit_db)
    encoded = scipy.fft.irfft(scipy.fft.rfft(mixed, size) * gains[[0, 1, 1, 1]], size)
    return np.ascontiguousarray(encoded[:, :time], np.float32)


@lru_cache(maxsize=8)
def _fit(array: MicrophoneArray) -> Float64[np.ndarray, "4 capsule"]:
    """First order of the fit of the highest order that the capsules determine."""
    directions = array.directions
    order = 1
    while (order + 2) ** 2 <= len(array) and np.linalg.cond(_harmonics(directions, order + 1)) < _CONDITION:
        order += 1
    return np.asarray(np.linalg.pinv(_harmonics(directions, order))[:4])


def _harmonics(directions: Float64[np.ndarray, "capsule 3"], order: int) -> Float64[np.ndarray, "capsule harmonic"]:
    """Real spherical harmonics, SN3D in ACN order."""
    x, y, z = directions.T
    azimuth = np.arctan2(y, x)
    columns = []
    for n in range(order + 1):
        for m in range(-n, n + 1):
            k = abs(m)
            norm = np.sqrt((2 - (k == 0)) / np.prod(np.arange(n - k + 1, n + k + 1, dtype=float)))
            # SciPy's polynomials have the factor (-1)^m, AmbiX has not.
            legendre = (-1) ** k * scipy.special.lpmv(k, n, z)
            columns.append(norm * legendre * (np.sin(k * azimuth) if m < 0 else np.cos(k * azimuth)))
    return np.stack(columns, axis=1)


# Responses of a set are of one length, and Bessel functions take longer than everything else.
@lru_cache(maxsize=8)
def _equalisers(
    array: MicrophoneArray, size: int, *, rate_hz: int, limit_db: float
) -> Complex64[np.ndarray, "2 frequency"]:
    """Filters of W and of the directional channels, as a spectrum of that many samples."""
    fit = _fit(array)
    radial = array.radial(scipy.fft.rfftfreq(size, 1 / rate_hz))
    orders = np.arange(_HIGHEST_ORDER + 1)
    cosines = np.clip(array.directions @ array.directions.T, -1, 1)
    # Energy that each order of a diffuse field leaves in the channels of the fit.
    legendre = scipy.special.eval_legendre(orders[:, None, None], cosines)
    energies = np.einsum("cp,npq,cq->nc", fit, legendre, fit) * (2 * orders + 1)[:, None]
    power = (radial.real**2 + radial.imag**2).T
    diffuse = power @ np.stack([energies[:, 0], energies[:, 1:].mean(axis=1)], axis=1)
    wanted = np.array([1.0, 1 / 3])
    gain = np.minimum(np.sqrt(wanted / np.maximum(diffuse, 1e-30)), 10 ** (limit_db / 20)).T
    return np.asarray(gain * np.exp(-1j * np.angle(radial[:2])), np.complex64)

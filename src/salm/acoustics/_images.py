"""Image sources: the early part of a room's response, every reflection exact in time, direction and spectrum."""

from functools import lru_cache
from typing import no_type_check

import numpy as np
import scipy.fft
from jaxtyping import Float32, Float64

from salm.acoustics._bands import BAND_CENTRES_HZ, SPEED_OF_SOUND_M_S, air_attenuation, band_weights
from salm.acoustics.room import Room
from salm.compiled import compiled

__all__ = ["image_responses"]

# A Kaiser window of 24 taps is exact to -60 dB up to 0.8 of the Nyquist frequency; linear interpolation between
# 128 fractions of a sample adds no more than -80 dB, and the table fits into the first-level cache.
_TAPS = 24
_FRACTIONS = 128
_KAISER_BETA = 6.0

# The octave filters have zero phase: they ring this long before and after each reflection.
_RINGING_S = 0.04


def image_responses(
    room: Room, sources_m: Float64[np.ndarray, "source 3"], *, until_s: Float64[np.ndarray, " source"], rate_hz: int
) -> Float32[np.ndarray, "source 4 time"]:
    """AmbiX responses of all images that arrive until a time, one a source (Allen and Berkley 1979).

    An image at distance r has amplitude 1/r, the reflection factors sqrt(1 - absorption) of the walls that it was
    mirrored in and the attenuation of air, band by band. Nothing is displaced at random: order 0 is the label.

    Parameters
    ----------
    room
        The room, with its microphone.
    sources_m
        Positions from the room's corner.
    until_s
        Latest arrival for each source. The responses have the length of the longest.
    rate_hz
        Sample rate.
    """
    samples = int(np.ceil(until_s.max() * rate_hz))
    padded = scipy.fft.next_fast_len(samples + _TAPS + round(_RINGING_S * rate_hz), real=True)
    scattered = np.zeros((len(sources_m), padded, 4, len(BAND_CENTRES_HZ)), np.float32)
    air = _air_table(1 << samples.bit_length(), rate_hz)  # few lengths, so that one table serves many rooms
    for bands, source, until in zip(scattered, sources_m, until_s, strict=True):
        radius = until * rate_hz
        axes = [_axis_table(room, source, axis, radius=radius, rate_hz=rate_hz) for axis in range(3)]
        (x, x_gains), (y, y_gains), (z, z_gains) = axes
        # Distances inside the kernel are in samples: 1/r in metres is this over the distance.
        unit = rate_hz / SPEED_OF_SOUND_M_S
        _scatter(bands, x, y, z, x_gains, y_gains, z_gains, air, _sinc_table(), radius, unit)
    spectra = scipy.fft.rfft(scattered, axis=1)
    joined = np.einsum("sfcb,fb->scf", spectra, _weights(padded, rate_hz))
    lead = _TAPS // 2 - 1
    return scipy.fft.irfft(joined, n=padded)[..., lead : lead + samples]


# Type checkers at run time wrap what they check, and numba compiles plain functions only.
@compiled
@no_type_check
def _scatter(
    bands: Float32[np.ndarray, "time 4 8"],
    x: Float64[np.ndarray, " image_x"],
    y: Float64[np.ndarray, " image_y"],
    z: Float64[np.ndarray, " image_z"],
    x_gains: Float32[np.ndarray, "image_x 8"],
    y_gains: Float32[np.ndarray, "image_y 8"],
    z_gains: Float32[np.ndarray, "image_z 8"],
    air: Float32[np.ndarray, "time 8"],
    sinc: Float32[np.ndarray, "fraction tap"],
    radius: float,
    unit: float,
) -> None:
    """Add each image within the radius to `bands`, one contiguous row of 4 channels times 8 bands a tap."""
    # With a width that is a constant the innermost loop is unrolled before it could become vector instructions.
    width = bands.shape[1] * bands.shape[2]
    rows = bands.reshape(bands.shape[0], width)
    row = np.empty(width, np.float32)
    for i in range(x.size):
        for j in range(y.size):
            across = x[i] ** 2 + y[j] ** 2
            if across > radius**2:
                continue
            for k in range(z.size):
                squared = across + z[k] ** 2
                if squared > radius**2:
                    continue
                distance = np.sqrt(squared)
                whole = int(distance)
                for b in range(8):
                    gain = x_gains[i, b] * y_gains[j, b] * z_gains[k, b] * air[whole, b] * np.float32(unit / distance)
                    row[b] = gain
                    row[8 + b] = gain * np.float32(y[j] / distance)
                    row[16 + b] = gain * np.float32(z[k] / distance)
                    row[24 + b] = gain * np.float32(x[i] / distance)
                step = (distance - whole) * (sinc.shape[0] - 1)
                below = int(step)
                weight = np.float32(step - below)
                for tap in range(sinc.shape[1]):
                    value = sinc[below, tap] + weight * (sinc[below + 1, tap] - sinc[below, tap])
                    for c in range(width):
                        rows[whole + tap, c] += value * row[c]


def _axis_table(
    room: Room, source_m: Float64[np.ndarray, " 3"], axis: int, *, radius: float, rate_hz: int
) -> tuple[Float64[np.ndarray, " image"], Float32[np.ndarray, "image 8"]]:
    """Offsets of the images from the microphone along one axis, in samples, and the product of their reflections.

    Image n has met the wall at 0 |n // 2| times and the opposite one |(n + 1) // 2| times.
    """
    side = room.size_m[axis]
    reach = int(radius * SPEED_OF_SOUND_M_S / rate_hz / side) + 2
    n = np.arange(-reach, reach + 1)
    position = n * side + np.where(n % 2, side - source_m[axis], source_m[axis])
    reflection = np.sqrt(1 - np.asarray(room.absorption[2 * axis : 2 * axis + 2]))
    gains = reflection[0] ** np.abs(n // 2)[:, None] * reflection[1] ** np.abs((n + 1) // 2)[:, None]
    return (position - room.microphone_m[axis]) * rate_hz / SPEED_OF_SOUND_M_S, gains.astype(np.float32)


@lru_cache(maxsize=1)
def _sinc_table() -> Float32[np.ndarray, "fraction tap"]:
    """Windowed sinc of a delay of 0, 1/128, ... 1 sample after tap 11, one delay a row."""
    fraction = np.arange(_FRACTIONS + 1)[:, None] / _FRACTIONS
    away = np.arange(_TAPS) - (_TAPS // 2 - 1) - fraction
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(1 - np.square(2 * away / _TAPS), 0))) / np.i0(_KAISER_BETA)
    return np.asarray(np.sinc(away) * window, np.float32)


@lru_cache(maxsize=8)
def _air_table(samples: int, rate_hz: int) -> Float32[np.ndarray, "time 8"]:
    """Amplitude left after travelling for each number of whole samples; a part of a sample changes nothing."""
    distance_m = np.arange(samples)[:, None] * SPEED_OF_SOUND_M_S / rate_hz
    return np.asarray(np.exp(-distance_m * air_attenuation(BAND_CENTRES_HZ)), np.float32)


@lru_cache(maxsize=32)
def _weights(samples: int, rate_hz: int) -> Float32[np.ndarray, "frequency 8"]:
    return np.ascontiguousarray(band_weights(scipy.fft.rfftfreq(samples, 1 / rate_hz)).T, np.float32)

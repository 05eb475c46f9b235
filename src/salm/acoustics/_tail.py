"""The diffuse tail of a room's response: isotropic noise whose level and decay follow from theory, not from a fit."""

from functools import lru_cache

import numpy as np
import scipy.fft
from jaxtyping import Float32, Float64

from salm.acoustics._bands import BAND_CENTRES_HZ, SPEED_OF_SOUND_M_S, band_weights
from salm.acoustics.room import Room

__all__ = ["LONGEST_S", "diffuse_tails"]

LONGEST_S = 4.0
"""Responses are cut here."""

# Part of what a seed means: another seed or length gives every simulated room another tail.
_POOL_SEED = 1
_POOL_S = 60.0

# In an isotropic field a figure of eight receives a third of what an omnidirectional microphone does (SN3D).
_CHANNEL_GAINS = np.array([1, 3**-0.5, 3**-0.5, 3**-0.5])

_BLOCK = 256


def diffuse_tails(
    room: Room, rng: np.random.Generator, *, sources: int, start: int, stop: int, rate_hz: int
) -> Float32[np.ndarray, "source 4 time"]:
    """AmbiX noise with the energy of all images that arrive at samples `start` to `stop`.

    The images of a source of amplitude 1/r have 4 pi c / (V rate) of energy a sample in a lossless room, whatever the
    time; absorption takes exp(-delta t) of it, delta being `Room.decay_rates_hz`. The four channels are independent
    pieces of one pool of noise, filtered once a process, so a tail costs no transform.
    """
    pool = _noise_pool(rate_hz)
    offsets = rng.integers(round(_POOL_S * rate_hz), size=(sources, len(_CHANNEL_GAINS)))
    envelope = _envelope(room, start, stop, rate_hz)
    tails = np.empty((sources, len(_CHANNEL_GAINS), stop - start), np.float32)
    for index, offset in np.ndenumerate(offsets):
        np.einsum("bt,bt->t", envelope, pool[:, offset : offset + stop - start], out=tails[index])
    return tails * _CHANNEL_GAINS.astype(np.float32)[:, None]


def _envelope(room: Room, start: int, stop: int, rate_hz: int) -> Float32[np.ndarray, "8 time"]:
    """Amplitude of each band at each sample; exponentials of blocks times exponentials within a block."""
    amplitude = np.sqrt(4 * np.pi * SPEED_OF_SOUND_M_S / (room.volume_m3 * rate_hz))
    rate = room.decay_rates_hz[:, None] / (2 * rate_hz)
    coarse = amplitude * np.exp(-rate * np.arange(start, stop, _BLOCK))
    fine = np.exp(-rate * np.arange(_BLOCK))
    blocks: Float32[np.ndarray, "8 block time"] = (
        coarse.astype(np.float32)[:, :, None] * fine.astype(np.float32)[:, None, :]
    )
    return blocks.reshape(len(BAND_CENTRES_HZ), -1)[:, : stop - start]


@lru_cache(maxsize=1)
def _noise_pool(rate_hz: int) -> Float32[np.ndarray, "8 time"]:
    """White noise of unit variance divided into the bands; they sum to the noise again."""
    samples = round((_POOL_S + LONGEST_S) * rate_hz)
    noise = np.random.default_rng(_POOL_SEED).standard_normal(samples, dtype=np.float32)
    spectrum = scipy.fft.rfft(noise)
    weights: Float64[np.ndarray, "8 frequency"] = band_weights(scipy.fft.rfftfreq(samples, 1 / rate_hz))
    pool = np.empty((len(BAND_CENTRES_HZ), samples), np.float32)
    for band, weight in zip(pool, weights, strict=True):
        band[:] = scipy.fft.irfft(spectrum * weight.astype(np.float32), n=samples)
    return pool

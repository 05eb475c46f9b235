"""Diffuse fields: sound from everywhere at once, as rain, wind and far-away traffic are heard."""

from functools import lru_cache

import numpy as np
import scipy.fft
from jaxtyping import Float32, Float64

from salm.errors import InputError

__all__ = ["diffuse_noise", "diffuse_sound"]

Foa = Float32[np.ndarray, "4 time"]

_JOIN_S = 0.05
_LOWEST_HZ = 20.0


def diffuse_noise(rng: np.random.Generator, samples: int, *, rate_hz: int = 24_000) -> Foa:
    """Pink noise from all directions alike, in AmbiX, with a mean square of about one in W.

    The channels are independent; each figure of eight receives a third of W's energy (SN3D).
    """
    size = scipy.fft.next_fast_len(samples, real=True)
    hertz = scipy.fft.rfftfreq(size, 1 / rate_hz)
    shape = np.where(hertz >= _LOWEST_HZ, np.maximum(hertz, _LOWEST_HZ) ** -0.5, 0)
    shape *= np.sqrt(len(shape) / np.square(shape).sum())
    white = scipy.fft.rfft(rng.standard_normal((4, size), dtype=np.float32))
    pink = scipy.fft.irfft(white * shape.astype(np.float32), n=size)[:, :samples]
    return np.asarray(pink * np.array([1, *[3**-0.5] * 3], np.float32)[:, None])


def diffuse_sound(
    sound: Float32[np.ndarray, " time"], rng: np.random.Generator, samples: int, *, rate_hz: int = 24_000
) -> Foa:
    """A sound from all directions alike, in AmbiX: texture without a place.

    Twenty plane waves from the corners of a dodecahedron, turned at random, each carry the sound from a moment of its
    own on; where it ends it fades into its beginning. For sounds without events, such as rain, W has the energy of the
    sound and each other channel a third of it.

    Raises
    ------
    InputError
        If the sound is empty.
    """
    if not sound.size:
        raise InputError("an empty sound cannot fill a field; give one with samples.")
    loop = _loop(sound, join=min(round(_JOIN_S * rate_hz), sound.size // 4))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    directions = _dodecahedron() @ turn
    field = np.zeros((4, samples), np.float32)
    for (x, y, z), start in zip(directions, rng.integers(loop.size, size=len(directions)), strict=True):
        wave = np.take(loop, np.arange(start, start + samples), mode="wrap")
        field += np.array([1, y, z, x], np.float32)[:, None] * wave
    return field / np.float32(np.sqrt(len(directions)))


def _loop(sound: Float32[np.ndarray, " time"], *, join: int) -> Float32[np.ndarray, " loop"]:
    """The sound, its end faded into its beginning with equal power."""
    loop = sound[: sound.size - join].copy()
    angle = np.pi / 2 * (np.arange(join, dtype=np.float32) + 0.5) / max(join, 1)
    loop[:join] = np.sin(angle) * loop[:join] + np.cos(angle) * sound[sound.size - join :]
    return loop


@lru_cache(maxsize=1)
def _dodecahedron() -> Float64[np.ndarray, "20 3"]:
    """Directions of the corners; up to third order they see all directions alike."""
    golden = (1 + 5**0.5) / 2
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], np.float64)
    edges = np.array([[0, a / golden, b * golden] for a in (-1, 1) for b in (-1, 1)])
    return np.concatenate([signs, *(np.roll(edges, turn, axis=1) for turn in range(3))]) / 3**0.5

"""Recordings of any length as windows of one length.

In training one window is taken of each recording, as the paper does: what is shorter is repeated floor(window / length)
times and then padded with zeros, of what is longer a random piece is taken. In inference nothing is left out.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

__all__ = ["Window", "fit_to_window", "windows"]


class Window(NamedTuple):
    """A piece of a recording, filled up to the length of a window."""

    start: int
    """First sample in the recording."""
    stop: int
    """One past the last sample in the recording."""
    samples: Float32[np.ndarray, "channel window"]


def fit_to_window(
    samples: Float32[np.ndarray, "channel time"], window_samples: int, *, rng: np.random.Generator
) -> Float32[np.ndarray, "channel window"]:
    """One window of a recording for training; only where the recording is longer does it depend on the generator."""
    spare = samples.shape[1] - window_samples
    if spare <= 0:
        return _filled(samples, window_samples)
    start = int(rng.integers(spare + 1))
    return samples[:, start : start + window_samples]


def windows(samples: Float32[np.ndarray, "channel time"], window_samples: int) -> list[Window]:
    """Windows that cover a recording, one after the other; the last ends where a longer recording ends.

    So every sample is in a window, none is made up unless the recording is shorter than one window, and the last
    window overlaps the one before it.
    """
    time = samples.shape[1]
    if time <= window_samples:
        return [Window(0, time, _filled(samples, window_samples))]
    starts = [*range(0, time - window_samples, window_samples), time - window_samples]
    return [Window(start, start + window_samples, samples[:, start : start + window_samples]) for start in starts]


def _filled(samples: Float32[np.ndarray, "channel time"], window_samples: int) -> Float32[np.ndarray, "channel window"]:
    repeated = np.tile(samples, (1, window_samples // samples.shape[1]))
    return np.pad(repeated, ((0, 0), (0, window_samples - repeated.shape[1])))

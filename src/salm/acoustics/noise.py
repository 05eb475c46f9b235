"""White noise for microphones."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float32

__all__ = ["white_noise"]

# Part of what a seed means: another pool gives every recording other noise. Two minutes at 24 kHz.
_POOL_SEED = 2
_POOL = 3_000_017


def white_noise(rng: np.random.Generator, channels: int, samples: int) -> Float32[np.ndarray, "channel time"]:
    """White noise of unit variance, a stretch of one long noise for each channel.

    The long noise is drawn once a process, so that only where each stretch begins is drawn here: drawing all samples
    takes as long as convolving with a room. Where a recording is longer than it, noise repeats.
    """
    starts = rng.integers(_POOL, size=channels)
    pool = _pool()
    noise = np.empty((channels, samples), np.float32)
    for channel, start in zip(noise, starts.tolist(), strict=True):
        filled = 0
        while filled < samples:
            stretch = pool[start : start + samples - filled]
            channel[filled : filled + stretch.size] = stretch
            filled, start = filled + stretch.size, 0
    return noise


@lru_cache(maxsize=1)
def _pool() -> Float32[np.ndarray, " time"]:
    return np.random.default_rng(_POOL_SEED).standard_normal(_POOL, dtype=np.float32)

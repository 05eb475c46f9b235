"""Dry sound through impulse responses."""

import numpy as np
import scipy.fft
from jaxtyping import Float32

from salm.errors import InputError

__all__ = ["convolve"]

# Samples of a block, unless the response is longer: shorter ones transform the overlap too often, and four channels of
# longer ones leave the cache. Measured with responses of 0.2 to 4 s at 24 kHz.
_BLOCK = 48_000


def convolve(
    dry: Float32[np.ndarray, " time"], srirs: Float32[np.ndarray, "source 4 response"]
) -> Float32[np.ndarray, "source 4 time"]:
    """Convolve one sound with the responses of several places, cut to the sound's length.

    Overlap-add in equal blocks that stay in the cache. The spectra of the sound's blocks serve all places and channels,
    and the channels of a place go back to time together, which transforms several in one. Delays within the responses
    are kept.

    Raises
    ------
    InputError
        If an array has another number of dimensions or is empty.
    """
    if dry.ndim != 1 or srirs.ndim != 3 or dry.size == 0 or srirs.size == 0:
        raise InputError(f"convolve needs shapes (time,) and (source, 4, response), not {dry.shape} and {srirs.shape}.")
    response = srirs.shape[-1]
    if response == 1:
        return np.asarray(srirs * dry)
    count = max(1, round(dry.size / max(_BLOCK, response)))
    size = scipy.fft.next_fast_len(-(-dry.size // count) + response - 1, real=True)
    hop = size - response + 1
    blocks = scipy.fft.rfft(np.pad(dry, (0, -dry.size % hop)).reshape(-1, hop), size)
    filters = scipy.fft.rfft(srirs, size)
    wet = np.zeros((*srirs.shape[:2], len(blocks) * hop + response - 1), np.float32)
    for place, spectra in zip(wet, filters, strict=True):
        for index, block in enumerate(blocks):
            place[:, index * hop : index * hop + size] += scipy.fft.irfft(block * spectra, size)
    return wet[..., : dry.size]

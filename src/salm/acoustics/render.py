"""Dry sound through impulse responses."""

import numpy as np
import scipy.fft
from jaxtyping import Float32

from salm.errors import InputError

__all__ = ["convolve"]

# Shorter blocks transform the overlap too often, longer ones leave the cache.
_RESPONSES_IN_BLOCK = 4


def convolve(
    dry: Float32[np.ndarray, " time"], srirs: Float32[np.ndarray, "source 4 response"]
) -> Float32[np.ndarray, "source 4 time"]:
    """Convolve one sound with the responses of several places, cut to the sound's length.

    Overlap-add in equal blocks of about four responses: those stay in the cache, and the spectra of the sound's blocks
    serve all places and channels. Delays within the responses are kept.

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
    count = max(1, round(dry.size / (_RESPONSES_IN_BLOCK * response)))
    size = scipy.fft.next_fast_len(-(-dry.size // count) + response - 1, real=True)
    hop = size - response + 1
    blocks = scipy.fft.rfft(np.pad(dry, (0, -dry.size % hop)).reshape(-1, hop), size)
    filters = scipy.fft.rfft(srirs, size).reshape(-1, size // 2 + 1)
    wet = np.zeros((*srirs.shape[:2], len(blocks) * hop + response - 1), np.float32)
    for channel, spectrum in zip(wet.reshape(len(filters), -1), filters, strict=True):
        for index, block in enumerate(blocks):
            channel[index * hop : index * hop + size] += scipy.fft.irfft(block * spectrum, size)
    return wet[..., : dry.size]

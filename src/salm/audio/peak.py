"""The true peak of a signal: the highest value between samples as well, as ITU-R BS.1770 estimates it."""

import numpy as np
import soxr
from jaxtyping import Float32

__all__ = ["true_peak_db"]

_OVERSAMPLING = 4
_BLOCK = 1 << 16


def true_peak_db(samples: Float32[np.ndarray, "channel time"], rate_hz: int) -> float:
    """Highest value of any channel at four times the rate, in dB of full scale (dBTP); minus infinity of silence.

    The samples themselves count too, so that it is never below their peak. Memory does not grow with the length.
    """
    peak = float(np.abs(samples).max(initial=0.0))
    stream = soxr.ResampleStream(rate_hz, _OVERSAMPLING * rate_hz, len(samples), dtype="float32", quality="HQ")
    time = samples.shape[1]
    for start in range(0, time, _BLOCK):
        block = np.ascontiguousarray(samples[:, start : start + _BLOCK].T)
        between = stream.resample_chunk(block, last=start + _BLOCK >= time)
        peak = max(peak, float(np.abs(between).max(initial=0.0)))
    return 20 * float(np.log10(peak)) if peak else -np.inf

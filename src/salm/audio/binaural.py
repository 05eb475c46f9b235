"""A preview of first-order recordings for headphones, through the ears of a measured head.

The head is symmetric: the right ear's filters from W, Y, Z, X are the left ear's with Y negated. With * for convolution

    left  = (W * w + Z * z + X * x) + Y * y
    right = (W * w + Z * z + X * x) - Y * y

The four filters w, y, z, x were fitted to the KEMAR manikin that Gardner and Martin measured (1994, HRTF measurements
of a KEMAR dummy-head microphone, MIT Media Lab technical report 280); ``tools/fit_binaural.py`` does it and tells how.
They are equalised for the diffuse field, as headphones are: sound from everywhere keeps its colour and its level.

First order is a coarse picture of a head. Below 600 Hz the ears differ as in the measurement, to 0.15 ms and 1.5 dB.
Above, differences in level are the head's to some 4 dB, but those in time shrink: of 0.7 ms from the side 0.4 remain.
The back is 4 dB softer than the sides (pink noise, both ears), where the head's own shadow makes 2.5 dB.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import soxr
from jaxtyping import Float32
from safetensors.numpy import load_file
from scipy.signal import oaconvolve

from salm.errors import InputError

__all__ = ["ear_filters", "to_binaural"]

# The filters are 6 ms long: at a lower rate hardly a sample is left of them.
_LOWEST_RATE_HZ = 100
_FILTERS = Path(__file__).with_name("kemar_foa.safetensors")


def to_binaural(samples: Float32[np.ndarray, "4 time"], rate_hz: int) -> Float32[np.ndarray, "2 time"]:
    """Left and right ear of a listener who faces the front of an AmbiX recording, as many samples as it has.

    It is in time with the recording: what passes the microphone at an instant passes the centre of the head at the
    same, and the ears up to 0.4 ms before or after. The filters reach 1.5 ms back and 4.3 ms ahead; what they would add
    before the first and after the last sample is cut off.

    If the peak of either ear is beyond full scale, both are scaled down to a peak of 1, so that no integer format
    clips; otherwise the level is kept. Silence stays silent, and no samples give no samples.

    Parameters
    ----------
    rate_hz
        Any, from 100 Hz up; the filters hold nothing above 20 kHz.

    Raises
    ------
    InputError
        If the rate is lower.
    """
    if rate_hz < _LOWEST_RATE_HZ:
        raise InputError(f"at {rate_hz} Hz there is no preview for headphones; {_LOWEST_RATE_HZ} Hz is the least.")
    filters, lead = ear_filters(rate_hz)
    time = samples.shape[1]
    middle = np.zeros(time, np.float32)
    for channel in (0, 2, 3):
        middle += oaconvolve(samples[channel], filters[channel])[lead : lead + time]
    side = oaconvolve(samples[1], filters[1])[lead : lead + time]
    ears: Float32[np.ndarray, "2 time"] = np.stack([middle + side, middle - side]).astype(np.float32, copy=False)
    return ears / max(1.0, float(np.abs(ears).max(initial=0.0)))


@lru_cache(maxsize=8)
def ear_filters(rate_hz: int) -> tuple[Float32[np.ndarray, "4 tap"], int]:
    """Filters from W, Y, Z, X to the left ear at a rate, and which of their samples is time zero; not to be changed."""
    stored = load_file(_FILTERS)
    left, native_hz = stored["left"], int(stored["rate_hz"])
    # Samples lie closer or wider at another rate, and their sum must stay the same.
    resampled = soxr.resample(left.T, native_hz, rate_hz).T * np.float32(native_hz / rate_hz)
    return np.ascontiguousarray(resampled), round(float(stored["lead_s"]) * rate_hz)

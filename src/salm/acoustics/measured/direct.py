"""The direct sound of a response: how loud it is, and where it comes from, to hold against what a table says."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Float32, Float64
from scipy.signal import butter, sosfiltfilt

from salm.acoustics.measured.base import MeasuredResponse, ResponseSet
from salm.frame import angle_between_deg, unit_vector

__all__ = ["direct_vector", "direction_errors_deg", "levelled", "onset"]

_ONSET_DB = -20.0
_BEFORE_S, _AFTER_S = 0.0005, 0.0025


def onset(response: Float[np.ndarray, "4 time"]) -> int:
    """First sample of W within 20 dB of its largest."""
    heights = np.abs(response[0])
    return int(np.argmax(heights >= heights.max() * 10 ** (_ONSET_DB / 20)))


def levelled(
    response: Float32[np.ndarray, "4 time"], *, rate_hz: int, distance_m: float | None = None
) -> Float32[np.ndarray, "4 time"]:
    """The response with the level of a simulated one: the direct sound has the energy in W of an impulse of 1/r.

    The direct sound is what is within 2.5 ms of the onset, and r is one metre where the distance is not known. A silent
    response stays silent.
    """
    energy = float(np.square(_direct(response, rate_hz=rate_hz)[0], dtype=np.float64).sum())
    gain = 1 / np.sqrt(energy) if energy > 0 else 0.0
    return np.asarray(response * np.float32(gain / (distance_m or 1.0)))


def direct_vector(
    response: Float32[np.ndarray, "4 time"], *, rate_hz: int, band_hz: tuple[float, float] = (300.0, 3000.0)
) -> Float64[np.ndarray, " 3"]:
    """Active intensity x, y, z of the direct sound within a band, which points to where it comes from."""
    nyquist_hz = rate_hz / 2
    sections = butter(2, (band_hz[0], min(band_hz[1], 0.95 * nyquist_hz)), "bandpass", fs=rate_hz, output="sos")
    filtered = sosfiltfilt(sections, response.astype(np.float64), padtype=None)
    w, y, z, x = _direct(filtered, rate_hz=rate_hz, start=onset(response))
    return np.array([w @ x, w @ y, w @ z])


def direction_errors_deg(
    responses: ResponseSet,
    items: Iterable[MeasuredResponse] | None = None,
    *,
    band_hz: tuple[float, float] = (300.0, 3000.0),
) -> Float64[np.ndarray, " response"]:
    """Angle between where each response is said to be from and where its direct sound comes from, in degrees.

    A median of some degrees is what measurements have; one near 90 says that directions and responses do not belong
    together, a mirror image among them, or that the channels are not what they were read as.
    """
    errors = []
    for item in responses.items if items is None else items:
        samples, rate_hz = responses.reader(item.id)
        heard = direct_vector(samples, rate_hz=rate_hz, band_hz=band_hz)
        errors.append(float(angle_between_deg(heard, unit_vector(item.azimuth_deg, item.elevation_deg))))
    return np.array(errors, np.float64)


def _direct(
    response: Float[np.ndarray, "4 time"], *, rate_hz: int, start: int | None = None
) -> Float[np.ndarray, "4 direct"]:
    start = onset(response) if start is None else start
    return response[:, max(0, start - round(_BEFORE_S * rate_hz)) : start + round(_AFTER_S * rate_hz)]

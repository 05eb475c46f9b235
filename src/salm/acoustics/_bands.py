"""The eight octave bands of the simulation: how they divide a spectrum, and what air takes from each."""

import numpy as np
from jaxtyping import Float64

__all__ = ["BAND_CENTRES_HZ", "SPEED_OF_SOUND_M_S", "air_attenuation", "band_weights"]

BAND_CENTRES_HZ = 62.5 * 2.0 ** np.arange(8)
"""Centres of the bands in which absorption is given: 62.5, 125, ... 8000 Hz."""

SPEED_OF_SOUND_M_S = 343.0
"""In dry air at 20 degrees Celsius."""


def band_weights(frequencies_hz: Float64[np.ndarray, " frequency"]) -> Float64[np.ndarray, "8 frequency"]:
    """Zero-phase magnitude of each band, raised cosines in log frequency that sum to one at every frequency.

    The sum of one makes a wall that treats all bands alike return an exact impulse. The first band is flat
    below its centre and the last above its own.
    """
    octave = np.log2(np.maximum(frequencies_hz, BAND_CENTRES_HZ[0]) / BAND_CENTRES_HZ[0])
    octave = np.minimum(octave, len(BAND_CENTRES_HZ) - 1)
    away = np.abs(octave - np.arange(len(BAND_CENTRES_HZ))[:, None])
    return np.where(away < 1, 0.5 + 0.5 * np.cos(np.pi * away), 0.0)


def air_attenuation(
    frequencies_hz: Float64[np.ndarray, " band"], *, humidity_percent: float = 50.0
) -> Float64[np.ndarray, " band"]:
    """Attenuation of a plane wave's amplitude by air, in nepers per metre (ISO 9613-1, eqs. 3 to 5).

    At sea level and 20 degrees Celsius, at which the standard's factors of temperature are one.
    """
    kelvin = 293.15
    saturation = 10 ** (4.6151 - 6.8346 * (273.16 / kelvin) ** 1.261)
    vapour_percent = humidity_percent * saturation
    oxygen_hz = 24 + 4.04e4 * vapour_percent * (0.02 + vapour_percent) / (0.391 + vapour_percent)
    nitrogen_hz = 9 + 280 * vapour_percent
    squared = np.square(frequencies_hz)
    oxygen = 0.01275 * np.exp(-2239.1 / kelvin) / (oxygen_hz + squared / oxygen_hz)
    nitrogen = 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen_hz + squared / nitrogen_hz)
    return np.asarray(squared * (1.84e-11 + (oxygen + nitrogen)))

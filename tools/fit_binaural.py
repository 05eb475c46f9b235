"""Fit the filters of `salm.audio.binaural` to a measured head: ``python tools/fit_binaural.py SOFA OUT``.

SOFA is the measurement of the KEMAR manikin by Gardner and Martin (1994), as `MIT_KEMAR_normal_pinna.sofa` of Debian's
package libmysofa1: 710 directions on rings of equal elevation, 10 degrees apart from -40 to +90 degrees, 512 samples at
44.1 kHz; its two ears are exact mirror images, so the left one is all there is to fit. OUT is a safetensors file. What
takes the file apart is h5py, which nothing else here needs: ``pip install h5py``.

With the response H(d, f) of the left ear to direction d, and the plane wave's channels b(d) = (1, y, z, x), the four
filters g(f) are found so that b(d) . g(f) is like H(d, f):

1. Equalise: every H(d, f) is divided by the level of the diffuse field, the root of the weighted mean of |H|^2 over d,
   and by the phase of the weighted mean of H. Both are the same for all directions: loudspeaker, ear canal and the way
   to the head's centre. What is left reaches the centre of the head at time zero. A direction weighs what its ring has
   of the sphere's area; the cap below -45 degrees, which was not measured, weighs nothing.
2. Below 1.5 kHz, least squares: g minimises the weighted sum of |b . g - H|^2, so that the time between the ears is
   kept as well as one order can.
3. Above, magnitude least squares (Schoerkhuber, Zaunschirm and Hoeldrich 2018): one order cannot follow the phase, and
   the ear does not ask for it. The phase of H is replaced by that of b . g at the frequency before, going up.
4. Equalise again, now the filters: what an order too few loses (Ben-Hur et al. 2017) is given back, so that a diffuse
   field has the same level at the ears as in W, |g_W|^2 + (|g_Y|^2 + |g_Z|^2 + |g_X|^2) / 3 = 1.
5. Below 150 Hz, where the loudspeaker is too weak, the filters go over linearly into (1, 0, 0, 0), as a head much
   smaller than the wave demands. Above 16 kHz, where it ends as well, both equalisers stay as they are at 16 kHz.
6. Delay by 1.5 ms, cut to 256 samples, and fade both ends.

References
----------
Gardner and Martin 1994, HRTF measurements of a KEMAR dummy-head microphone, MIT Media Lab technical report 280.
Schoerkhuber, Zaunschirm and Hoeldrich 2018, Binaural rendering of Ambisonic signals via magnitude least squares, DAGA.
Ben-Hur et al. 2017, Spectral equalization in binaural signals represented by order-truncated spherical harmonics, JASA
141(6).
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Float32
from safetensors.numpy import save_file

from salm.frame import unit_vector

N_FFT = 4096
WEAK_BELOW_HZ = 150.0
MAGNITUDE_FROM_HZ = 1500.0
WEAK_FROM_HZ = 16_000.0
LEAD_S = 0.0015
TAPS = 256
FADE_IN, FADE_OUT = 16, 64
RING_DEG = 10.0

ABOUT = (
    "Filters from AmbiX W, Y, Z, X to the left ear, made by tools/fit_binaural.py from W. G. Gardner and K. D. Martin, "
    "HRTF measurements of a KEMAR dummy-head microphone, MIT Media Lab Perceptual Computing technical report 280, 1994."
    " The measurement is copyright 1994 MIT Media Laboratory and free to use, provided the authors are cited."
)


class Measurement(NamedTuple):
    """What the left ear heard."""

    responses: Float[np.ndarray, "direction time"]
    azimuth_deg: Float[np.ndarray, " direction"]
    elevation_deg: Float[np.ndarray, " direction"]
    rate_hz: int


def read_measurement(path: Path) -> Measurement:
    """The left ear of a SOFA file, whose azimuths are counter-clockwise as ours are."""
    try:
        import h5py
    except ImportError:
        raise SystemExit(
            "fit_binaural.py reads SOFA files with h5py, which is not installed: pip install h5py"
        ) from None
    with h5py.File(path) as file:
        left = int(np.argmax(file["ReceiverPosition"][:, 1, 0]))
        azimuth_deg, elevation_deg, _ = file["SourcePosition"][:].T
        return Measurement(file["Data.IR"][:, left], azimuth_deg, elevation_deg, round(file["Data.SamplingRate"][0]))


def ring_weights(elevation_deg: Float[np.ndarray, " direction"]) -> Float[np.ndarray, " direction"]:
    """Share of each direction in the area that was measured; they sum to 1."""
    rings, ring, count = np.unique(elevation_deg, return_inverse=True, return_counts=True)
    upper, lower = np.minimum(rings + RING_DEG / 2, 90.0), rings - RING_DEG / 2
    area = np.sin(np.deg2rad(upper)) - np.sin(np.deg2rad(lower))
    return (area / count / area.sum())[ring]


def fit(measured: Measurement) -> Float32[np.ndarray, "4 tap"]:
    """Filters from W, Y, Z, X to the left ear, delayed by `LEAD_S`."""
    frequency_hz = np.fft.rfftfreq(N_FFT, 1 / measured.rate_hz)
    weights = ring_weights(measured.elevation_deg)
    heard = _equalised(np.fft.rfft(measured.responses, N_FFT), weights, frequency_hz)
    x, y, z = unit_vector(measured.azimuth_deg, measured.elevation_deg).T
    filters = _fitted(heard, np.stack([np.ones_like(x), y, z, x], axis=1), weights, frequency_hz)
    filters /= _held(np.sqrt(np.array([1, 1 / 3, 1 / 3, 1 / 3]) @ np.abs(filters) ** 2), frequency_hz)
    return _impulse_responses(_with_bass(filters, frequency_hz), frequency_hz)


def _held(
    level: Float[np.ndarray, " frequency"], frequency_hz: Float[np.ndarray, " frequency"]
) -> Float[np.ndarray, " frequency"]:
    """The level, constant from where the loudspeaker gets weak."""
    last = np.searchsorted(frequency_hz, WEAK_FROM_HZ)
    return np.where(frequency_hz < WEAK_FROM_HZ, level, level[last])


def _equalised(
    heard: Complex[np.ndarray, "direction frequency"],
    weights: Float[np.ndarray, " direction"],
    frequency_hz: Float[np.ndarray, " frequency"],
) -> Complex[np.ndarray, "direction frequency"]:
    level = np.sqrt(weights @ np.abs(heard) ** 2)
    mean = weights @ heard
    return heard * np.abs(mean) / mean / _held(level, frequency_hz)


def _fitted(
    heard: Complex[np.ndarray, "direction frequency"],
    waves: Float[np.ndarray, "direction 4"],
    weights: Float[np.ndarray, " direction"],
    frequency_hz: Float[np.ndarray, " frequency"],
) -> Complex[np.ndarray, "4 frequency"]:
    root = np.sqrt(weights)
    solve = np.linalg.pinv(root[:, None] * waves) * root
    filters = solve @ heard
    for bin_ in range(int(np.searchsorted(frequency_hz, MAGNITUDE_FROM_HZ)), len(frequency_hz)):
        before = waves @ filters[:, bin_ - 1]
        filters[:, bin_] = solve @ (np.abs(heard[:, bin_]) * before / np.abs(before))
    return filters


def _with_bass(
    filters: Complex[np.ndarray, "4 frequency"], frequency_hz: Float[np.ndarray, " frequency"]
) -> Complex[np.ndarray, "4 frequency"]:
    first = np.searchsorted(frequency_hz, WEAK_BELOW_HZ)
    share = np.minimum(frequency_hz / frequency_hz[first], 1.0)
    small_head = np.array([[1.0], [0.0], [0.0], [0.0]])
    return share * np.where(share < 1, filters[:, [first]], filters) + (1 - share) * small_head


def _impulse_responses(
    filters: Complex[np.ndarray, "4 frequency"], frequency_hz: Float[np.ndarray, " frequency"]
) -> Float32[np.ndarray, "4 tap"]:
    responses = np.fft.irfft(filters * np.exp(-2j * np.pi * frequency_hz * LEAD_S), N_FFT)[:, :TAPS]
    rise, fall = (np.sin(np.pi / 2 * (np.arange(n) + 0.5) / n) ** 2 for n in (FADE_IN, FADE_OUT))
    responses[:, :FADE_IN] *= rise
    responses[:, -FADE_OUT:] *= fall[::-1]
    return responses.astype(np.float32)


def write_filters(path: Path, filters: Float32[np.ndarray, "4 tap"], rate_hz: int) -> None:
    """As safetensors with the rate, the delay, and whom to cite."""
    # One entry only: safetensors writes several in an order that differs from run to run.
    save_file({"left": filters, "rate_hz": np.array(rate_hz), "lead_s": np.array(LEAD_S)}, path, {"about": ABOUT})


def main() -> None:
    """Read, fit, write."""
    parser = argparse.ArgumentParser(description="Fit the headphone filters to the MIT KEMAR measurement.")
    parser.add_argument("sofa", type=Path, help="MIT_KEMAR_normal_pinna.sofa")
    parser.add_argument("out", type=Path, help="src/salm/audio/kemar_foa.safetensors")
    given = parser.parse_args()
    measured = read_measurement(given.sofa)
    write_filters(given.out, fit(measured), measured.rate_hz)


if __name__ == "__main__":
    main()

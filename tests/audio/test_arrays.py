"""Encoding of microphone arrays, against plane waves on a rigid sphere by the analytic series."""

from functools import cache

import numpy as np
import pytest
from scipy.special import eval_legendre, spherical_jn, spherical_yn

from salm.audio.arrays import ARRAYS, DCASE_MIC, EM32, MicrophoneArray, a_format, encode_array, to_foa
from salm.errors import InputError
from salm.frame import angle_between_deg, unit_vector

RATE_HZ = 24_000
C_M_S = 343.0
TIME = 4096
ARRIVAL = 1024


@cache
def rigid_terms(radius_m: float) -> np.ndarray:
    x = np.maximum(2 * np.pi * np.fft.rfftfreq(TIME, 1 / RATE_HZ) * radius_m / C_M_S, 1e-3)
    terms = []
    for n in range(31):
        with np.errstate(all="ignore"):
            slope = spherical_jn(n, x, derivative=True) - 1j * spherical_yn(n, x, derivative=True)
            term = 1j ** (n - 1) * (2 * n + 1) / (x**2 * slope)
        terms.append(np.where(np.isfinite(term), term, 0))
    return np.stack(terms)


def capsule_responses(azimuths_deg, elevations_deg, radius_m, direction, *, capsules="rigid") -> np.ndarray:
    """Impulse responses of capsules to a plane wave that passes the centre at sample 1024.

    Rigid is the formula that TAU-SRIR DB publishes for its microphone format: sum of i^(n-1) (2n + 1) P_n(cos g) /
    ((kR)^2 h_n'(kR)) to order 30. Cardioid is half the sum of pressure and outward velocity in the free field.
    """
    frequencies_hz = np.fft.rfftfreq(TIME, 1 / RATE_HZ)
    x = np.maximum(2 * np.pi * frequencies_hz * radius_m / C_M_S, 1e-3)
    cosines = unit_vector(np.array(azimuths_deg), np.array(elevations_deg)) @ direction
    if capsules == "cardioid":
        spectra = 0.5 * (1 + cosines)[:, None] * np.exp(1j * x * cosines[:, None])
    else:
        spectra = eval_legendre(np.arange(31), cosines[:, None]) @ rigid_terms(radius_m)
    spectra *= np.exp(-2j * np.pi * frequencies_hz * ARRIVAL / RATE_HZ)
    return np.fft.irfft(spectra, TIME).astype(np.float32)


def heard(array: MicrophoneArray, direction: np.ndarray) -> np.ndarray:
    """Spectra (W, Y, Z, X) of an encoded plane wave, relative to its arrival at the centre."""
    raw = capsule_responses(
        array.azimuths_deg, array.elevations_deg, array.radius_m, direction, capsules=array.capsules
    )
    spectra = np.fft.rfft(encode_array(raw, array, rate_hz=RATE_HZ).astype(np.float64))
    return spectra * np.exp(2j * np.pi * np.fft.rfftfreq(TIME) * ARRIVAL)


def directions(count: int) -> np.ndarray:
    drawn = np.random.default_rng(3).standard_normal((count, 3))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


# The band within which each array's direction is true, and by how much at most; what it is made of, not what we like.
@pytest.mark.parametrize(
    ("array", "band_hz", "worst_deg"),
    [
        (EM32, (100, 6000), 2.0),
        (EM32, (100, 4000), 0.5),
        (DCASE_MIC, (100, 1000), 2.0),
        (DCASE_MIC, (100, 500), 0.5),
        (a_format(), (50, 11_000), 0.1),
        (a_format(radius_m=0.015), (100, 1200), 2.0),
        (a_format(radius_m=0.015), (100, 500), 0.5),
    ],
    ids=lambda value: value.name if isinstance(value, MicrophoneArray) else str(value),
)
def test_plane_waves_come_from_where_they_do_at_the_level_they_have(
    array: MicrophoneArray, band_hz: tuple[float, float], worst_deg: float
) -> None:
    frequencies_hz = np.fft.rfftfreq(TIME, 1 / RATE_HZ)
    band = (frequencies_hz >= band_hz[0]) & (frequencies_hz <= band_hz[1])
    true = directions(40)
    spectra = np.stack([heard(array, direction)[:, band] for direction in true])
    intensity = np.real(np.conj(spectra[:, :1]) * spectra[:, [3, 1, 2]])
    errors = angle_between_deg(np.moveaxis(intensity, 1, 2), np.broadcast_to(true[:, None], (40, band.sum(), 3)))
    assert errors.max() < worst_deg
    ideal = np.concatenate([np.ones((40, 1)), true[:, [1, 2, 0]]], axis=1)
    gains = np.real(np.einsum("dcf,dc->cf", spectra, ideal)) / np.sum(ideal**2, axis=0)[:, None]
    assert np.abs(20 * np.log10(gains)).max() < 1.0


def test_the_low_end_falls_by_six_decibels_an_octave_where_the_gain_is_limited() -> None:
    frequencies_hz = np.fft.rfftfreq(TIME, 1 / RATE_HZ)
    x = np.abs(heard(EM32, np.array([1.0, 0, 0]))[3])
    at_20, at_40, at_160 = (x[np.argmin(np.abs(frequencies_hz - hz))] for hz in (23.4, 46.9, 164))
    assert 20 * np.log10(at_40 / at_20) == pytest.approx(6.0, abs=0.5)
    assert 20 * np.log10(at_160) == pytest.approx(0.0, abs=0.1)


def test_a_diffuse_field_keeps_its_energy_above_the_band() -> None:
    spectra = np.stack([heard(EM32, direction) for direction in directions(200)])
    high = (np.fft.rfftfreq(TIME, 1 / RATE_HZ) > 8500) & (np.fft.rfftfreq(TIME, 1 / RATE_HZ) < 11_500)
    energies = np.mean(np.abs(spectra[:, :, high]) ** 2, axis=(0, 2))
    np.testing.assert_allclose(10 * np.log10(energies / [1, 1 / 3, 1 / 3, 1 / 3]), 0, atol=1.0)


def test_what_is_encoded_keeps_its_time() -> None:
    raw = capsule_responses(EM32.azimuths_deg, EM32.elevations_deg, 0.042, unit_vector(30.0, 10.0))
    assert np.argmax(np.abs(encode_array(raw, EM32, rate_hz=RATE_HZ)[0])) == ARRIVAL


def test_coincident_cardioids_are_sums_and_differences() -> None:
    # The textbook's matrix for FLU FRD BLD BRU: W is the sum, X front less back, Y left less right, Z up less down.
    flu, frd, bld, bru = raw = np.random.default_rng(0).standard_normal((4, 100)).astype(np.float32)
    wanted = (
        np.stack(
            [flu + frd + bld + bru]
            + [np.sqrt(3) * d for d in (flu - frd + bld - bru, flu - frd - bld + bru, flu + frd - bld - bru)]
        )
        / 2
    )
    np.testing.assert_allclose(to_foa(raw, "a-format", rate_hz=RATE_HZ), wanted, atol=1e-5)


def test_the_other_tetrahedron_and_another_order() -> None:
    direction = unit_vector(-70.0, 20.0)
    other = a_format("BRD FLD FRU BLU")
    raw = capsule_responses(other.azimuths_deg, other.elevations_deg, 0.0, direction, capsules="cardioid")
    w, y, z, x = encode_array(raw, other, rate_hz=RATE_HZ)[:, ARRIVAL]
    np.testing.assert_allclose([x / w, y / w, z / w], direction, atol=1e-3)


def test_the_published_tetrahedron_is_four_capsules_of_the_em32() -> None:
    np.testing.assert_allclose(EM32.directions[[5, 9, 25, 21]], DCASE_MIC.directions, atol=1e-12)
    lengths = np.linalg.norm(EM32.directions, axis=1)
    np.testing.assert_allclose(lengths, 1)
    # Every capsule has one across the sphere, to the whole degrees of the release notes.
    opposite = angle_between_deg(EM32.directions[:, None], -EM32.directions[None]).min(axis=1)
    assert opposite.max() < 2.0


@pytest.mark.parametrize(
    "order", ["FLU FRD BLD", "FLU FRD BLD BRD", "FLU FLU BLD BRU", "FLU FRD BLD XRU", "FLUX FRD BLD BRU", ""]
)
def test_what_is_no_tetrahedron_is_refused(order: str) -> None:
    with pytest.raises(InputError, match="four corners of one tetrahedron"):
        a_format(order)


@pytest.mark.parametrize(
    ("channels", "count", "message"),
    [
        ("em32", 4, "em32 has 32 channels"),
        ("dcase-mic", 9, "has 4 channels"),
        ("b-format", 4, "must be one of ambix"),
        ("ambix", 5, "no Ambisonics"),
    ],
)
def test_channels_that_do_not_fit_are_refused(channels: str, count: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_foa(np.zeros((count, 10), np.float32), channels, rate_hz=RATE_HZ)


def test_an_array_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="needs as many"):
        MicrophoneArray(name="odd", azimuths_deg=(0.0,) * 4, elevations_deg=(0.0,) * 3, radius_m=0.1, capsules="rigid")
    with pytest.raises(InputError, match="radius"):
        MicrophoneArray(name="odd", azimuths_deg=(0.0,) * 4, elevations_deg=(0.0,) * 4, radius_m=0.0, capsules="rigid")


def test_names_are_those_of_readers() -> None:
    assert set(ARRAYS) == {"a-format", "dcase-mic", "em32"}

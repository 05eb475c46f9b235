"""The un-learned direction: exact for plane waves, strong in rooms, and silent about what cannot be known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from salm.acoustics.diffuse import diffuse_noise
from salm.acoustics.render import convolve
from salm.acoustics.room import sample_position, sample_room
from salm.acoustics.srir import simulate
from salm.audio.formats import encode_plane_wave, from_mono, from_stereo
from salm.audio.intensity import (
    UnitIntensity,
    _running_maximum,
    intensity_direction,
    intensity_spread,
    locate_by_intensity,
    onset_weights,
)
from salm.audio.recording import Recording
from salm.audio.rotate import mirror_left_right, yaw
from salm.audio.spectrum import Spectrum, spectrum
from salm.frame import angle_between_deg, unit_vector

RATE_HZ = 24_000
NOISE = (0.1 * np.random.default_rng(4).standard_normal(RATE_HZ // 2)).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(st.floats(-180, 180), st.floats(-90, 90), st.booleans())
def test_plane_waves_are_located_exactly(azimuth_deg: float, elevation_deg: float, onset_weighted: bool) -> None:
    field = encode_plane_wave(NOISE, azimuth_deg, elevation_deg)
    found = intensity_direction(field, RATE_HZ, onset_weighted=onset_weighted)
    assert angle_between_deg(found.vector, unit_vector(azimuth_deg, elevation_deg)) < 0.05
    assert found.confidence == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("samples", [1, 7, 300, 5000])
def test_any_rate_and_length(rate_hz: int, samples: int) -> None:
    found = intensity_direction(encode_plane_wave(NOISE[:samples], 70, -20), rate_hz)
    assert angle_between_deg(found.vector, unit_vector(70, -20)) < 0.1


@pytest.mark.parametrize("gain", [1e-6, 1e-3, 1.0, 1e3])
def test_the_level_has_no_part_in_it(gain: float) -> None:
    field = encode_plane_wave(NOISE, 20, 5) + encode_plane_wave(NOISE[::-1].copy(), -100, 0)
    found = intensity_direction((field * np.float32(gain)).astype(np.float32), RATE_HZ)
    reference = intensity_direction(field, RATE_HZ)
    assert angle_between_deg(found.vector, reference.vector) < 0.01


def test_long_recordings_are_heard_to_their_end() -> None:
    field = np.concatenate(
        [encode_plane_wave(np.tile(NOISE, 45), 90, 0), encode_plane_wave(np.tile(NOISE, 45), -90, 0)], 1
    )
    found = intensity_direction(field, RATE_HZ, onset_weighted=False)
    assert found.confidence < 0.02


def test_in_rooms_onsets_are_nearer_to_the_truth_than_the_plain_mean() -> None:
    rng = np.random.default_rng(11)
    errors = {True: [], False: []}
    click = (np.exp(-np.arange(4800) / 900) * rng.standard_normal(4800)).astype(np.float32)
    dry = np.pad(np.tile(np.pad(click, (0, 7200)), 2), (0, 4800))
    for seed in range(12):
        room = sample_room(rng, rt60_s=(0.4, 1.2))
        place = sample_position(rng, room)
        (wet,) = convolve(dry, simulate(room, np.array([place.in_room(room)]), seed=seed))
        for onset_weighted, angles_deg in errors.items():
            found = intensity_direction(wet, RATE_HZ, onset_weighted=onset_weighted)
            angles_deg.append(float(angle_between_deg(found.vector, unit_vector(*place[:2]))))
    assert np.median(errors[True]) < 2.0
    assert np.mean(errors[True]) < 0.5 * np.mean(errors[False])


def test_a_diffuse_field_is_not_trusted(rng: np.random.Generator) -> None:
    field = rng.standard_normal((4, RATE_HZ)) * np.sqrt([[1], [1 / 3], [1 / 3], [1 / 3]])
    assert intensity_direction(field.astype(np.float32), RATE_HZ).confidence < 0.3
    assert intensity_direction(field.astype(np.float32), RATE_HZ, onset_weighted=False).confidence < 0.05


def test_faint_noise_beside_w_is_not_trusted(rng: np.random.Generator) -> None:
    field = from_mono(NOISE[None]) + (1e-4 * rng.standard_normal((4, len(NOISE)))).astype(np.float32)
    assert intensity_direction(field, RATE_HZ).confidence < 0.05


def test_rotation_and_mirror_carry_over() -> None:
    field = encode_plane_wave(NOISE, 20, 5) + encode_plane_wave(NOISE[::-1].copy(), 130, 40)
    x, y, z = intensity_direction(field, RATE_HZ).vector
    np.testing.assert_allclose(intensity_direction(mirror_left_right(field), RATE_HZ).vector, [x, -y, z], atol=1e-4)
    np.testing.assert_allclose(intensity_direction(yaw(field, 90), RATE_HZ).vector, [-y, x, z], atol=1e-4)


def test_weights_are_their_formula_bin_by_bin(rng: np.random.Generator) -> None:
    """Against the definition: a loop over frames with an explicit decaying peak."""
    field = (rng.standard_normal((4, 12_000)) * np.linspace(0.01, 1, 12_000) ** 2).astype(np.float32)
    found = spectrum(torch.from_numpy(field)[None], n_fft=256, hop=128)
    unit = UnitIntensity.of(found)
    complex_ = found.real[0].double().numpy() + 1j * found.imaginary[0].double().numpy()
    power = np.abs(complex_[0]) ** 2
    intensity = np.real(np.conj(complex_[0]) * complex_[1:])
    directness = np.linalg.norm(intensity, axis=0) / (np.sum(np.abs(complex_) ** 2, axis=0) / 2)
    expected, peak = np.empty_like(power), np.zeros(power.shape[1])
    for frame, now in enumerate(power):
        before = peak * np.exp(-0.02)
        expected[frame] = directness[frame] ** 16 * np.maximum(now - before, 0) ** 0.125
        peak = np.maximum(now, before)
    np.testing.assert_allclose(onset_weights(unit, hop_s=0.02)[0].numpy(), expected, rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize("frames", [1, 2, 3, 7, 8, 9, 64, 251])
def test_the_running_maximum_is_that_of_torch_bit_by_bit(rng: np.random.Generator, frames: int) -> None:
    values = torch.tensor(rng.standard_normal((2, frames, 33)), dtype=torch.float32)
    assert torch.equal(_running_maximum(values), values.cummax(1).values)


def test_spectra_without_sound_have_no_direction_and_no_onsets() -> None:
    unit = UnitIntensity.of(Spectrum(torch.zeros(1, 4, 3, 5), torch.zeros(1, 4, 3, 5)))
    assert not any(part.any() for part in unit)
    assert torch.equal(onset_weights(unit, hop_s=0.02), torch.zeros(1, 3, 5))


@pytest.mark.parametrize(
    ("samples", "reason"),
    [(np.zeros((4, 1000), np.float32), "silent"), (from_mono(NOISE[None]), "hold nothing that W does")],
)
def test_silence_and_w_alone_say_why_there_is_no_direction(samples: np.ndarray, reason: str) -> None:
    found = locate_by_intensity(Recording(samples=samples, rate_hz=RATE_HZ))
    assert (found.azimuth_deg, found.elevation_deg, found.confidence, found.ambiguity) == (None, None, 0.0, "all")
    assert reason in found.reason
    assert not found.vector.any()


def test_mono_has_no_angle() -> None:
    found = locate_by_intensity(Recording(samples=from_mono(NOISE[None]), rate_hz=RATE_HZ, layout="mono"))
    assert (found.azimuth_deg, found.ambiguity) == (None, "all")


def stereo(left: np.ndarray, right: np.ndarray) -> Recording:
    return Recording(samples=from_stereo(np.stack([left, right])), rate_hz=RATE_HZ, layout="stereo")


@pytest.mark.parametrize(
    ("left", "right", "azimuth_deg"), [(1, 0, 90), (0, 1, -90), (1, 1, 0), (0.75, 0.25, 30), (0.25, 0.75, -30)]
)
def test_stereo_has_a_lateral_angle(left: float, right: float, azimuth_deg: float) -> None:
    """sin(angle) = Y / W = (L - R) / (L + R) for one panned source."""
    found = locate_by_intensity(stereo(np.float32(left) * NOISE, np.float32(right) * NOISE))
    assert found.azimuth_deg == pytest.approx(azimuth_deg, abs=1e-3)
    assert (found.elevation_deg, found.ambiguity) == (None, "front-back")
    assert found.confidence == pytest.approx(1.0, abs=1e-6)


def test_wide_stereo_is_not_trusted(rng: np.random.Generator) -> None:
    left, right = (0.1 * rng.standard_normal((2, RATE_HZ))).astype(np.float32)
    assert locate_by_intensity(stereo(left, right)).confidence < 0.6


def test_stereo_that_cancels_says_so() -> None:
    assert "cancel" in locate_by_intensity(stereo(NOISE, -NOISE)).reason


def test_all_onsets_of_a_plane_wave_are_near_its_direction() -> None:
    wave = encode_plane_wave(NOISE, 70.0, -20.0)
    there = intensity_spread(wave, RATE_HZ, unit_vector(70.0, -20.0), within_deg=5.0)
    away = intensity_spread(wave, RATE_HZ, unit_vector(82.0, -20.0), within_deg=5.0)
    assert there.near == pytest.approx(1.0, abs=1e-3)
    assert there.directness == pytest.approx(1.0, abs=1e-3)
    assert away.near < 1e-3
    assert away.bins == there.bins > 100
    louder = intensity_spread(np.float32(1e-4) * wave, RATE_HZ, unit_vector(70.0, -20.0), within_deg=5.0)
    assert louder == pytest.approx(there, rel=1e-3)


def test_fields_without_a_direction_are_near_none_and_tell_each_other_apart(rng: np.random.Generator) -> None:
    """A cap of 10 degrees is 0.8 % of the sphere."""
    front = unit_vector(0.0, 0.0)
    diffuse = intensity_spread(diffuse_noise(rng, 5 * RATE_HZ, rate_hz=RATE_HZ), RATE_HZ, front, within_deg=10.0)
    own = rng.standard_normal((4, 5 * RATE_HZ), dtype=np.float32)
    sensor = intensity_spread(own, RATE_HZ, front, within_deg=10.0)
    for field in (diffuse, sensor):
        assert 0.001 < field.near < 0.03
    assert sensor.directness == pytest.approx(0.5, abs=0.01)
    assert diffuse.directness == pytest.approx(0.57, abs=0.015)


def test_silence_is_spread_nowhere() -> None:
    assert intensity_spread(np.zeros((4, 1000), np.float32), RATE_HZ, unit_vector(0.0, 0.0), within_deg=10.0) == (
        0,
        0,
        0,
    )


def test_silence_around_a_sound_does_not_make_it_less_direct() -> None:
    wave = np.pad(encode_plane_wave(NOISE, 0.0), ((0, 0), (0, 5 * len(NOISE))))
    assert intensity_spread(wave, RATE_HZ, unit_vector(0.0, 0.0), within_deg=10.0).directness > 0.95


@pytest.mark.parametrize(("level_db", "known"), [(-30, False), (-15, True)])
def test_too_little_beside_w_is_no_direction(rng: np.random.Generator, level_db: float, known: bool) -> None:
    noise = rng.standard_normal((4, len(NOISE)), dtype=np.float32) * np.sqrt(np.mean(NOISE**2)) * 10 ** (level_db / 20)
    noise[0] = 0
    found = locate_by_intensity(Recording(samples=from_mono(NOISE[None]) + noise, rate_hz=RATE_HZ))
    assert (found.ambiguity is None) == known
    assert known or "next to nothing" in str(found.reason)

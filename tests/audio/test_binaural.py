"""Headphone preview: what a head does to plane waves, and the measured head itself where it is at hand."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from salm.audio import binaural
from salm.audio.binaural import to_binaural
from salm.audio.formats import encode_plane_wave
from salm.audio.rotate import mirror_left_right
from salm.errors import InputError
from salm.frame import unit_vector

RATE_HZ = 48_000
PHASE_UP_TO_HZ = 1500.0
"""Below, the filters were fitted in phase as well."""


def noise(rng: np.random.Generator, *, duration_s: float = 0.5, pink: bool = False) -> np.ndarray:
    """Quiet noise between 100 Hz and 16 kHz, white or with the same power in every octave."""
    time = round(duration_s * RATE_HZ)
    frequency_hz = np.fft.rfftfreq(time, 1 / RATE_HZ)
    shape = (frequency_hz > 100) & (frequency_hz < 16_000)
    spectrum = np.fft.rfft(rng.standard_normal(time)) * shape
    if pink:
        spectrum /= np.sqrt(np.maximum(frequency_hz, 1.0))
    signal = np.fft.irfft(spectrum, time)
    return (0.05 * signal / np.sqrt(np.mean(signal**2))).astype(np.float32)


def impulse_at(azimuth_deg: float, elevation_deg: float = 0.0) -> np.ndarray:
    """Responses of both ears to an impulse after 10 ms."""
    impulse = np.zeros(2048, np.float32)
    impulse[RATE_HZ // 100] = 0.25
    return 4 * to_binaural(encode_plane_wave(impulse, azimuth_deg, elevation_deg), RATE_HZ)


def band_energy(responses: np.ndarray, low_hz: float, high_hz: float, rate_hz: float = RATE_HZ) -> np.ndarray:
    n_fft = 1 << 14
    frequency_hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)
    band = (frequency_hz >= low_hz) & (frequency_hz < high_hz)
    return np.sum(np.abs(np.fft.rfft(responses, n_fft)[..., band]) ** 2, axis=-1) * rate_hz / n_fft


def level_difference_db(ears: np.ndarray, low_hz: float, high_hz: float, rate_hz: float = RATE_HZ) -> float:
    """Interaural level difference, above 0 if the left ear is louder."""
    left, right = band_energy(ears, low_hz, high_hz, rate_hz)
    return float(10 * np.log10(left / right))


def time_difference_ms(ears: np.ndarray, high_hz: float, rate_hz: float = RATE_HZ) -> float:
    """Interaural time difference by the peak of the cross-correlation, above 0 if the left ear is earlier."""
    finer, n_fft = 16, 1 << 15
    frequency_hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)
    left, right = np.fft.rfft(ears, n_fft)
    cross = np.where((frequency_hz > 100) & (frequency_hz < high_hz), left.conj() * right, 0)
    correlation = np.fft.irfft(cross, n_fft * finer)
    lag = int(np.argmax(correlation))
    return 1000 * (lag if lag < n_fft * finer // 2 else lag - n_fft * finer) / (finer * rate_hz)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sound_from_the_side_is_louder_and_earlier_at_the_near_ear(rng: np.random.Generator, sign: int) -> None:
    ears = to_binaural(encode_plane_wave(noise(rng), sign * 90.0), RATE_HZ)
    assert 4 < sign * level_difference_db(ears, 100, 16_000) < 20
    # A head is 0.7 ms across the way sound takes; one order keeps over half of that.
    assert 0.3 < sign * time_difference_ms(ears, PHASE_UP_TO_HZ) < 0.9


def test_both_ears_hear_the_same_from_front_above_and_below() -> None:
    for elevation_deg in (0.0, 40.0, 90.0, -90.0):
        left, right = impulse_at(0, elevation_deg)
        assert left == pytest.approx(right, abs=1e-6)
    left, right = impulse_at(0)
    assert np.array_equal(left, right)


@given(seed=st.integers(0, 2**32 - 1), time=st.integers(1, 3000))
@settings(max_examples=20, deadline=None)
def test_mirroring_the_field_exchanges_the_ears_exactly(seed: int, time: int) -> None:
    field = np.random.default_rng(seed).standard_normal((4, time)).astype(np.float32)
    mirrored = to_binaural(mirror_left_right(field), RATE_HZ)
    assert np.array_equal(mirrored, to_binaural(field, RATE_HZ)[::-1])


def test_loudness_hardly_depends_on_the_direction(rng: np.random.Generator) -> None:
    # From behind the ears shade themselves: KEMAR is 3 dB louder from the side than from the back.
    signal = noise(rng, pink=True)
    for azimuth_deg in (0, 90, 180, -90):
        ears = to_binaural(encode_plane_wave(signal, azimuth_deg), RATE_HZ)
        assert 10 * np.log10(np.mean(ears**2) / np.mean(signal**2)) == pytest.approx(0, abs=3)


def test_a_diffuse_field_keeps_its_level_in_every_octave() -> None:
    # Plane waves without relation to each other add in energy; a spiral spreads them evenly over the sphere.
    count = 100
    height = 1 - (2 * np.arange(count) + 1) / count
    azimuth_deg, elevation_deg = np.arange(count) * 137.50776, np.rad2deg(np.arcsin(height))
    every = np.stack([impulse_at(*angles) for angles in zip(azimuth_deg, elevation_deg, strict=True)])
    for centre_hz in (125, 250, 500, 1000, 2000, 4000, 8000):
        low_hz, high_hz = centre_hz / np.sqrt(2), centre_hz * np.sqrt(2)
        level = band_energy(every, low_hz, high_hz).mean() / (high_hz - low_hz)
        assert 10 * np.log10(level) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000, 96_000])
def test_it_is_in_time_with_the_recording(rate_hz: int) -> None:
    impulse = np.zeros(rate_hz // 10, np.float32)
    impulse[rate_hz // 20] = 0.5
    both = to_binaural(encode_plane_wave(impulse, 0), rate_hz).sum(axis=0)
    assert int(np.argmax(both)) == rate_hz // 20


def test_rates_agree(rng: np.random.Generator) -> None:
    slow = np.stack([soxr.resample(soxr.resample(noise(rng), RATE_HZ, 20_000), 20_000, RATE_HZ) for _ in range(4)])
    at_48 = to_binaural(slow, RATE_HZ)
    at_24 = to_binaural(np.ascontiguousarray(soxr.resample(slow.T, RATE_HZ, 24_000).T), 24_000)
    expected = soxr.resample(at_48.T, RATE_HZ, 24_000).T
    # 40 dB down, where the resampler's own filter begins to act.
    assert np.linalg.norm(at_24 - expected) < 0.01 * np.linalg.norm(expected)


def test_sounds_add(rng: np.random.Generator) -> None:
    one, two = (0.05 * rng.standard_normal((4, 5000)).astype(np.float32) for _ in range(2))
    both = to_binaural(0.5 * one - 2 * two, RATE_HZ)
    assert both == pytest.approx(0.5 * to_binaural(one, RATE_HZ) - 2 * to_binaural(two, RATE_HZ), abs=1e-6)


@pytest.mark.parametrize("time", [0, 1, 100, 5000])
def test_silence_of_any_length_stays_as_it_is(time: int) -> None:
    ears = to_binaural(np.zeros((4, time), np.float32), 24_000)
    assert ears.shape == (2, time)
    assert ears.dtype == np.float32
    assert not ears.any()


def test_what_would_clip_is_scaled_down_and_keeps_the_balance_of_the_ears(rng: np.random.Generator) -> None:
    quiet = encode_plane_wave(noise(rng), 60)
    loud = to_binaural(100 * quiet, RATE_HZ)
    assert np.abs(loud).max() == 1.0
    expected = to_binaural(quiet, RATE_HZ)
    assert loud == pytest.approx(expected / np.abs(expected).max(), abs=1e-5)


def measured_ears(shared_dir: Path, azimuth_deg: float) -> tuple[np.ndarray, float]:
    """KEMAR's two responses to a direction on the horizon, and their rate."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(shared_dir / "models" / "MIT_KEMAR_normal_pinna.sofa") as file:
        place = file["SourcePosition"][:]
        level = np.flatnonzero(np.abs(place[:, 1]) < 0.1)
        turned = np.abs((place[level, 0] - azimuth_deg + 180) % 360 - 180)
        return file["Data.IR"][level[np.argmin(turned)]], float(file["Data.SamplingRate"][0])


@pytest.mark.parametrize("azimuth_deg", range(-135, 181, 45))
def test_the_ears_differ_as_those_of_the_measured_head(shared_dir: Path, azimuth_deg: int) -> None:
    measured, rate_hz = measured_ears(shared_dir, azimuth_deg)
    ears = impulse_at(azimuth_deg)
    # Up to 600 Hz a head is smaller than a wave, which one order can follow.
    low_db = level_difference_db(measured, 150, 600, rate_hz)
    assert level_difference_db(ears, 150, 600) == pytest.approx(low_db, abs=1.5)
    assert time_difference_ms(ears, 600) == pytest.approx(time_difference_ms(measured, 600, rate_hz), abs=0.15)
    # Above, the level at the far ear rises and falls with the angle faster than one order can: least squares leaves
    # 30 % of the energy at 1 kHz and 54 % at 1.4 kHz, which makes 4 dB.
    high_db = level_difference_db(measured, 150, PHASE_UP_TO_HZ, rate_hz)
    assert level_difference_db(ears, 150, PHASE_UP_TO_HZ) == pytest.approx(high_db, abs=4)


@pytest.mark.parametrize("azimuth_deg", [0, 90, 180])
def test_directions_are_as_loud_as_for_the_measured_head(shared_dir: Path, azimuth_deg: int) -> None:
    # Relative to the mean of four directions, which takes the loudspeaker out; octaves count alike, as in pink noise.
    def octaves_db(ears: np.ndarray, rate_hz: float) -> np.ndarray:
        return np.array([band_energy(ears, c / 2**0.5, c * 2**0.5, rate_hz).sum() for c in 125.0 * 2 ** np.arange(7)])

    def relative_db(all_ears: list[tuple[np.ndarray, float]]) -> float:
        energy = np.array([octaves_db(ears, rate_hz) for ears, rate_hz in all_ears])
        return float(10 * np.log10((energy[0] / energy[1:].mean(axis=0)).mean()))

    around = (0, 90, 180, -90)
    rendered = relative_db([(impulse_at(a), RATE_HZ) for a in (azimuth_deg, *around)])
    measured = relative_db([measured_ears(shared_dir, a) for a in (azimuth_deg, *around)])
    assert rendered == pytest.approx(measured, abs=1.5)


def fitting_tool() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "tools" / "fit_binaural.py"
    spec = importlib.util.spec_from_file_location("fit_binaural", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_filters_are_what_the_tool_makes_of_the_measurement(
    shared_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("h5py")
    tool, made = fitting_tool(), tmp_path / "made.safetensors"
    sofa = shared_dir / "models" / "MIT_KEMAR_normal_pinna.sofa"
    monkeypatch.setattr("sys.argv", ["fit_binaural.py", str(sofa), str(made)])
    tool.main()
    kept = binaural.load_file(binaural._FILTERS)
    for name, values in binaural.load_file(made).items():
        assert values == pytest.approx(kept[name], abs=1e-5)


def test_the_tool_weighs_directions_by_their_share_of_the_measured_sphere() -> None:
    tool = fitting_tool()
    rings = [(elevation_deg, 36) for elevation_deg in range(-40, 90, 10)] + [(90, 1)]
    angles = [(360 * i / n, elevation_deg) for elevation_deg, n in rings for i in range(n)]
    azimuth_deg, elevation_deg = np.array(angles, float).T
    weights = tool.ring_weights(elevation_deg)
    x, y, z = unit_vector(azimuth_deg, elevation_deg).T
    # Over a sphere from z = s up, z is spread evenly (Archimedes), and x^2 has half of what z^2 leaves of 1.
    s = -np.sqrt(0.5)
    z_squared = (1 + s + s**2) / 3
    means = [1, (1 + s) / 2, z_squared, (1 - z_squared) / 2, 0]
    found = [np.sum(weights * part) for part in (np.ones_like(x), z, z**2, x**2, x * y)]
    assert found == pytest.approx(means, abs=0.005)


def test_the_tool_says_in_a_line_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(SystemExit, match="pip install h5py"):
        fitting_tool().read_measurement(Path("any.sofa"))


def test_a_rate_below_what_the_filters_hold_is_refused() -> None:
    with pytest.raises(InputError, match="at 3 Hz there is no preview for headphones; 100 Hz is the least"):
        to_binaural(np.zeros((4, 5), np.float32), 3)

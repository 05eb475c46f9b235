"""Feature golden values (reference implementation executed once) and physics of the intensity channels."""

import numpy as np
import pytest
import torch

from salm.audio.features import FLOOR_DB, LogMelIntensity, mel_filters

RATE_HZ = 24_000


def plane_wave(azimuth_deg: float, elevation_deg: float, signal: np.ndarray) -> torch.Tensor:
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    gains = [1.0, np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)]
    return torch.tensor(np.outer(gains, signal), dtype=torch.float32)[None]


def test_mel_filters_have_the_golden_sums() -> None:
    filters = mel_filters(rate_hz=RATE_HZ, n_fft=1024, mel_bins=64, high_hz=12_000)
    assert filters.shape == (513, 64)
    assert filters.sum().item() == pytest.approx(2.7300, abs=5e-5)
    assert filters.max().item() == pytest.approx(0.024876, abs=5e-7)
    columns = filters.sum(0)
    assert columns[[0, 31, 63]].tolist() == pytest.approx([0.042372, 0.042453, 0.042654], abs=5e-7)
    assert filters.argmax(0)[[0, 31, 63]].tolist() == [2, 96, 489]
    non_zero = (filters > 0).sum(0)
    assert (int(non_zero.min()), int(non_zero.max())) == (3, 46)


def test_a_sine_peaks_in_band_18_at_the_golden_level() -> None:
    sine = np.sin(2 * np.pi * 1000 * np.arange(10 * RATE_HZ) / RATE_HZ)
    frontend = LogMelIntensity(rate_hz=RATE_HZ)
    assert frontend.intensity(plane_wave(0, 0, sine)).power.shape == (1, 4, 1001, 513)
    features = frontend(plane_wave(0, 0, sine))
    assert features.shape == (1, 7, 1001, 64)
    middle = features[0, 0, 500]
    assert int(middle.argmax()) == 18
    assert middle.max().item() == pytest.approx(28.64, abs=5e-3)


def test_silence_is_at_the_floor_and_has_no_direction() -> None:
    features = LogMelIntensity()(torch.zeros(1, 4, RATE_HZ))
    assert FLOOR_DB == -100.0
    assert torch.all(features[:, :4] == FLOOR_DB)
    assert torch.all(features[:, 4:] == 0)


def test_a_plane_wave_points_to_its_source(rng: np.random.Generator) -> None:
    frontend, wave = LogMelIntensity(), plane_wave(45, 30, rng.standard_normal(RATE_HZ))
    assert frontend.intensity(wave).vectors[0, :, 50, 96].tolist() == pytest.approx([0.612, 0.500, 0.612], abs=5e-4)
    assert frontend(wave)[0, 4:, 50, 31].tolist() == pytest.approx([0.0260, 0.0212, 0.0260], abs=5e-5)


@pytest.mark.parametrize(("azimuth", "elevation", "channel"), [(90, 0, 4), (0, 90, 5), (0, 0, 6)])
def test_each_axis_lights_its_own_channel(
    rng: np.random.Generator, azimuth: float, elevation: float, channel: int
) -> None:
    intensity = LogMelIntensity()(plane_wave(azimuth, elevation, rng.standard_normal(RATE_HZ)))[0, 4:, :, 20]
    others = [c for c in range(3) if c != channel - 4]
    assert intensity[channel - 4].min() > 0.04
    assert intensity[others].abs().max() < 1e-6


def test_agrees_with_torch_stft(rng: np.random.Generator) -> None:
    foa = torch.tensor(rng.standard_normal((2, 4, 5000)), dtype=torch.float32)
    extractor = LogMelIntensity(hop=480)
    stft = torch.stft(foa.flatten(0, 1), 1024, 480, window=torch.hann_window(1024), return_complex=True, center=True)
    power = stft.abs().square().unflatten(0, (2, 4)).transpose(-1, -2)
    expected = 10 * torch.log10((power @ mel_filters(rate_hz=RATE_HZ, n_fft=1024, mel_bins=64)).clamp(min=1e-10))
    torch.testing.assert_close(extractor(foa)[:, :4], expected, atol=1e-3, rtol=1e-5)


def test_too_short_a_signal_is_refused() -> None:
    with pytest.raises(ValueError, match="512 samples but its spectrum needs over 512"):
        LogMelIntensity()(torch.zeros(1, 4, 512))

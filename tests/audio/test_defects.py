"""Defects, each in a signal that has no other."""

import numpy as np
import pytest

from salm.audio.defects import find_defects


def noise(channels: int = 4) -> np.ndarray:
    return (0.1 * np.random.default_rng(3).standard_normal((channels, 24_000))).astype(np.float32)


def kinds(samples: np.ndarray) -> list[str]:
    return [defect.kind for defect in find_defects(samples.astype(np.float32))]


def test_sound_channels_have_no_defects() -> None:
    assert kinds(noise()) == []


def test_silence_is_one_defect() -> None:
    assert kinds(np.zeros((4, 100))) == ["silent"]


def test_a_dead_channel_is_named() -> None:
    samples = noise()
    samples[2] = 0
    (defect,) = find_defects(samples)
    assert defect.text.startswith("Channel 3 is dead")


def test_identical_channels_are_named_and_scaled_ones_are_not() -> None:
    samples = noise()
    samples[3] = samples[1]
    (defect,) = find_defects(samples)
    assert defect.text.endswith("2 and 4.")
    samples[3] = samples[1] / 2
    assert kinds(samples) == []


def test_clipping_counts_runs_and_not_single_peaks() -> None:
    samples = noise()
    samples[0, 10] = 1.0
    samples[1, 20:22] = -1.0
    assert kinds(samples) == []
    samples[2, 30:37] = 1.0
    (defect,) = find_defects(samples)
    assert "7 samples" in defect.text


def test_an_offset_is_told_from_a_rumble() -> None:
    assert kinds(noise() + 0.03) == ["offset"]
    rumble = 0.2 * np.sin(2 * np.pi * 0.7 * np.arange(24_000) / 24_000)
    assert abs(rumble.mean()) > 0.03
    assert kinds(noise() + np.array([1, -1, 1, 1])[:, None] * (rumble - 0.1)) == []


@pytest.mark.parametrize(("gain", "found"), [(1e-2, []), (1e-4, ["faint"])])
def test_a_faint_level(gain: float, found: list[str]) -> None:
    assert kinds(noise() * gain) == found

"""Diffuse fields by what makes them diffuse: isotropy, and no direction."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.signal

from salm.acoustics.diffuse import diffuse_noise, diffuse_sound
from salm.errors import InputError

SAMPLES = 240_000
Field = Callable[[int], np.ndarray]


def noise(seed: int) -> np.ndarray:
    return diffuse_noise(np.random.default_rng(seed), SAMPLES)


def rain(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return diffuse_sound(rng.standard_normal(100_000, dtype=np.float32), rng, SAMPLES)


@pytest.mark.parametrize("field", [noise, rain])
@pytest.mark.parametrize("seed", range(3))
def test_it_comes_from_everywhere_alike(field: Field, seed: int) -> None:
    # Two octaves and not the lowest ones, which vary too slowly for a mean over ten seconds.
    band = scipy.signal.butter(4, (500, 8000), "bandpass", fs=24_000, output="sos")
    samples = scipy.signal.sosfilt(band, field(seed).astype(np.float64))
    covariance = samples @ samples.T / np.mean(np.square(samples[0])) / SAMPLES
    np.testing.assert_allclose(np.diag(covariance), [1, 1 / 3, 1 / 3, 1 / 3], rtol=0.06)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 0.05


def test_pink_noise_falls_by_3_db_an_octave() -> None:
    hertz, power = scipy.signal.welch(noise(0)[0], 24_000, nperseg=4096)
    octaves = [power[(hertz >= low) & (hertz < 2 * low)].mean() for low in (125, 250, 500, 1000, 2000, 4000)]
    np.testing.assert_allclose(10 * np.log10(octaves), 10 * np.log10(octaves[0]) - 3.01 * np.arange(6), atol=0.5)


def test_w_has_the_energy_of_the_sound() -> None:
    rng = np.random.default_rng(0)
    sound = 0.2 * rng.standard_normal(100_000, dtype=np.float32)
    assert np.std(diffuse_sound(sound, rng, SAMPLES)[0]) == pytest.approx(0.2, rel=0.02)
    assert np.std(noise(0)[0]) == pytest.approx(1.0, rel=0.1)


def test_where_a_sound_ends_it_goes_on_without_a_click() -> None:
    """A tone whose ends do not fit would jump by up to twice its amplitude."""
    tone = np.sin(2 * np.pi * 203.3 * np.arange(24_000) / 24_000).astype(np.float32)
    field = diffuse_sound(tone, np.random.default_rng(0), SAMPLES)
    steepest = 2 * np.pi * 203.3 / 24_000 * np.sqrt(20)
    assert np.abs(np.diff(field[0])).max() < 1.5 * steepest


def test_the_same_generator_gives_the_same_field() -> None:
    np.testing.assert_array_equal(rain(4), rain(4))
    np.testing.assert_array_equal(noise(4), noise(4))


@pytest.mark.parametrize("samples", [1, 2, 5])
def test_the_shortest_sounds_fill_a_field(samples: int) -> None:
    field = diffuse_sound(np.ones(samples, np.float32), np.random.default_rng(0), 100)
    assert field.shape == (4, 100)
    assert np.isfinite(field).all()


def test_an_empty_sound_is_refused() -> None:
    with pytest.raises(InputError, match="an empty sound"):
        diffuse_sound(np.zeros(0, np.float32), np.random.default_rng(0), 100)

"""Noise of microphones: white, independent, and the same for the same generator."""

import numpy as np
import pytest
from scipy.stats import kstest

from salm.acoustics.noise import _POOL, white_noise


def test_it_is_normal_white_and_independent() -> None:
    noise = white_noise(np.random.default_rng(0), 4, 120_000)
    for channel in noise:
        assert kstest(channel[::7], "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(noise) - np.eye(4)).max() < 5 / np.sqrt(120_000)
    power = np.square(np.abs(np.fft.rfft(noise[:, :-1])))[:, 1:]
    bands = power[:, : power.shape[1] // 10 * 10].reshape(4, 10, -1).mean(axis=2)
    np.testing.assert_allclose(bands / 120_000, 1, atol=0.06)


def test_the_same_generator_gives_the_same_noise_and_another_other() -> None:
    first, again, other = (white_noise(np.random.default_rng(seed), 2, 1000) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first[0], other[0])[0, 1]) < 0.2


@pytest.mark.parametrize("samples", [0, 1, _POOL + 5])
def test_any_length_is_filled(samples: int) -> None:
    noise = white_noise(np.random.default_rng(3), 1, samples)
    assert noise.shape == (1, samples)
    assert np.isfinite(noise).all()
    if samples > _POOL:
        np.testing.assert_array_equal(noise[0, :5], noise[0, _POOL:])

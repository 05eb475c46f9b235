"""The true peak: against tones whose peak is known, and against another resampler."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from salm.audio.peak import true_peak_db


@pytest.mark.parametrize("rate_hz", [8_000, 24_000, 48_000, 96_000])
@pytest.mark.parametrize("phase_deg", [0, 30, 45])
def test_a_tone_has_the_peak_of_its_wave(rate_hz: int, phase_deg: float) -> None:
    """At a quarter of the rate and 45 degrees of phase no sample comes within 3 dB of the peak.

    At four times the rate one comes within 11.25 degrees of it, which is 0.17 dB.
    """
    time = np.arange(rate_hz)
    fade = np.minimum(1, np.minimum(time, time[::-1]) / 500)
    tone = 0.5 * fade * np.sin(np.pi / 2 * time + np.deg2rad(phase_deg))
    assert -6.02 - 0.18 < true_peak_db(tone[None].astype(np.float32), rate_hz) < -6.02 + 0.01


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000), st.integers(1, 200_000))
def test_as_another_resampler_has_it_and_never_below_the_samples(seed: int, time: int) -> None:
    rng = np.random.default_rng(seed)
    smooth = np.convolve(rng.standard_normal(time), np.hanning(9) / 4, "same").astype(np.float32)
    found = 10 ** (true_peak_db(smooth[None], 48_000) / 20)
    assert found >= np.abs(smooth).max()
    assert found == pytest.approx(max(np.abs(smooth).max(), np.abs(resample_poly(smooth, 4, 1)).max()), rel=0.02)


def test_the_loudest_channel_counts_and_silence_has_none() -> None:
    pair = np.zeros((2, 100), np.float32)
    assert true_peak_db(pair, 48_000) == -np.inf
    pair[1, 50] = -0.5
    assert true_peak_db(pair, 48_000) == pytest.approx(-6.02, abs=0.3)

"""Windows of recordings, by hand at the lengths that go wrong elsewhere: a window is 10 s, a sample 0.1 s."""

import numpy as np
import pytest

from salm.audio.window import fit_to_window, windows

WINDOW = 100


def ramp(samples: int) -> np.ndarray:
    """Four channels that say which sample of the recording each is."""
    return np.stack([np.arange(samples) + 1000 * channel for channel in range(4)]).astype(np.float32)


def fitted(samples: int, seed: int = 0) -> np.ndarray:
    return fit_to_window(ramp(samples), WINDOW, rng=np.random.default_rng(seed))


def test_a_clip_of_0_3_s_is_repeated_33_times_and_padded() -> None:
    window = fitted(3)
    assert window.shape == (4, WINDOW)
    np.testing.assert_array_equal(window[1, :99], np.tile([1000, 1001, 1002], 33))
    np.testing.assert_array_equal(window[:, 99:], 0)


def test_a_clip_of_3_3_s_is_repeated_3_times_and_padded() -> None:
    window = fitted(33)
    np.testing.assert_array_equal(window[0, :99], np.tile(np.arange(33), 3))
    np.testing.assert_array_equal(window[:, 99:], 0)


def test_a_clip_of_6_s_is_not_repeated() -> None:
    window = fitted(60)
    np.testing.assert_array_equal(window[0, :60], np.arange(60))
    np.testing.assert_array_equal(window[:, 60:], 0)


def test_a_clip_of_10_s_stays_as_it_is() -> None:
    np.testing.assert_array_equal(fitted(100), ramp(100))


def test_a_clip_of_22_5_s_is_cropped_at_random_by_seed() -> None:
    starts = {int(fitted(225, seed)[0, 0]) for seed in range(200)}
    for seed in range(3):
        window = fitted(225, seed)
        np.testing.assert_array_equal(window, fitted(225, seed))
        np.testing.assert_array_equal(window - window[:, :1], ramp(100) - ramp(100)[:, :1])
    assert len(starts) > 60
    assert 0 <= min(starts) < 10
    assert 115 < max(starts) <= 125


@pytest.mark.parametrize(
    ("samples", "spans"),
    [
        (3, [(0, 3)]),
        (33, [(0, 33)]),
        (100, [(0, 100)]),
        (101, [(0, 100), (1, 101)]),
        (200, [(0, 100), (100, 200)]),
        (225, [(0, 100), (100, 200), (125, 225)]),
    ],
)
def test_inference_covers_every_sample(samples: int, spans: list[tuple[int, int]]) -> None:
    cut = windows(ramp(samples), WINDOW)
    assert [(window.start, window.stop) for window in cut] == spans
    for window in cut:
        assert window.samples.shape == (4, WINDOW)
        span = window.stop - window.start
        np.testing.assert_array_equal(window.samples[:, :span], ramp(samples)[:, window.start : window.stop])


def test_short_recordings_fill_the_window_as_in_training() -> None:
    (only,) = windows(ramp(33), WINDOW)
    np.testing.assert_array_equal(only.samples, fitted(33))

"""The map of directions shows sounds where and when they are."""

from collections.abc import Callable

import numpy as np
import pytest

from salm.audio.recording import Recording
from salm.web.directions import COLUMNS, FLOOR_DB, direction_map

RATE_HZ = 24_000


def of(samples: np.ndarray, layout: str = "foa") -> dict | None:
    return direction_map(Recording(samples=samples, rate_hz=RATE_HZ, layout=layout))


@pytest.mark.parametrize("azimuth_deg", [0.0, 40.0, 90.0, 180.0, -175.0, -90.0, -5.0])
def test_a_plane_wave_is_in_its_row(wave: Callable[..., np.ndarray], azimuth_deg: float) -> None:
    found = of(wave(azimuth_deg, 20.0))
    rows = np.argmax(found["level_db"], axis=1)
    assert {found["azimuths_deg"][row] for row in rows} == {azimuth_deg}


def test_sounds_are_in_their_columns(wave: Callable[..., np.ndarray]) -> None:
    found = of(np.concatenate([wave(90.0, seconds=7.0), 0 * wave(0.0, seconds=7.0), wave(-90.0, seconds=7.0)], axis=1))
    levels = np.array(found["level_db"])
    assert len(levels) * found["step_s"] == pytest.approx(21.0, abs=found["step_s"])
    assert len(levels) <= COLUMNS + 1
    times_s = (np.arange(len(levels)) + 0.5) * found["step_s"]
    loud = {row: times_s[levels[:, found["azimuths_deg"].index(row)] > -20] for row in (90.0, -90.0)}
    assert loud[90.0].max() < 7.1
    assert loud[-90.0].min() > 13.9
    assert (levels[(times_s > 7.2) & (times_s < 13.8)] == FLOOR_DB).all()


def test_power_is_in_decibels(wave: Callable[..., np.ndarray]) -> None:
    levels = np.array(of(np.concatenate([wave(90.0), 0.1 * wave(90.0)], axis=1))["level_db"]).max(axis=1)
    half = len(levels) // 2
    assert np.median(levels[:half]) - np.median(levels[half:]) == pytest.approx(20.0, abs=1.0)


def test_silence_has_no_level_and_fewer_channels_no_map() -> None:
    silence = np.zeros((4, 100), np.float32)
    assert set(np.unique(of(silence)["level_db"])) == {FLOOR_DB}
    assert of(silence, "stereo") is None
    assert of(silence, "mono") is None

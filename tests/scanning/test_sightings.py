"""Sightings against plane waves, whose directions are known, and noise, which has none."""

import numpy as np
import pytest

from salm.acoustics.diffuse import diffuse_noise
from salm.audio.formats import encode_plane_wave, from_mono, from_stereo
from salm.frame import angle_between_deg, unit_vector
from salm.scanning import sightings
from salm.scanning.sightings import Sightings, Tick

RATE_HZ = 24_000


def ticks_of(samples: np.ndarray, layout: str = "foa", block: int = 10**9) -> list[Tick]:
    listener = Sightings(rate_hz=RATE_HZ, layout=layout)
    blocks = (samples[:, start : start + block] for start in range(0, samples.shape[1], block))
    return [*(tick for part in blocks for tick in listener.of(part)), *listener.rest()]


def noise(rng: np.random.Generator, seconds: float) -> np.ndarray:
    return (0.1 * rng.standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


@pytest.mark.parametrize("direction", [(0, 0), (90, 0), (180, -30), (-135, 60), (7, 88), (-50, -90)])
def test_a_plane_wave_is_seen_where_it_comes_from(rng: np.random.Generator, direction: tuple[float, float]) -> None:
    ticks = ticks_of(encode_plane_wave(noise(rng, 2), *direction))
    assert len(ticks) == 20
    for tick in ticks:
        (seen,) = tick.sightings
        assert float(angle_between_deg(seen.vector, unit_vector(*direction))) < 0.1
        assert seen.share == pytest.approx(1, abs=1e-6)
        assert tick.level_db == pytest.approx(-20, abs=1)


def test_two_waves_in_bands_of_their_own_are_two_sightings(rng: np.random.Generator) -> None:
    spectrum = np.fft.rfft(noise(rng, 2))
    low = np.arange(len(spectrum)) < len(spectrum) / 2
    waves = (np.fft.irfft(spectrum * part).astype(np.float32) for part in (low, ~low))
    places = (60.0, 10.0), (-100.0, -20.0)
    ticks = ticks_of(np.sum([encode_plane_wave(wave, *place) for wave, place in zip(waves, places, strict=True)], 0))
    for tick in ticks[1:-1]:
        for place in places:
            nearest = min(float(angle_between_deg(seen.vector, unit_vector(*place))) for seen in tick.sightings)
            assert nearest < 3


@pytest.mark.parametrize("block", [777, 24_000, 130_001])
def test_ticks_do_not_depend_on_blocks(rng: np.random.Generator, block: int) -> None:
    samples = encode_plane_wave(noise(rng, 12.34), 30, 0) + 0.05 * rng.standard_normal((4, 296_160)).astype(np.float32)
    for one, other in zip(ticks_of(samples), ticks_of(samples, block=block), strict=True):
        assert one.level_db == other.level_db
        assert [s.share for s in one.sightings] == [s.share for s in other.sightings]
        np.testing.assert_array_equal([s.vector for s in one.sightings], [s.vector for s in other.sightings])


def test_peaks_are_remembered_from_piece_to_piece(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one piece the onset weights of `salm.audio.intensity` see everything that came before."""
    swell = np.repeat(rng.uniform(0.01, 1, 100), RATE_HZ // 10).astype(np.float32)
    samples = encode_plane_wave(noise(rng, 10) * swell, 30, 0)
    samples += encode_plane_wave(noise(rng, 10) * swell[::-1], -80, 20)
    pieces = ticks_of(samples)
    monkeypatch.setattr(sightings, "_TICKS_A_PIECE", 1000)
    for tick, expected in zip(pieces, ticks_of(samples), strict=True):
        assert len(tick.sightings) == len(expected.sightings)
        for seen, whole in zip(tick.sightings, expected.sightings, strict=True):
            assert seen.share == pytest.approx(whole.share, rel=1e-3)
            assert float(angle_between_deg(seen.vector, whole.vector)) < 0.1


def test_noise_from_everywhere_seldom_looks_like_a_place(rng: np.random.Generator) -> None:
    diffuse = 0.01 * diffuse_noise(rng, 30 * RATE_HZ)
    sensor = (0.01 * rng.standard_normal((4, 30 * RATE_HZ))).astype(np.float32)
    for samples in (diffuse, sensor):
        excess = [s.share / s.by_chance for tick in ticks_of(samples) for s in tick.sightings]
        assert max(excess, default=0) < 2.5


def test_silence_has_no_places_and_a_level_that_is_a_number() -> None:
    ticks = ticks_of(np.zeros((4, RATE_HZ + 1), np.float32))
    assert len(ticks) == 11
    assert all(tick.sightings == () and tick.level_db < -200 for tick in ticks)


@pytest.mark.parametrize("layout", ["stereo", "mono"])
def test_fewer_channels_have_levels_and_no_places(rng: np.random.Generator, layout: str) -> None:
    sound = noise(rng, 1)
    ticks = ticks_of(
        from_stereo(np.stack([sound, 0 * sound])) if layout == "stereo" else from_mono(sound[None]), layout
    )
    assert {tuple(seen.vector) for tick in ticks for seen in tick.sightings} == {(1.0, 0.0, 0.0)}
    assert [len(tick.sightings) for tick in ticks] == [1] * 10
    assert np.mean([tick.level_db for tick in ticks]) == pytest.approx(-26 if layout == "stereo" else -20, abs=0.5)

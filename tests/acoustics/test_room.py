import json

import numpy as np
import pytest

from salm.acoustics._bands import air_attenuation, band_weights
from salm.acoustics.room import SURFACES, Room, anechoic, sample_position, sample_room
from salm.errors import InputError
from salm.frame import angle_between_deg, azimuth_elevation, unit_vector


def uniform_room(**changes: object) -> Room:
    return Room(
        **{"size_m": (8.0, 6.0, 3.0), "absorption": [[0.3] * 8] * 6, "microphone_m": (4.0, 3.0, 1.5), **changes}
    )


def test_air_attenuation_equals_the_published_table():
    # ISO 9613-2, table 2: 20 degrees, 70 % humidity, dB per km at the exact octave midbands 63 Hz to 8 kHz.
    published = [0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6]
    midbands_hz = 1000 * 10 ** (0.3 * np.arange(-4, 4))
    decibels = 8685.89 * air_attenuation(midbands_hz, humidity_percent=70.0)
    np.testing.assert_allclose(decibels, published, rtol=0.005, atol=0.05)


def test_bands_sum_to_one_and_peak_at_their_centres():
    frequencies = np.linspace(0, 12_000, 5000)
    weights = band_weights(frequencies)
    np.testing.assert_allclose(weights.sum(axis=0), 1, atol=1e-12)
    assert weights.min() >= 0
    np.testing.assert_allclose(band_weights(62.5 * 2.0 ** np.arange(8)), np.eye(8), atol=1e-12)


def test_reverberation_time_is_eyrings():
    # V = 144 m3, S = 180 m2, -S ln(0.7) = 64.20 m2, 24 ln(10) / 343 = 0.16111: 0.3614 s before air.
    rt60_s = uniform_room().rt60_s
    assert rt60_s[0] == pytest.approx(0.3613, rel=1e-3)
    assert rt60_s[7] < 0.85 * rt60_s[0]
    assert uniform_room().mid_rt60_s == pytest.approx(0.359, rel=5e-3)


@pytest.mark.parametrize(
    ("surface", "area_m2"), [("x0", 18), ("x1", 18), ("y0", 24), ("y1", 24), ("z0", 48), ("z1", 48)]
)
def test_each_surface_counts_with_its_own_area(surface: str, area_m2: float):
    absorption = np.zeros((6, 8))
    absorption[SURFACES.index(surface)] = 0.5
    walls_m2 = -180 * np.log(1 - 0.5 * area_m2 / 180)
    rate_hz = uniform_room(absorption=absorption.tolist()).decay_rates_hz[0]
    assert rate_hz == pytest.approx(343 * walls_m2 / (4 * 144), rel=2e-3)


def test_room_survives_json(rng: np.random.Generator):
    room = sample_room(rng)
    assert Room.from_dict(json.loads(json.dumps(room.to_dict()))) == room


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size_m": (8.0, -6.0, 3.0)}, r"size_m.*-6\.0"),
        ({"absorption": [[0.3] * 8] * 5}, "6 surfaces of 8"),
        ({"absorption": [[0.3] * 8] * 5 + [[1.3] * 8]}, r"z1.*1\.3"),
        ({"microphone_m": (4.0, 7.0, 1.0)}, r"microphone.*7\.0"),
    ],
)
def test_impossible_rooms_are_refused(changes: dict[str, object], message: str):
    with pytest.raises(InputError, match=message):
        uniform_room(**changes)


def test_plain_form_with_a_wrong_field_is_refused():
    with pytest.raises(InputError, match="colour"):
        Room.from_dict({**uniform_room().to_dict(), "colour": "red"})


def test_anechoic_room_has_a_finite_decay():
    assert np.all(anechoic().decay_rates_hz > 500)
    assert np.all(np.isfinite(anechoic().decay_rates_hz))


def test_sampled_rooms_keep_the_ranges(rng: np.random.Generator):
    rooms = [sample_room(rng) for _ in range(100)]
    sizes = np.array([room.size_m for room in rooms])
    assert np.all(sizes >= [4, 4, 3])
    assert np.all(sizes <= [20, 20, 10])
    times = np.array([room.mid_rt60_s for room in rooms])
    assert times.min() >= 0.1
    assert times.max() <= 1.5
    assert np.ptp(times) > 0.5
    offsets = np.array([room.microphone_m for room in rooms]) / sizes - 0.5
    assert 0.025 < np.abs(offsets).max() <= 0.03


def test_without_jitter_the_microphone_is_at_the_centre(rng: np.random.Generator):
    room = sample_room(rng, jitter=0.0)
    np.testing.assert_allclose(np.array(room.microphone_m) * 2, room.size_m)


def test_unreachable_reverberation_time_is_refused(rng: np.random.Generator):
    with pytest.raises(InputError, match=r"RT60 within \(30\.0, 40\.0\)"):
        sample_room(rng, rt60_s=(30.0, 40.0))


def test_positions_keep_their_ranges_and_distances(rng: np.random.Generator):
    for _ in range(200):
        room = sample_room(rng)
        position = sample_position(rng, room, (157.5, 202.5))
        assert abs(position.azimuth_deg) >= 157.5
        assert abs(position.elevation_deg) <= 45
        assert 1 <= position.distance_m <= max(room.size_m) / 2
        point = np.array(position.in_room(room))
        assert np.all(point >= 0.5 - 1e-9)
        assert np.all(point <= np.array(room.size_m) - 0.5 + 1e-9)


def test_given_angles_are_kept_exactly(rng: np.random.Generator):
    room = sample_room(rng)
    position = sample_position(rng, room, -67.3, 12.1)
    assert position[:2] == pytest.approx((-67.3, 12.1), abs=1e-12)
    seen = np.array(position.in_room(room)) - room.microphone_m
    assert np.linalg.norm(seen) == pytest.approx(position.distance_m)
    assert azimuth_elevation(seen) == pytest.approx((-67.3, 12.1), abs=1e-9)
    assert angle_between_deg(seen, unit_vector(-67.3, 12.1)) < 1e-6


def test_a_room_too_small_for_a_source_is_refused(rng: np.random.Generator):
    cupboard = uniform_room(size_m=(2.0, 2.0, 2.0), microphone_m=(1.0, 1.0, 1.0))
    with pytest.raises(InputError, match="no place"):
        sample_position(rng, cupboard, 0.0, 0.0)


def test_the_same_seed_draws_the_same_room():
    assert sample_room(np.random.default_rng(5)) == sample_room(np.random.default_rng(5))

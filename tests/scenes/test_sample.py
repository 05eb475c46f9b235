"""Drawn scenes lie in their ranges, everywhere in them, and follow from the seed."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from salm.acoustics.measured.base import MeasuredResponse, ResponseSet
from salm.errors import InputError
from salm.frame import unit_vector
from salm.scenes.corpora.base import Sound
from salm.scenes.sample import SceneRanges, draw_measured, draw_scene, draw_variants
from salm.scenes.scene import Scene

DOG = Sound(id="dog-1", captions=("A dog barks.", "Barking."), duration_s=1.0)
FREE_FIELD = SceneRanges(anechoic=1.0)
SEEDS = st.integers(0, 2**32 - 1)

rooms = settings(max_examples=25, deadline=None)


def place(scene: Scene) -> np.ndarray:
    """Metres from the corner of the scene's room."""
    assert scene.room is not None
    source = scene.sources[0]
    azimuth, elevation = np.deg2rad([source.azimuth_deg, source.elevation_deg])
    ahead = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    return scene.room.microphone_m + source.distance_m * ahead


def degrees_apart(a: float, b: float) -> float:
    return abs((a - b + 180) % 360 - 180)


@rooms
@given(SEEDS)
def test_default_scenes_keep_to_the_papers_ranges(seed: int) -> None:
    scene = draw_scene(np.random.default_rng(seed), DOG)
    (source,) = scene.sources
    assert scene.room is not None
    length, width, height = scene.room.size_m
    assert 4 <= length <= 20
    assert 4 <= width <= 20
    assert 3 <= height <= 10
    assert 0.1 <= scene.room.mid_rt60_s <= 1.5
    assert -45 <= source.elevation_deg <= 45
    assert -180 < source.azimuth_deg <= 180
    assert 1.0 <= source.distance_m <= max(scene.room.size_m) / 2
    assert scene.noise_db is not None
    assert -65 <= scene.noise_db <= -40
    assert (source.sound_id, source.caption) == ("dog-1", "A dog barks.")
    assert (source.gain_db, source.start_s, scene.duration_s) == (0.0, 0.0, None)


@rooms
@given(SEEDS)
def test_sources_stand_half_a_metre_from_every_wall(seed: int) -> None:
    scene = draw_scene(np.random.default_rng(seed), DOG)
    assert scene.room is not None
    assert np.all(place(scene) >= 0.5 - 1e-9)
    assert np.all(place(scene) <= np.array(scene.room.size_m) - 0.5 + 1e-9)


@rooms
@given(SEEDS, st.integers(0, 7))
def test_an_asked_sector_is_kept(seed: int, sector: int) -> None:
    (source,) = draw_scene(np.random.default_rng(seed), DOG, sector=sector).sources
    assert source.sector == sector


@given(SEEDS, st.integers(0, 7), st.floats(0, 22.5), st.floats(0, 90))
def test_jitter_and_elevation_bound_the_direction(
    seed: int, sector: int, jitter_deg: float, elevation_deg: float
) -> None:
    ranges = SceneRanges(anechoic=1.0, jitter_deg=jitter_deg, elevation_deg=elevation_deg)
    (source,) = draw_scene(np.random.default_rng(seed), DOG, ranges=ranges, sector=sector).sources
    assert degrees_apart(source.azimuth_deg, 45 * sector) <= jitter_deg + 1e-9
    assert abs(source.elevation_deg) <= elevation_deg


@pytest.mark.parametrize("jitter_deg", [10.0, 22.5])
def test_jitter_fills_its_range_evenly(jitter_deg: float) -> None:
    rng = np.random.default_rng(4)
    ranges = SceneRanges(anechoic=1.0, jitter_deg=jitter_deg)
    azimuths = [draw_scene(rng, DOG, ranges=ranges, sector=3).sources[0].azimuth_deg for _ in range(1000)]
    assert kstest(azimuths, "uniform", args=(135 - jitter_deg, 2 * jitter_deg)).pvalue > 1e-3


def test_elevations_fill_their_range_evenly() -> None:
    rng = np.random.default_rng(5)
    elevations = [draw_scene(rng, DOG, ranges=FREE_FIELD).sources[0].elevation_deg for _ in range(1000)]
    assert kstest(elevations, "uniform", args=(-45, 90)).pvalue > 1e-3


@pytest.mark.parametrize(("anechoic", "count"), [(1.0, 2000), (0.0, 240)])
def test_sectors_are_equally_frequent(anechoic: float, count: int) -> None:
    rng = np.random.default_rng(6)
    ranges = SceneRanges(anechoic=anechoic)
    drawn = Counter(draw_scene(rng, DOG, ranges=ranges).sources[0].sector for _ in range(count))
    assert chisquare([drawn[sector] for sector in range(8)]).pvalue > 1e-3


def test_the_share_in_the_free_field() -> None:
    rng = np.random.default_rng(7)
    ranges = SceneRanges(anechoic=0.8)
    free = sum(draw_scene(rng, DOG, ranges=ranges).room is None for _ in range(300))
    # Four standard deviations of a binomial share.
    assert abs(free / 300 - 0.8) < 4 * np.sqrt(0.8 * 0.2 / 300)


def test_without_noise_as_the_paper() -> None:
    ranges = SceneRanges(noise_db=None, anechoic=1.0)
    assert draw_scene(np.random.default_rng(0), DOG, ranges=ranges).noise_db is None


def test_the_papers_microphone_is_in_the_centre() -> None:
    scene = draw_scene(np.random.default_rng(0), DOG, ranges=SceneRanges(microphone_jitter=0.0))
    assert scene.room is not None
    np.testing.assert_allclose(scene.room.microphone_m, np.array(scene.room.size_m) / 2, rtol=1e-12)


def test_a_jittered_microphone_is_near_the_centre_but_not_in_it() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        room = draw_scene(rng, DOG, ranges=SceneRanges(microphone_jitter=0.05)).room
        assert room is not None
        offset = np.abs(np.array(room.microphone_m) / np.array(room.size_m) - 0.5)
        assert 0 < offset.max() <= 0.05


def test_the_same_seed_draws_the_same_scenes() -> None:
    first, second = (np.random.default_rng(3) for _ in range(2))
    assert [draw_scene(first, DOG) for _ in range(5)] == [draw_scene(second, DOG) for _ in range(5)]


def test_scenes_differ_in_place_room_and_seed() -> None:
    rng = np.random.default_rng(3)
    first, second = draw_scene(rng, DOG), draw_scene(rng, DOG)
    assert first.sources != second.sources
    assert first.room != second.room
    assert first.seed != second.seed


@rooms
@given(SEEDS, st.integers(1, 8))
def test_variants_share_their_room_and_no_sector(seed: int, count: int) -> None:
    variants = draw_variants(np.random.default_rng(seed), DOG, count=count)
    assert len(variants) == count
    assert len({scene.sources[0].sector for scene in variants}) == count
    assert len({scene.room for scene in variants}) == 1
    assert {scene.sources[0].sound_id for scene in variants} == {"dog-1"}


def test_variants_are_the_papers_three() -> None:
    assert len(draw_variants(np.random.default_rng(0), DOG)) == 3


def test_every_sector_is_among_the_variants_equally_often() -> None:
    rng = np.random.default_rng(9)
    drawn = Counter(scene.sources[0].sector for _ in range(120) for scene in draw_variants(rng, DOG))
    assert chisquare([drawn[sector] for sector in range(8)]).pvalue > 1e-3


def test_a_microphone_jitter_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match=r"jitter is 0\.5"):
        draw_scene(np.random.default_rng(0), DOG, ranges=SceneRanges(microphone_jitter=0.5))


def measured() -> ResponseSet:
    """A room with a hundred responses on the left, and one that has one in front and one on the left."""
    items = [
        MeasuredResponse(id=f"left/{n}", room="left", azimuth_deg=80 + n / 10, elevation_deg=0.0) for n in range(100)
    ]
    for n, azimuth_deg in enumerate((0.0, 90.0)):
        items.append(MeasuredResponse(id=f"hall/{n}", room="hall", azimuth_deg=azimuth_deg, elevation_deg=50.0))
    return ResponseSet(name="made", items=tuple(items), reader=lambda _: (np.ones((4, 8), np.float32), 24_000))


def test_a_measured_scene_is_where_its_response_is() -> None:
    responses, rng = measured(), np.random.default_rng(0)
    for scene in (draw_measured(rng, DOG, responses) for _ in range(50)):
        (source,) = scene.sources
        item = responses[source.response_id]
        assert (source.azimuth_deg, source.elevation_deg) == (item.azimuth_deg, item.elevation_deg)
        assert (scene.responses, scene.room, source.distance_m) == ("made", None, None)


def test_rooms_are_equally_frequent_however_many_responses_they_have() -> None:
    responses, rng = measured(), np.random.default_rng(1)
    drawn = [draw_measured(rng, DOG, responses).sources[0] for _ in range(400)]
    hall = [source for source in drawn if source.response_id.startswith("hall")]
    assert chisquare([len(hall), 400 - len(hall)]).pvalue > 1e-3
    assert (
        chisquare([sum(source.sector == 0 for source in hall), sum(source.sector == 2 for source in hall)]).pvalue
        > 1e-3
    )


def test_an_asked_sector_of_measured_responses_is_kept_or_refused() -> None:
    responses, rng = measured(), np.random.default_rng(2)
    assert {draw_measured(rng, DOG, responses, sector=0).sources[0].response_id for _ in range(20)} == {"hall/0"}
    with pytest.raises(InputError, match="made has no response in sector 5"):
        draw_measured(rng, DOG, responses, sector=5)


@rooms
@given(SEEDS)
def test_further_sounds_have_sectors_of_their_own(seed: int) -> None:
    others = [Sound(id=name, captions=(name,), duration_s=1.0) for name in ("owl", "rain")]
    scene = draw_scene(np.random.default_rng(seed), DOG, others=others)
    assert [source.sound_id for source in scene.sources] == ["dog-1", "owl", "rain"]
    assert len({source.sector for source in scene.sources}) == 3


@rooms
@given(SEEDS, st.floats(0.2, 12.0), st.sampled_from([0.0, 1.0]))
def test_what_moves_stays_in_the_room_and_away_from_the_microphone(seed: int, duration_s: float, free: float) -> None:
    ranges = SceneRanges(moving=1.0, anechoic=free)
    sound = Sound(id="car", captions=("A car.",), duration_s=duration_s)
    scene = draw_scene(np.random.default_rng(seed), sound, ranges=ranges)
    path = scene.sources[0].path
    places = np.array([p.distance_m * unit_vector(p.azimuth_deg, p.elevation_deg) for p in path])
    steps = np.diff(places, axis=0)
    times = np.diff([p.time_s for p in path])
    assert path[0].time_s == 0
    assert path[-1].time_s == pytest.approx(duration_s)
    # Straight, even and not too fast.
    velocity = (places[-1] - places[0]) / duration_s
    np.testing.assert_allclose(steps / times[:, None], np.tile(velocity, (len(steps), 1)), atol=1e-6)
    assert np.linalg.norm(steps, axis=1).max() / times[0] < 5.0001
    assert np.linalg.norm(steps, axis=1).max() < 0.2501
    if scene.room is not None:
        assert np.linalg.norm(places, axis=1).min() > 0.999
        there = places + scene.room.microphone_m
        assert (there > 0.499).all()
        assert (there < np.array(scene.room.size_m) - 0.499).all()


def test_ambience_is_as_frequent_and_as_loud_as_asked() -> None:
    ranges = SceneRanges(anechoic=1.0, ambience=0.4, ambience_snr_db=(3.0, 9.0))
    rng = np.random.default_rng(0)
    found = [draw_scene(rng, DOG, ranges=ranges, ambience="rain").ambience for _ in range(500)]
    there = [ambience for ambience in found if ambience is not None]
    assert abs(len(there) / 500 - 0.4) < 4 * np.sqrt(0.4 * 0.6 / 500)
    assert {ambience.sound_id for ambience in there} == {"rain"}
    assert kstest([ambience.snr_db for ambience in there], "uniform", (3.0, 6.0)).pvalue > 1e-3


def test_gains_and_distances_fill_their_ranges() -> None:
    ranges = SceneRanges(gain_db=(-12.0, 6.0), nearest_m=0.4)
    rng = np.random.default_rng(0)
    sources = [draw_scene(rng, DOG, ranges=ranges).sources[0] for _ in range(300)]
    assert kstest([source.gain_db for source in sources], "uniform", (-12.0, 18.0)).pvalue > 1e-3
    nearest = min(source.distance_m for source in sources)
    assert 0.4 <= nearest < 0.6


def test_what_is_new_is_off_by_default() -> None:
    """The scenes of older configurations stay the same: the same generator, drawn from as often."""
    a, b = np.random.default_rng(0), np.random.default_rng(0)
    first = draw_scene(a, DOG)
    assert first.ambience is None
    assert not first.sources[0].path
    assert first.sources[0].gain_db == 0
    second = draw_scene(b, DOG, ranges=SceneRanges(sources=(0.5, 0.5, 0.0)))
    assert first == second
    assert a.random() == b.random()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"moving": 1.1}, "moving is 1.1 but must be a share"),
        ({"ambience": -0.1}, "ambience is -0.1 but must be a share"),
        ({"anechoic": 2.0}, "anechoic is 2.0 but must be a share"),
        ({"sources": (0.0, 0.0, 0.0)}, "nor all zero"),
        ({"sources": (1.0, -1.0, 0.0)}, "must not be negative"),
    ],
)
def test_ranges_that_cannot_be_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SceneRanges(**changes)  # type: ignore[arg-type]


def test_too_many_sounds_are_refused() -> None:
    with pytest.raises(InputError, match="only eight sectors"):
        draw_scene(np.random.default_rng(0), DOG, others=[DOG] * 8)


def test_a_microphone_in_the_way_of_every_walk_is_refused() -> None:
    ranges = SceneRanges(moving=1.0, nearest_m=1.9, length_m=(4.2, 4.4), elevation_deg=10.0)
    with pytest.raises(InputError, match=r"no walk of|has no place"):
        draw_scene(np.random.default_rng(0), DOG, ranges=ranges)

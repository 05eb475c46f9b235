"""The numbers of a set of scenes, against slow counting."""

import json
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from salm.frame import SECTORS
from salm.scenes.corpora.base import Sound
from salm.scenes.sample import SceneRanges, draw_scene, draw_variants
from salm.scenes.scene import Ambience, Scene, Source, Waypoint
from salm.scenes.summary import SceneSummary, summarise

SOUNDS = tuple(Sound(id=name, captions=(f"A {name}.",), duration_s=1.0) for name in ("dog", "bell", "rain"))


def source(azimuth_deg: float, caption: str = "A dog.", **more: object) -> Source:
    return Source(
        **{"sound_id": "dog", "distance_m": 2.0, "elevation_deg": 0.0, **more},
        caption=caption,
        azimuth_deg=azimuth_deg,
    )


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    rng = np.random.default_rng(3)
    ranges = SceneRanges(anechoic=0.3)
    return [draw_scene(rng, SOUNDS[int(rng.integers(3))], ranges=ranges) for _ in range(300)]


@pytest.fixture(scope="module")
def summary(scenes: list[Scene]) -> SceneSummary:
    return summarise(scenes)


def values(scenes: list[Scene], name: str) -> list[float]:
    found = {
        "rt60_s": [scene.room.mid_rt60_s for scene in scenes if scene.room],
        "floor_area_m2": [scene.room.size_m[0] * scene.room.size_m[1] for scene in scenes if scene.room],
        "volume_m3": [float(np.prod(scene.room.size_m)) for scene in scenes if scene.room],
        "noise_db": [scene.noise_db for scene in scenes],
    }
    return found.get(name) or [getattr(scene.sources[0], name) for scene in scenes]


@pytest.mark.parametrize(
    "name",
    ["azimuth_deg", "elevation_deg", "distance_m", "gain_db", "rt60_s", "floor_area_m2", "volume_m3", "noise_db"],
)
def test_histograms_are_those_of_numpy(scenes: list[Scene], summary: SceneSummary, name: str) -> None:
    made = getattr(summary, name)
    numbers = values(scenes, name)
    counts, _ = np.histogram(numbers, made.edges)
    assert made.counts == tuple(counts.tolist())
    assert sum(made.counts) == made.count == len(numbers)
    assert made.mean == pytest.approx(np.mean(numbers))


def test_sectors_are_counted_as_sources_call_them_and_bins_add_up_to_them(
    scenes: list[Scene], summary: SceneSummary
) -> None:
    counted = Counter(SECTORS[scene.sources[0].sector] for scene in scenes)
    assert summary.sectors == {word: counted[word] for word in SECTORS}
    by_bin = dict.fromkeys(SECTORS, 0)
    for low, count in zip(summary.azimuth_deg.edges, summary.azimuth_deg.counts, strict=False):
        by_bin[SECTORS[source(low + 3.75).sector]] += count
    assert by_bin == summary.sectors


def test_kinds_and_captions_are_counted(scenes: list[Scene], summary: SceneSummary) -> None:
    assert summary.scenes == 300
    assert summary.free_field == sum(scene.room is None for scene in scenes) > 0
    assert (summary.simulated, summary.measured) == (300 - summary.free_field, 0)
    counted = Counter(scene.sources[0].caption for scene in scenes)
    assert (summary.captions, dict(summary.common_captions)) == (3, dict(counted))
    assert [count for _, count in summary.common_captions] == sorted(counted.values(), reverse=True)


def test_every_source_counts_once() -> None:
    pair = Scene(seed=0, sources=(source(90.0), source(-90.0, "Rain.", elevation_deg=50.0, distance_m=3.5)))
    one = Scene(seed=0, sources=(source(90.0),), duration_s=4.0, noise_db=-50.0)
    made = summarise([pair, one])
    assert made.sources == {1: 1, 2: 1}
    assert (made.sectors["left"], made.sectors["right"], sum(made.sectors.values())) == (2, 1, 3)
    assert made.heights == {"above": 1, "level": 2, "below": 0}
    assert made.common_captions == (("A dog.", 2), ("Rain.", 1))
    assert (made.distance_m.count, made.distance_m.most) == (3, 3.5)
    assert (made.duration_s.count, made.duration_s.unknown, made.noise_db.unknown) == (1, 1, 1)


def test_what_moves_and_what_is_around_is_counted() -> None:
    path = [Waypoint(0.0, 80.0, 0.0, 1.0), Waypoint(1.0, 100.0, 0.0, 2.0)]
    moving = Source.along(path, sound_id="car", caption="A car.")
    made = summarise(
        [Scene(seed=0, sources=(moving, source(0.0)), ambience=Ambience(snr_db=12.0)), Scene(seed=0, sources=(moving,))]
    )
    assert made.moving == 2
    assert made.sectors["left"] == 2
    assert (made.ambience_snr_db.count, made.ambience_snr_db.unknown, made.ambience_snr_db.mean) == (1, 1, 12.0)


def test_measured_scenes_are_a_kind_of_their_own_and_may_lack_a_distance() -> None:
    measured = Scene(seed=0, sources=(source(0.0, distance_m=None, response_id="a"),), responses="hall")
    made = summarise([measured, measured, Scene(seed=0, sources=(source(0.0),))])
    assert (made.measured, made.free_field, made.responses) == (2, 1, {"hall": 2})
    assert (made.distance_m.count, made.distance_m.unknown) == (1, 2)
    assert made.rt60_s.counts == ()


def test_scenes_are_taken_one_at_a_time() -> None:
    def stream() -> Iterator[Scene]:
        rng = np.random.default_rng(0)
        for sound in SOUNDS:
            yield from draw_variants(rng, sound)

    assert summarise(stream()).scenes == 9


def test_equally_common_captions_do_not_depend_on_the_order() -> None:
    scenes = [Scene(seed=0, sources=(source(0.0, caption),)) for caption in ("b", "a", "c")]
    kept = summarise(scenes, common=2).common_captions
    assert kept == summarise(scenes[::-1], common=2).common_captions == (("a", 1), ("b", 1))


def test_no_scenes_give_empty_numbers() -> None:
    made = summarise([])
    assert (made.scenes, made.captions, made.sources) == (0, 0, {})
    assert made.azimuth_deg.counts == ()


def test_the_plain_form_is_json(summary: SceneSummary) -> None:
    plain = json.loads(json.dumps(summary.to_dict(), allow_nan=False))
    assert plain["sources"] == {"1": 300}
    assert len(plain["azimuth_deg"]["edges"]) == 49
    assert plain["common_captions"][0].keys() == {"caption", "count"}

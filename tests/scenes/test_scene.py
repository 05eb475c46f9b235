"""Scenes as plain data."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from salm.acoustics.room import Room
from salm.errors import InputError
from salm.scenes.scene import SCHEMA, Ambience, Scene, Source, Waypoint


def room() -> Room:
    return Room(size_m=(7.0, 6.0, 3.2), absorption=[[0.3] * 8] * 6, microphone_m=(3.4, 3.1, 1.6))


def dog(azimuth_deg: float = 40.0, elevation_deg: float = -10.0, **values: object) -> Source:
    values = {"distance_m": 1.5} | values
    return Source(
        sound_id="dog", caption="A dog barks.", azimuth_deg=azimuth_deg, elevation_deg=elevation_deg, **values
    )


def bell(azimuth_deg: float = -120.0, elevation_deg: float = 25.0, **values: float) -> Source:
    return replace(dog(azimuth_deg, elevation_deg, **values), sound_id="bell", caption="A bell.")


FULL = Scene(
    seed=7, sources=(dog(start_s=0.1), bell(gain_db=-6.5)), room=room(), duration_s=0.75, noise_db=-48.123456789
)


MEASURED = Scene(seed=7, sources=(dog(40.0, 0.0, distance_m=None, response_id="hall/1"),), responses="made")

PATH = (Waypoint(0.0, 0.0, 0.0, 1.0), Waypoint(1.0, 90.0, 0.0, 2.0), Waypoint(1.5, 100.0, 20.0, 2.0))
MOVING = replace(
    FULL, sources=(dog(), Source.along(PATH, sound_id="bell", caption="A bell.")), ambience=Ambience(snr_db=10.0)
)
SCENES = {"full": FULL, "least": Scene(seed=0, sources=(dog(),)), "measured": MEASURED, "moving": MOVING}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_plain_form_survives_json(scene: Scene) -> None:
    assert Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene


def test_plain_form_carries_its_schema() -> None:
    assert FULL.to_dict()["schema"] == 1
    assert MEASURED.to_dict()["schema"] == 2
    assert MOVING.to_dict()["schema"] == SCHEMA == 3
    assert replace(FULL, ambience=Ambience(snr_db=10.0)).to_dict()["schema"] == 3


def test_scenes_without_measured_responses_are_as_older_versions_wrote_them() -> None:
    plain = FULL.to_dict()
    assert not {"responses", "ambience"} & plain.keys()
    assert not [source for source in plain["sources"] if {"response_id", "path"} & source.keys()]
    assert "path" not in MEASURED.to_dict()["sources"][0]


@pytest.mark.parametrize("schema", [None, 0, SCHEMA + 1, "1"])
def test_another_schema_is_refused(schema: object) -> None:
    with pytest.raises(InputError, match=rf"has schema {schema!r} but this version reads schemas 1 to {SCHEMA}"):
        Scene.from_dict(FULL.to_dict() | {"schema": schema})


@pytest.mark.parametrize("name", ["seed", "sources"])
def test_a_missing_field_is_named(name: str) -> None:
    plain = FULL.to_dict()
    del plain[name]
    with pytest.raises(InputError, match=f"not complete.*'{name}'"):
        Scene.from_dict(plain)


def test_a_missing_field_of_a_source_is_named() -> None:
    plain = FULL.to_dict()
    del plain["sources"][1]["distance_m"]
    with pytest.raises(InputError, match=r"not complete.*'distance_m'"):
        Scene.from_dict(plain)


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(InputError, match="'colour'"):
        Scene.from_dict(FULL.to_dict() | {"colour": "red"})


def test_a_room_that_is_none_is_named() -> None:
    plain = FULL.to_dict()
    plain["room"]["size_m"] = [7.0, -6.0, 3.2]
    with pytest.raises(InputError, match=r"three lengths from 0\.5 to 1000 m"):
        Scene.from_dict(plain)


def test_a_scene_without_sources_is_refused() -> None:
    with pytest.raises(InputError, match="at least one source"):
        Scene(seed=0, sources=())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"azimuth_deg": float("nan")}, "azimuth nan.* is no direction"),
        ({"elevation_deg": 91.0}, "elevation 91.* is no direction"),
        ({"distance_m": 0.0}, r"0\.0 m .* must be positive"),
        ({"distance_m": float("inf")}, "inf m .* must be positive"),
        ({"start_s": -0.1}, r"starts at -0\.1 s .* not negative"),
    ],
)
def test_an_impossible_source_is_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(dog(), **changes)  # type: ignore[arg-type]


def test_words_for_numbers_are_refused() -> None:
    plain = FULL.to_dict()
    plain["sources"][0]["azimuth_deg"] = "left"
    with pytest.raises(InputError, match="not complete"):
        Scene.from_dict(plain)


@pytest.mark.parametrize(
    ("azimuth_deg", "sector"), [(0, 0), (22.4, 0), (22.5, 1), (90, 2), (180, 4), (-180, 4), (-90, 6), (-22.5, 0)]
)
def test_sector_of_a_source(azimuth_deg: float, sector: int) -> None:
    assert dog(azimuth_deg).sector == sector


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        (lambda: replace(MEASURED, room=room()), "either of measured responses or of a simulated room"),
        (lambda: replace(MEASURED, responses=None), "give both or neither"),
        (lambda: replace(FULL, room=None, responses="made"), "give both or neither"),
        (lambda: dog(distance_m=None), "needs a distance"),
    ],
)
def test_a_scene_that_is_half_measured_is_refused(scene: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        scene()


def test_a_moving_source_is_at_the_mean_over_its_time() -> None:
    source = MOVING.sources[1]
    # Slowly from 0 to 90 degrees: in small steps of time, each by the middle of its ends.
    times = np.linspace(0, 1.5, 15_001)
    x, y, z = (np.interp(times, [0, 1, 1.5], values) for values in vectors(PATH))
    assert source.azimuth_deg == pytest.approx(np.rad2deg(np.arctan2(y.mean(), x.mean())), abs=0.1)
    assert source.elevation_deg == pytest.approx(
        np.rad2deg(np.arctan2(z.mean(), np.hypot(x.mean(), y.mean()))), abs=0.1
    )
    assert source.distance_m == pytest.approx(np.interp(times, [0, 1, 1.5], [1.0, 2.0, 2.0]).mean(), abs=1e-3)


def vectors(path: tuple[Waypoint, ...]) -> np.ndarray:
    """Unit vectors of a path, x, y and z."""
    azimuth, elevation = (np.deg2rad([place[angle] for place in path]) for angle in (1, 2))
    return np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (lambda: Source.along(PATH[:1], sound_id="bell", caption="A bell."), "two places or more"),
        (lambda: Source.along(PATH[::-1], sound_id="bell", caption="A bell."), "growing times"),
        (lambda: replace(dog(), path=PATH), "degrees from the mean of its path"),
        (lambda: replace(MOVING.sources[1], response_id="hall/1"), "cannot sound through one measured response"),
        (
            lambda: Source.along([PATH[0], PATH[1]._replace(azimuth_deg=180.0)], sound_id="bell", caption="A bell."),
            "mean of a path is no direction",
        ),
        (
            lambda: Source.along([PATH[0], PATH[1]._replace(distance_m=0.0)], sound_id="bell", caption="A bell."),
            "without a positive distance",
        ),
        (lambda: Ambience(snr_db=float("nan")), "must be a number"),
    ],
)
def test_what_cannot_move_or_sound_is_refused(source: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        source()


def test_a_waypoint_with_an_unknown_field_is_refused() -> None:
    plain = MOVING.to_dict()
    plain["sources"][1]["path"][0]["colour"] = "red"
    with pytest.raises(InputError, match=r"not complete.*'colour'"):
        Scene.from_dict(plain)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "seed is -1 but must be a whole number from 0"),
        ({"seed": 1.5}, "seed is 1.5 but must be a whole number"),
        ({"duration_s": 1e9}, "duration_s is 1000000000.0 but must be positive and an hour at most"),
        ({"noise_db": 1e9}, "noise_db is 1000000000.0 but must be a number from -1000 to 300"),
        ({"sources": ["dog"]}, "has a value of another kind: 'str' object has no attribute 'get'"),
        ({"sources": [dog().to_dict() | {"gain_db": 1e30}]}, "gain_db is 1e.30 but must be a number from -1000"),
        ({"sources": [dog().to_dict() | {"caption": None}]}, "the caption is None but must be text"),
        ({"sources": [dog().to_dict() | {"start_s": 4000.0}]}, "nor after an hour"),
        ({"sources": [dog().to_dict() | {"azimuth_deg": 10**400}]}, "has a value of another kind|number"),
        ({"room": room().to_dict() | {"size_m": ["a", 1, 1]}}, "has a value of another kind: could not convert"),
        ({"room": room().to_dict() | {"size_m": [1e-9] * 3}}, "three lengths from 0.5 to 1000 m"),
    ],
)
def test_values_that_no_scene_can_have_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Scene.from_dict(FULL.to_dict() | change)

"""Windows of scenes: fields and labels turn together, and paths end where the window does."""

import numpy as np
import pytest

from salm.audio.formats import encode_plane_wave
from salm.frame import angle_between_deg, unit_vector
from salm.scenes.heard import UNTURNED, Turn, within
from salm.scenes.scene import Scene, Source, Waypoint

TURNS = [
    UNTURNED,
    Turn(counterclockwise_deg=77.0),
    Turn(mirrored=True),
    Turn(counterclockwise_deg=-130.0, mirrored=True),
]
PATH = [Waypoint(float(time), 10.0 * time, 5.0, 1.0 + time / 10) for time in range(9)]


def dog(azimuth_deg: float = 40.0) -> Source:
    return Source(sound_id="dog", caption="A dog.", azimuth_deg=azimuth_deg, elevation_deg=-20.0, distance_m=2.0)


def car() -> Source:
    return Source.along(PATH, sound_id="car", caption="A car.", gain_db=-3.0)


@pytest.mark.parametrize("turn", TURNS, ids=str)
@pytest.mark.parametrize("azimuth_deg", [-170.0, -45.0, 0.0, 100.0])
def test_the_label_is_where_the_field_comes_from(rng: np.random.Generator, turn: Turn, azimuth_deg: float) -> None:
    source = dog(azimuth_deg)
    w, y, z, x = turn.field(encode_plane_wave(rng.standard_normal(100).astype(np.float32), azimuth_deg, -20.0))
    turned = turn.source(source)
    label = unit_vector(turned.azimuth_deg, turned.elevation_deg)
    assert angle_between_deg(np.array([(w * x).sum(), (w * y).sum(), (w * z).sum()]), label) < 0.01
    assert turned.distance_m == source.distance_m


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_a_path_turns_with_its_mean(turn: Turn) -> None:
    turned = turn.source(car())
    again = Source.along(turned.path, sound_id="car", caption="A car.")
    assert again.azimuth_deg == pytest.approx(turned.azimuth_deg, abs=1e-6)


def test_a_window_hears_the_beginning_of_a_path() -> None:
    scene = Scene(seed=0, sources=(dog(), car()))
    heard = within(scene, 3.5)
    assert heard.duration_s == 3.5
    assert heard.sources[0] == dog()
    moving = heard.sources[1]
    assert moving.path[:4] == tuple(PATH[:4])
    assert moving.path[4].time_s == 3.5
    assert moving.path[4].azimuth_deg == pytest.approx(35.0, abs=0.3)
    assert moving.gain_db == -3.0
    assert moving.azimuth_deg == pytest.approx(17.5, abs=0.3)


def test_what_ends_within_the_window_is_whole() -> None:
    assert within(Scene(seed=0, sources=(car(),)), 8.0).sources == (car(),)


def test_a_scene_in_which_nothing_moves_stays_as_it_is() -> None:
    scene = Scene(seed=0, sources=(dog(),))
    assert within(scene, 1.0) is scene

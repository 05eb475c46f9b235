"""What stands out of the background, against a slow version that looks at all ticks at once."""

import numpy as np

from salm.scanning.background import ABOVE_DB, Background
from salm.scanning.sightings import Sighting, Tick

PLACE = (Sighting(np.array([1.0, 0.0, 0.0]), 1.0, 0.03),)


def heard(levels_db: np.ndarray) -> list[bool]:
    background = Background()
    ticks = [Tick(float(level_db), PLACE) for level_db in levels_db]
    found = [*background.of(ticks), *background.rest()]
    assert [tick.level_db for tick in found] == levels_db.tolist()
    return [bool(tick.sightings) for tick in found]


def test_it_is_the_quietest_of_what_is_near(rng: np.random.Generator) -> None:
    levels_db = -60 + 5 * np.cumsum(rng.standard_normal(900)) / 3
    near = [levels_db[max(0, i - 300) : i + 51].min() for i in range(900)]
    assert heard(levels_db) == (levels_db >= np.array(near) + ABOVE_DB).tolist()


def test_what_never_changes_is_all_background() -> None:
    assert not any(heard(np.full(700, -30.0)))


def test_a_recording_of_one_tick_is_background() -> None:
    assert heard(np.array([-10.0])) == [False]

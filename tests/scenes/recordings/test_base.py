"""Labels, their paths and pieces, and sets of files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from salm.errors import InputError
from salm.frame import unit_vector
from salm.scenes.recordings import Item, Label, Place, RecordingFiles

MOVING = (Place(1.0, 170.0, 10.0, 2.0), Place(1.1, 180.0, 10.0, 2.0), Place(1.2, -170.0, 10.0, 5.0))


def test_a_source_that_stays_has_no_path() -> None:
    still = [Place(time_s, 40.0, None, 1.5) for time_s in (0.0, 0.1, 0.2)]
    label = Label.along(still, end_s=0.3, category="dog", source="3")
    assert label == Label(
        start_s=0.0, end_s=0.3, category="dog", azimuth_deg=40.0, elevation_deg=None, distance_m=1.5, source="3"
    )
    assert not label.moves


def test_the_direction_of_a_source_that_moves_is_the_mean_over_time() -> None:
    # Across the back, where numbers jump.
    label = Label.along(MOVING, end_s=1.3, category="dog")
    assert label.moves
    assert label.path == MOVING
    assert (abs(label.azimuth_deg), label.distance_m) == (pytest.approx(180.0), pytest.approx(3.0))
    assert label.elevation_deg == pytest.approx(10.1, abs=0.1)
    # It stays at the last place for long.
    lasting = Label.along(MOVING, end_s=10.0, category="dog")
    mean = np.array([0.1, 0.1, 8.8]) @ unit_vector(np.array([170.0, 180.0, -170.0]), np.full(3, 10.0))
    assert lasting.azimuth_deg == pytest.approx(np.rad2deg(np.arctan2(mean[1], mean[0])))


def test_frames_at_one_place_are_one_step() -> None:
    path = [Place(0.0, 0.0, 0.0, None), Place(0.1, 0.0, 0.0, None), Place(0.2, 5.0, 0.0, None)]
    assert Label.along(path, end_s=0.3, category="").path == (path[0], path[2])


def test_opposite_places_have_the_direction_of_the_first() -> None:
    label = Label.along([Place(0.0, 90.0, 0.0, None), Place(1.0, -90.0, 0.0, None)], end_s=2.0, category="")
    assert label.azimuth_deg == pytest.approx(90.0)


def test_what_is_not_known_of_every_place_is_not_known() -> None:
    path = [Place(0.0, 0.0, 0.0, 2.0), Place(0.1, 5.0, None, None)]
    label = Label.along(path, end_s=0.2, category="")
    assert (label.elevation_deg, label.distance_m) == (None, None)


@pytest.mark.parametrize(("azimuth_deg", "expected"), [(-180.0, 180.0), (270.0, -90.0), (90.0, 90.0)])
def test_azimuths_are_wrapped(azimuth_deg: float, expected: float) -> None:
    assert Label(start_s=0, end_s=1, category="", azimuth_deg=azimuth_deg).azimuth_deg == expected
    path = [Place(0.0, azimuth_deg, 0.0, None), Place(0.5, azimuth_deg + 1, 0.0, None)]
    assert Label.along(path, end_s=1.0, category="").path[0].azimuth_deg == expected


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"end_s": 0.0}, r"a label from 0 s to 0 s cannot be"),
        ({"start_s": -1.0}, r"a label from -1 s to 1 s cannot be; it must not start before 0 s"),
        ({"end_s": float("nan")}, "cannot be"),
        ({"distance_m": 0.0}, "the distance is 0 m but must be positive"),
        ({"elevation_deg": 91.0}, "is no direction"),
        ({"azimuth_deg": float("inf")}, "is no direction"),
    ],
)
def test_labels_that_cannot_be_are_refused(changed: dict[str, float], message: str) -> None:
    label = Label(start_s=0.0, end_s=1.0, category="dog", azimuth_deg=0.0, elevation_deg=0.0)
    with pytest.raises(InputError, match=message):
        replace(label, **changed)


def test_a_piece_of_a_moving_source_keeps_its_part_of_the_path() -> None:
    label = Label.along(MOVING, end_s=1.3, category="dog", source="1")
    piece = label.cut(start_s=1.15, end_s=1.3)
    assert piece.path == (MOVING[1]._replace(start_s=1.15), MOVING[2])
    assert (piece.start_s, piece.end_s, piece.category, piece.source) == (1.15, 1.3, "dog", "1")
    still = label.cut(start_s=1.1, end_s=1.2)
    assert (still.azimuth_deg, still.moves) == (180.0, False)
    whole = replace(label, path=()).cut(start_s=1.1, end_s=1.2)
    assert (whole.start_s, whole.end_s, whole.azimuth_deg) == (1.1, 1.2, label.azimuth_deg)


def test_sets_are_selected_and_have_unique_ids(tmp_path: Path) -> None:
    items = tuple(
        Item(id=name, path=tmp_path / name, labels=(), split=split) for name, split in (("a", "train"), ("b", "test"))
    )
    files = RecordingFiles(name="mine", kind="own", items=items)
    assert files.select(None) is files
    assert [item.id for item in files.select("test").items] == ["b"]
    with pytest.raises(InputError, match="no recording of mine has the split 'val'; there is test, train"):
        files.select("val")
    with pytest.raises(InputError, match="mine has no recording 'c'"):
        files.read("c")
    with pytest.raises(InputError, match=r"the recording a has labels twice, for .*; open one data set at a time"):
        RecordingFiles(name="mine", kind="own", items=(items[0], replace(items[0], path=tmp_path / "x" / "a")))

"""Timelines in every format, read back by what has never seen a timeline."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from salm.errors import InputError
from salm.scanning.event import Event, Fit, Place
from salm.scanning.formats import FORMATS, format_of, timeline_text, write_timeline
from salm.scanning.timeline import Timeline

STANDS = Event(
    onset_s=1.0,
    offset_s=1.5,
    track=3,
    azimuth_deg=-179.8,
    elevation_deg=-4.6,
    sector="back",
    confidence=0.9,
    cone_deg=9.0,
    ambiguity=None,
    level_db=-30.0,
    fits=(Fit('a dog,\t"near"\nus', 1, 0.5, 0.9), Fit("rain", 0, 0.1, 0.1)),
)
MOVES = replace(
    STANDS,
    onset_s=1.2,
    offset_s=1.4,
    track=4,
    azimuth_deg=20.0,
    elevation_deg=50.0,
    sector="front",
    path=(Place(1.2, 10.4, 40.0), Place(1.3, 30.4, 60.0)),
    fits=(),
)
NOWHERE = replace(MOVES, azimuth_deg=None, elevation_deg=None, sector=None, path=(), track=5, ambiguity="all")
TIMELINE = Timeline(
    file="take.wav",
    duration_s=3.0,
    layout="foa",
    sentences=("rain", 'a dog,\t"near"\nus'),
    model="0123",
    front_deg=0.0,
    notes=(),
    events=(STANDS, MOVES, NOWHERE),
)


def test_dcase_rows_keep_the_rules_of_starss23(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    write_timeline(path, TIMELINE)
    rows = np.loadtxt(path, delimiter=",", dtype=int)
    assert rows.shape[1] == 5
    frames, classes, _, azimuths, elevations = rows.T
    assert (np.diff(frames) >= 0).all()
    assert set(classes) <= {0, 1}
    assert (azimuths > -180).all()
    assert (azimuths <= 180).all()
    assert (abs(elevations) <= 90).all()
    expected = [[frame, 1, 3, 180, -5] for frame in range(10, 15)]
    expected += [[12, 0, 4, 10, 40], [13, 0, 4, 30, 60]]
    assert rows.tolist() == sorted(expected)


def test_audacity_labels_are_three_columns(tmp_path: Path) -> None:
    path = tmp_path / "events.txt"
    write_timeline(path, TIMELINE)
    labels = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(float(start), float(end)) for start, end, _ in labels] == [(1.0, 1.5), (1.2, 1.4), (1.2, 1.4)]
    assert labels[0][2] == 'a dog, "near" us, back, azimuth +180, elevation -5, track 3'
    assert labels[2][2] == "sound, track 5"


def test_reaper_regions_are_read_by_their_header(tmp_path: Path) -> None:
    path = tmp_path / "regions.csv"
    write_timeline(path, TIMELINE, "reaper")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["#"] for row in rows] == ["R1", "R2", "R3"]
    assert [float(row["End"]) - float(row["Start"]) for row in rows] == pytest.approx([0.5, 0.2, 0.2])
    assert [float(row["Length"]) for row in rows] == pytest.approx([0.5, 0.2, 0.2])
    assert rows[1]["Name"] == "sound, front, azimuth +20, elevation +50, track 4"


def test_json_holds_everything(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    write_timeline(path, TIMELINE)
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert Timeline.from_dict(plain) == TIMELINE
    assert plain["events"][0]["name"] == STANDS.name
    assert plain["events"][1]["path"][1] == {"time_s": 1.3, "azimuth_deg": 30.4, "elevation_deg": 60.0}


@pytest.mark.parametrize("form", FORMATS)
def test_no_events_are_a_file_all_the_same(tmp_path: Path, form: str) -> None:
    write_timeline(tmp_path / "out", replace(TIMELINE, events=()), form)
    lines = (tmp_path / "out").read_text(encoding="utf-8").splitlines()
    assert len(lines) == {"dcase": 0, "audacity": 0, "reaper": 1}.get(form, len(lines))


@pytest.mark.parametrize("form", FORMATS)
def test_the_text_is_what_a_file_holds(tmp_path: Path, form: str) -> None:
    write_timeline(tmp_path / "out", TIMELINE, form)
    assert (tmp_path / "out").read_bytes() == timeline_text(TIMELINE, form).encode()


def test_an_ending_that_says_nothing_is_one_line() -> None:
    with pytest.raises(
        InputError, match=r"events\.xml could be any format; let its name end in one of \.csv \(dcase\)"
    ):
        format_of("events.xml")


def test_an_unknown_format_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the format is 'xml' but must be one of dcase, audacity, reaper, json"):
        write_timeline(tmp_path / "x", TIMELINE, "xml")
    assert not list(tmp_path.iterdir())

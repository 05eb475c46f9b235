"""STARSS22 and 23, TAU-NIGENS 2020 and 2021 and their kin: labels every 100 ms in tables without a header.

A row is ``frame,class,source,azimuth,elevation``, with the distance in cm after it where there is one, or, with seven
columns, ``frame,class,source,x,y,z,distance``. Angles are whole degrees in the frame of `salm.frame`, only frames in
which something sounds are listed, and sounds that overlap have rows of their own with the same frame. The Ambisonic
files are W, Y, Z, X (ACN), with SN3D as far as it is published.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

import numpy as np

from salm.errors import InputError
from salm.frame import azimuth_elevation
from salm.scenes.recordings.base import Item, Kind, Label, Place, RecordingFiles
from salm.scenes.recordings.tables import Cells, Table, find_tables, number, read_cells

__all__ = ["RELEASES", "Release", "open_frames", "read_frames"]

_FRAME_HZ = 10

_STARSS = (
    "female speech",
    "male speech",
    "clapping",
    "telephone",
    "laughter",
    "domestic sounds",
    "footsteps",
    "door",
    "music",
    "musical instrument",
    "water tap",
    "bell",
    "knock",
)
_NIGENS_2020 = (
    "alarm",
    "crying baby",
    "crash",
    "barking dog",
    "running engine",
    "female scream",
    "female speech",
    "burning fire",
    "footsteps",
    "knocking on door",
    "male scream",
    "male speech",
    "ringing phone",
    "piano",
)
_NIGENS_2021 = tuple(name for name in _NIGENS_2020 if name not in ("running engine", "burning fire"))
_EXPECTED = (
    "foa_dev and metadata_dev (or foa_eval and metadata_eval), flat or with folders such as dev-train-sony, holding "
    "WAV files and CSV files of the same names, such as fold4_room23_mix001"
)
_PARTS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class Release:
    """What is particular about one data set of the family."""

    name: str
    classes: tuple[str, ...]
    kind: Kind
    folds: Mapping[str, str]
    """Published split of each fold, for copies without folders that say it."""
    notes: tuple[str, ...]


def _folds(*splits: str) -> Mapping[str, str]:
    return MappingProxyType({str(number): split for number, split in enumerate(splits, 1)})


_OTHERS = "Sounds of other classes are heard in some recordings and are not labelled."
_MEASURED = "Dry sounds through measured room responses, not recordings of scenes."
_STARSS_FOLDS = _folds("train", "test", "train", "test")

RELEASES: Mapping[str, Release] = MappingProxyType(
    {
        "starss22": Release(name="STARSS22", classes=_STARSS, kind="field", folds=_STARSS_FOLDS, notes=(_OTHERS,)),
        "starss23": Release(name="STARSS23", classes=_STARSS, kind="field", folds=_STARSS_FOLDS, notes=(_OTHERS,)),
        "dcase22-synth": Release(
            name="DCASE 2022 synthetic", classes=_STARSS, kind="measured", folds=_STARSS_FOLDS, notes=(_MEASURED,)
        ),
        "tau-nigens-2020": Release(
            name="TAU-NIGENS 2020",
            classes=_NIGENS_2020,
            kind="measured",
            folds=_folds("test", "val", "train", "train", "train", "train", "eval", "eval"),
            notes=(_MEASURED,),
        ),
        "tau-nigens-2021": Release(
            name="TAU-NIGENS 2021",
            classes=_NIGENS_2021,
            kind="measured",
            folds=_folds("train", "train", "train", "train", "val", "test", "eval", "eval"),
            notes=(_MEASURED, "Directional interferers sound beside what is labelled and are not labelled themselves."),
        ),
    }
)
"""The data sets of the family, by the name that `salm.scenes.recordings.open_recordings` knows them by."""


def open_frames(root: str | Path, *, release: str, channels: str = "ambix") -> RecordingFiles:
    """A data set of the family, from a full copy or a part of one; what has no audio is counted.

    The split of a recording is that of its folder (``dev-train-sony`` is ``train``) or else of its fold, as published;
    recordings of the evaluation set are in the split ``eval``. The group is the room.

    Parameters
    ----------
    root
        Folder with ``foa_dev`` and ``metadata_dev``.
    release
        One of `RELEASES`.
    channels
        What the channels of the files are, one of `salm.audio.formats.LAYOUTS`.

    Raises
    ------
    InputError
        If the release is unknown, there are no labels or no audio, or a table is not as published.
    """
    if release not in RELEASES:
        raise InputError(f"the release is {release!r} but must be one of {', '.join(RELEASES)}.")
    about, root = RELEASES[release], Path(root)
    tables, unlabelled = find_tables(root, name=about.name, expected=_EXPECTED, tables_in="metadata", audio_in="foa")
    items = [_item(table, table.audio, about) for table in tables if table.audio]
    return RecordingFiles(
        name=about.name,
        kind=about.kind,
        items=tuple(items),
        channels=channels,
        missing=len(tables) - len(items),
        unlabelled=unlabelled,
        notes=about.notes,
    )


def read_frames(path: Path, *, classes: Sequence[str] = ()) -> tuple[Label, ...]:
    """Labels of one table: consecutive frames of one class and source as one label that keeps its path.

    Where a class and a source have two rows in a frame, as the loudspeakers of STARSS, which all are source 0, each
    goes on where it was nearest to.

    Parameters
    ----------
    path
        Table without a header.
    classes
        Names by number; a number beyond them stays a number.

    Raises
    ------
    InputError
        If a row has not five, six or seven columns of numbers, or the place cannot be.
    """
    rows = sorted((_row(cells, where) for where, cells in read_cells(path)), key=lambda row: row.frame)
    tracks: list[list[_Row]] = []
    for own in _by_source(rows).values():
        tracks += _tracks(own)
    labels = [_label(track, classes) for track in tracks]
    return tuple(sorted(labels, key=lambda label: (label.start_s, label.end_s)))


@dataclass(frozen=True, kw_only=True)
class _Row:
    frame: int
    number: int
    source: str
    azimuth_deg: float
    elevation_deg: float
    distance_m: float | None


def _row(cells: Cells, where: str) -> _Row:
    if not cells[0].lstrip("+-").isdigit() and cells[0].lower().startswith("frame"):
        raise InputError(
            f"{where}: there is a header, as in the stereo set of DCASE 2025, whose folded angles are no directions; "
            "tables of this family have none."
        )
    if not 5 <= len(cells) <= 7:
        raise InputError(f"{where}: there are {len(cells)} columns but must be 5, 6 (with distance) or 7 (Cartesian).")
    names = (
        "frame",
        "class",
        "source",
        *(("x", "y", "z") if len(cells) == 7 else ("azimuth", "elevation")),
        "distance",
    )
    values = [number(cell, name, where) for cell, name in zip(cells, names, strict=False)]
    if values[0] < 0 or values[0] % 1 or values[1] < 0 or values[1] % 1:
        raise InputError(f"{where}: the frame and the class must be whole numbers from 0 on.")
    if len(cells) == 7:
        if not any(values[3:6]):
            raise InputError(f"{where}: x, y and z are all zero, which is no direction.")
        azimuth_deg, elevation_deg = map(float, azimuth_elevation(np.array(values[3:6])))
    else:
        azimuth_deg, elevation_deg = values[3:5]
    if not (-360 <= azimuth_deg <= 360 and -90 <= elevation_deg <= 90):
        raise InputError(f"{where}: azimuth {azimuth_deg:g}, elevation {elevation_deg:g} is no direction in degrees.")
    distance_cm = values[-1] if len(cells) > 5 else 0.0
    return _Row(
        frame=int(values[0]),
        number=int(values[1]),
        source=cells[2],
        azimuth_deg=azimuth_deg,
        elevation_deg=elevation_deg,
        # Zero fills the column where nobody measured.
        distance_m=distance_cm / 100 if distance_cm > 0 else None,
    )


def _by_source(rows: Sequence[_Row]) -> dict[tuple[int, str], list[_Row]]:
    sources: dict[tuple[int, str], list[_Row]] = {}
    for row in rows:
        sources.setdefault((row.number, row.source), []).append(row)
    return sources


def _tracks(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Rows of one class and source, which are in order, as uninterrupted tracks."""
    tracks: list[list[_Row]] = []
    going: list[list[_Row]] = []
    for frame, together in groupby(rows, key=lambda row: row.frame):
        new = list(together)
        if going and going[0][-1].frame != frame - 1:
            going = []
        goes_on = _nearest(going, new)
        for track, row in goes_on:
            track.append(row)
        placed = {id(row) for _, row in goes_on}
        begun = [[row] for row in new if id(row) not in placed]
        tracks += begun
        going = [track for track, _ in goes_on] + begun
    return tracks


def _nearest(tracks: Sequence[list[_Row]], rows: Sequence[_Row]) -> list[tuple[list[_Row], _Row]]:
    """Pairs of a track and the row that it goes on with, the nearest first; what is left over has no pair."""
    if len(tracks) == 1 == len(rows):
        return [(tracks[0], rows[0])]
    apart = [(_apart(track[-1], row), t, r) for t, track in enumerate(tracks) for r, row in enumerate(rows)]
    pairs: dict[int, int] = {}
    for _, t, r in sorted(apart):
        if t not in pairs and r not in pairs.values():
            pairs[t] = r
    return [(tracks[t], rows[r]) for t, r in pairs.items()]


def _apart(a: _Row, b: _Row) -> float:
    """Grows with the angle between two directions: 1 minus its cosine."""
    up_a, up_b = math.radians(a.elevation_deg), math.radians(b.elevation_deg)
    across = math.cos(math.radians(a.azimuth_deg - b.azimuth_deg))
    return 1 - math.sin(up_a) * math.sin(up_b) - math.cos(up_a) * math.cos(up_b) * across


def _label(track: Sequence[_Row], classes: Sequence[str]) -> Label:
    path = [Place(row.frame / _FRAME_HZ, row.azimuth_deg, row.elevation_deg, row.distance_m) for row in track]
    number = track[0].number
    category = classes[number] if number < len(classes) else str(number)
    end_s = (track[-1].frame + 1) / _FRAME_HZ
    return Label.along(path, end_s=end_s, category=category, source=track[0].source)


def _item(table: Table, audio: Path, about: Release) -> Item:
    words = table.path.stem.split("_")
    fold = next((word.removeprefix("fold") for word in words if word.startswith("fold")), "")
    return Item(
        id=table.path.stem,
        path=audio,
        labels=read_frames(table.path, classes=about.classes),
        split=_split(table.words, fold, about),
        group=next((word for word in words if word.startswith("room")), ""),
    )


def _split(words: frozenset[str], fold: str, about: Release) -> str:
    if "eval" in words:
        return "eval"
    return next((part for part in _PARTS if part in words), about.folds.get(fold, ""))

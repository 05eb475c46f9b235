"""TUT Sound Events 2018 (Ambisonic) and TAU Spatial Sound Events 2019: one row an event, in seconds.

A table has the header ``sound_event_recording,start_time,end_time,ele,azi,dist`` and is read by position, since copies
lost the last name and everything after it would shift. Elevation stands *before* azimuth; both are degrees in the frame
of `salm.frame`, the distance is in metres. The moving set of 2018 has the angular velocity in degrees a second before
the distance.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from salm.errors import InputError
from salm.scenes.recordings.base import Item, Label, Place, RecordingFiles
from salm.scenes.recordings.tables import Cells, Table, find_tables, number, read_cells

__all__ = ["EVENT_SETS", "EventSet", "open_events", "read_events"]

_URBAN = (
    "air conditioner",
    "car horn",
    "children playing",
    "dog bark",
    "drilling",
    "engine idling",
    "gun shot",
    "jackhammer",
    "siren",
    "street music",
)
# 164312-3-1-0.wav is take 1, slice 0 of recording 164312 in UrbanSound8K, of class 3.
_URBAN_NAME = re.compile(r"\d+-(?P<number>\d)-\d+-\d+")
_NUMBERED = re.compile(r"(?P<name>[A-Za-z]+)\d{3}")
_STEP_S = 0.1
_MEASURED = "Dry sounds through measured room responses, not recordings of scenes."


class EventSet(NamedTuple):
    """What is particular about one of the two data sets."""

    name: str
    channels: str
    expected: str
    notes: tuple[str, ...]


EVENT_SETS: Mapping[str, EventSet] = MappingProxyType(
    {
        "tut-2018": EventSet(
            "TUT Sound Events 2018",
            "ambix",
            "folders such as wav_ov1_split1_30db and desc_ov1_split1 with WAV files and CSV files of the same names",
            (_MEASURED, "The order of the channels is not published with the files: check it with frame_errors."),
        ),
        "tau-2019": EventSet(
            "TAU Spatial Sound Events 2019",
            "n3d",
            "foa_dev and metadata_dev (or foa_eval and metadata_eval) with WAV files and CSV files of the same names",
            (_MEASURED,),
        ),
    }
)
"""The data sets, by the name that `salm.scenes.recordings.open_recordings` knows them by."""


def open_events(root: str | Path, *, release: str, channels: str | None = None) -> RecordingFiles:
    """One of the two data sets, from a full copy or a part of one; what has no audio is counted.

    Of 2018 the split is ``train`` or ``test``, as the names of the files begin, and the group the part, such as
    ``ov1 split2``; each part is a cross-validation of its own. Of 2019 the split is ``split1`` to ``split4``, the
    published folds, or ``eval``, and the group the room, such as ``ir0``.

    Parameters
    ----------
    root
        Folder with the folders of the published archives.
    release
        One of `EVENT_SETS`.
    channels
        What the channels of the files are, one of `salm.audio.formats.LAYOUTS`; None is the data set's own.

    Raises
    ------
    InputError
        If the data set is unknown, there are no labels or no audio, or a table is not as published.
    """
    if release not in EVENT_SETS:
        raise InputError(f"the data set is {release!r} but must be one of {', '.join(EVENT_SETS)}.")
    about, is_2018 = EVENT_SETS[release], release == "tut-2018"
    tables, unlabelled = find_tables(
        Path(root),
        name=about.name,
        expected=about.expected,
        tables_in="desc" if is_2018 else "metadata",
        audio_in="wav" if is_2018 else "foa",
    )
    item = _item_2018 if is_2018 else _item_2019
    items = [item(table, table.audio) for table in tables if table.audio]
    return RecordingFiles(
        name=about.name,
        kind="measured",
        items=tuple(items),
        channels=channels or about.channels,
        missing=len(tables) - len(items),
        unlabelled=unlabelled,
        notes=about.notes,
    )


def read_events(path: Path) -> tuple[Label, ...]:
    """Labels of one table, by position.

    Classes are those of the names of the sounds: UrbanSound8K's for ``164312-3-1-0.wav``, ``speech`` for
    ``speech007.wav``, otherwise the name itself.

    Raises
    ------
    InputError
        If a row has not six columns, or seven of a moving source, or holds no place or no time.
    """
    rows = read_cells(path)
    labels = [_label(cells, where) for where, cells in rows[1 if rows and _is_header(rows[0][1]) else 0 :]]
    return tuple(sorted(labels, key=lambda label: (label.start_s, label.end_s)))


def _label(cells: Cells, where: str) -> Label:
    if len(cells) not in (6, 7):
        raise InputError(
            f"{where}: there are {len(cells)} columns but must be 6: name, start, end, elevation, azimuth and "
            "distance, or 7 with an angular velocity before the distance."
        )
    names = ("start", "end", "elevation", "azimuth", *(("angular velocity",) if len(cells) == 7 else ()), "distance")
    values = [number(cell, name, where) for cell, name in zip(cells[1:], names, strict=True)]
    start_s, end_s, elevation_deg, azimuth_deg = values[:4]
    distance_m = values[-1] if values[-1] > 0 else None
    if not -90 <= elevation_deg <= 90:
        raise InputError(
            f"{where}: the elevation is {elevation_deg:g} but must be -90 to 90; it stands before the azimuth."
        )
    try:
        path = [Place(start_s, azimuth_deg, elevation_deg, distance_m)]
        if len(cells) == 7 and values[4]:
            path = [
                Place(float(moment), azimuth_deg + values[4] * float(moment - start_s), elevation_deg, distance_m)
                for moment in np.arange(start_s, end_s, _STEP_S)
            ] or path
        return Label.along(path, end_s=end_s, category=_category(cells[0]))
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _category(name: str) -> str:
    stem = name.split(".")[0]
    if match := _URBAN_NAME.fullmatch(stem):
        return _URBAN[int(match["number"])]
    match = _NUMBERED.fullmatch(stem)
    return match["name"] if match else stem


def _is_header(cells: Cells) -> bool:
    return not re.match(r"[+-]?[\d.]", cells[1] if len(cells) > 1 else "")


def _item_2018(table: Table, audio: Path) -> Item:
    part = " ".join(sorted(word for word in table.words if re.fullmatch(r"(?:ov|split)\d+", word)))
    # Every part numbers its recordings from 0 on.
    return Item(
        id=f"{table.path.parent.name}/{table.path.stem}",
        path=audio,
        labels=read_events(table.path),
        split=table.path.stem.split("_")[0],
        group=part,
    )


def _item_2019(table: Table, audio: Path) -> Item:
    words = table.path.stem.split("_")
    fold = next((word for word in words if word.startswith("split")), "")
    return Item(
        id=table.path.stem,
        path=audio,
        labels=read_events(table.path),
        split="eval" if "eval" in table.words else fold,
        group=next((word for word in words if word.startswith("ir")), ""),
    )

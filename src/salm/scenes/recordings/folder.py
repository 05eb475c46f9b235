"""Ambisonic recordings of one's own: a folder of files and a CSV table that says what is where in them.

``file`` and ``azimuth_deg`` are all a table needs. ``start_s`` and ``end_s`` left empty are the whole of the file; the
other columns that are understood are ``elevation_deg``, ``distance_m``, ``caption``, ``source``, ``split`` and
``group``. A file with several sounds has a row for each.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import soundfile

from salm.audio.decoding import system_name
from salm.errors import InputError
from salm.scenes.recordings.base import Item, Label, RecordingFiles
from salm.scenes.recordings.tables import number
from salm.table import read_files

__all__ = ["open_folder"]

_REQUIRED = ("file", "azimuth_deg")


def open_folder(folder: str | Path, *, channels: str = "ambix") -> RecordingFiles:
    """Recordings that ``labels.csv`` lists; those whose files are not there are counted.

    Parameters
    ----------
    folder
        Where the table is; the paths in its ``file`` column are relative to the folder, and are the ids.
    channels
        What the channels of the files are, one of `salm.audio.formats.LAYOUTS`.

    Raises
    ------
    InputError
        If the table is missing or not readable, a row is not complete or cannot be, or no file is there.
    """
    folder = Path(folder)
    files, missing = read_files(folder / "labels.csv", required=_REQUIRED, of="recordings")
    return RecordingFiles(
        name=folder.resolve().name,
        kind="own",
        items=tuple(_item(folder, name, rows) for name, rows in files.items()),
        channels=channels,
        missing=missing,
    )


def _item(folder: Path, name: str, rows: Sequence[tuple[str, Mapping[str, str]]]) -> Item:
    labels = [_label(folder / name, row, where) for where, row in rows]
    first = rows[0][1]
    return Item(
        id=name,
        path=folder / name,
        labels=tuple(sorted(labels, key=lambda label: (label.start_s, label.end_s))),
        split=first.get("split") or "test",
        group=first.get("group", ""),
    )


def _label(path: Path, row: Mapping[str, str], where: str) -> Label:
    values = {
        name: number(text, name, where) if (text := row.get(name, "")) else None
        for name in ("start_s", "end_s", "azimuth_deg", "elevation_deg", "distance_m")
    }
    if values["azimuth_deg"] is None:
        raise InputError(f"{where}: the azimuth_deg is empty; every row needs one.")
    end_s = values["end_s"]
    try:
        return Label(
            start_s=values["start_s"] or 0.0,
            end_s=_duration_s(path) if end_s is None else end_s,
            category=row.get("caption", ""),
            azimuth_deg=values["azimuth_deg"],
            elevation_deg=values["elevation_deg"],
            distance_m=values["distance_m"],
            source=row.get("source", ""),
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _duration_s(path: Path) -> float:
    try:
        return float(soundfile.info(system_name(path)).duration)
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path} is no audio file that can be read; give its end_s, or mend it.") from error

"""Timelines as files: DCASE tables, labels for Audacity, regions for Reaper, JSON."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Literal, get_args

from salm.errors import InputError
from salm.frame import wrap_deg
from salm.scanning.event import Event
from salm.scanning.sightings import TICK_S
from salm.scanning.timeline import Timeline
from salm.whole import written_whole

__all__ = ["FORMATS", "TimelineFormat", "format_of", "timeline_text", "write_timeline"]

TimelineFormat = Literal["dcase", "audacity", "reaper", "json"]
FORMATS: tuple[TimelineFormat, ...] = get_args(TimelineFormat)
"""Names of what a timeline can be written as."""

_ENDINGS: dict[str, TimelineFormat] = {".csv": "dcase", ".txt": "audacity", ".json": "json"}


def format_of(path: str | Path) -> TimelineFormat:
    """The format that a file's ending stands for.

    Raises
    ------
    InputError
        If it stands for none.
    """
    form = _ENDINGS.get(Path(path).suffix.lower())
    if form is None:
        known = ", ".join(f"{ending} ({form})" for ending, form in _ENDINGS.items())
        raise InputError(
            f"{path} could be any format; let its name end in one of {known}, or say which with --out-format."
        )
    return form


def write_timeline(path: str | Path, timeline: Timeline, form: TimelineFormat | None = None) -> None:
    """Write a timeline, the whole file or nothing.

    ``dcase``
        Rows frame, class, track, azimuth, elevation of every event in every 100 ms, without a header, as in STARSS23's
        metadata but without the distance, which nobody measured. The class is the place of the event's sentence in the
        user's list, from 0. Events without an azimuth have no rows; an elevation that is not known is 0.
    ``audacity``
        A label track: start, end and name, separated by tabs.
    ``reaper``
        Regions for Reaper's region and marker manager: a table with ``#,Name,Start,End,Length``.
    ``json``
        Everything, as :meth:`Timeline.to_dict`.

    Parameters
    ----------
    form
        One of `FORMATS`; None goes by the ending of the name (`format_of`).

    Raises
    ------
    InputError
        If the file cannot be written, or no format is known.
    """
    form = form or format_of(path)
    if form not in FORMATS:
        raise InputError(f"the format is {form!r} but must be one of {', '.join(FORMATS)}.")
    with written_whole(path) as part:
        part.write_text(timeline_text(timeline, form), encoding="utf-8", newline="")


def timeline_text(timeline: Timeline, form: TimelineFormat) -> str:
    """What :func:`write_timeline` writes, line ends included."""
    if form == "json":
        return json.dumps(timeline.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    text = io.StringIO(newline="")
    _WRITERS[form](text, timeline.events)
    return text.getvalue()


def _dcase(file: IO[str], events: Iterable[Event]) -> None:
    rows = [
        (frame, event.label, event.track, *angles)
        for event in events
        for frame in range(round(event.onset_s / TICK_S), max(1, round(event.offset_s / TICK_S)))
        if (angles := _whole_degrees(event, frame * TICK_S)) is not None
    ]
    csv.writer(file, lineterminator="\n").writerows(sorted(rows))


def _whole_degrees(event: Event, time_s: float) -> tuple[int, int] | None:
    azimuth_deg, elevation_deg = event.at(time_s)
    if azimuth_deg is None:
        return None
    return round(wrap_deg(round(azimuth_deg))), round(elevation_deg or 0.0)


def _audacity(file: IO[str], events: Iterable[Event]) -> None:
    for event in events:
        file.write(f"{event.onset_s:.3f}\t{event.offset_s:.3f}\t{_named(event)}\n")


def _reaper(file: IO[str], events: Iterable[Event]) -> None:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["#", "Name", "Start", "End", "Length"])
    for number, event in enumerate(events, 1):
        times = (f"{time_s:.3f}" for time_s in (event.onset_s, event.offset_s, event.offset_s - event.onset_s))
        table.writerow([f"R{number}", _named(event), *times])


_WRITERS = {"dcase": _dcase, "audacity": _audacity, "reaper": _reaper}


def _named(event: Event) -> str:
    """Name and place of an event in one line."""
    name = " ".join((event.name or "sound").split())
    if event.azimuth_deg is None:
        return f"{name}, track {event.track}"
    angles = f"azimuth {round(wrap_deg(round(event.azimuth_deg))):+d}"
    height = "" if event.elevation_deg is None else f", elevation {round(event.elevation_deg):+d}"
    return f"{name}, {event.sector}, {angles}{height}, track {event.track}"

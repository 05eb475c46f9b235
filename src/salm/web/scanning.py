"""A recording as a timeline, in steps that are short enough to let others in between and to be stopped."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any, NamedTuple

from salm.errors import InputError
from salm.model.inference import Model
from salm.scanning.event import Event
from salm.scanning.formats import TimelineFormat, timeline_text
from salm.scanning.timeline import Scanner, Timeline
from salm.web.limits import Limits
from salm.web.uploads import Upload

__all__ = ["Progress", "scanned", "timeline_file"]

# The two tables would have one name.
_FILES = {
    "dcase": ("-dcase.csv", "text/csv"),
    "audacity": ("-audacity.txt", "text/plain"),
    "reaper": ("-reaper.csv", "text/csv"),
    "json": (".json", "application/json"),
}


class Progress(NamedTuple):
    """How far a scan is."""

    done_s: float
    total_s: float


def scanned(
    upload: Upload, limits: Limits, model: Model, sentences: Sequence[str], *, layout: str | None
) -> Generator[Progress, None, dict[str, Any]]:
    """Scan a recording event by event and block by block: yields its progress, returns the timeline in plain form.

    Raises
    ------
    InputError
        If the recording cannot be read or is too long, by its header or by what it holds, or the sentences cannot be
        used.
    """
    path, events = upload.checked(limits), list[Event]()
    latest = Progress(0.0, 0.0)

    def note(done_s: float, total_s: float) -> None:
        nonlocal latest
        latest = Progress(done_s, total_s)

    with upload.named(), Scanner(path, model, sentences, layout=layout, progress=note) as scanner:
        for event in scanner.steps():
            if event is not None:
                events.append(event)
            if latest.done_s > limits.max_s:
                raise InputError(limits.too_long(path))
            yield latest
        timeline = scanner.timeline
    yield Progress(timeline.duration_s, timeline.duration_s)
    in_order = tuple(sorted(events, key=lambda event: (event.onset_s, event.track)))
    return replace(timeline, file=upload.name, events=in_order).to_dict()


def timeline_file(plain: dict[str, Any], form: TimelineFormat) -> tuple[str, str, str]:
    """Name, media type and text of a file that holds a timeline, of which this is the plain form."""
    ending, kind = _FILES[form]
    timeline = Timeline.from_dict(plain)
    return f"{PurePath(timeline.file).stem}{ending}", kind, timeline_text(timeline, form)

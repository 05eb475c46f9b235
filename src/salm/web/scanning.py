"""A recording as a timeline, in steps that are short enough to let others in between and to be stopped."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from salm.model.inference import Model
from salm.scanning.event import Event
from salm.scanning.timeline import Scanner
from salm.web.limits import Limits
from salm.web.uploads import Upload

__all__ = ["Progress", "scanned"]


class Progress(NamedTuple):
    """How far a scan is."""

    done_s: float
    total_s: float


def scanned(
    upload: Upload, limits: Limits, model: Model, sentences: Sequence[str], *, layout: str | None
) -> Generator[Progress, None, dict[str, Any]]:
    """Scan a recording event by event: yields its progress, returns the timeline in plain form.

    Raises
    ------
    InputError
        If the recording cannot be read or is too long, or the sentences cannot be used.
    """
    path, events = upload.checked(limits), list[Event]()
    latest = Progress(0.0, 0.0)

    def note(done_s: float, total_s: float) -> None:
        nonlocal latest
        latest = Progress(done_s, total_s)

    with upload.named(), Scanner(path, model, sentences, layout=layout, progress=note) as scanner:
        for event in scanner:
            events.append(event)
            yield latest
        timeline = scanner.timeline
    yield Progress(timeline.duration_s, timeline.duration_s)
    in_order = tuple(sorted(events, key=lambda event: (event.onset_s, event.track)))
    return replace(timeline, file=upload.name, events=in_order).to_dict()

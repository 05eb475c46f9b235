"""Stretches of recordings in which exactly one source sounds: what a localiser of one source can be asked about."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from salm.audio.recording import Recording
from salm.errors import InputError
from salm.scenes.recordings.base import Item, Label, RecordingSet

__all__ = ["Stretch", "heard_in", "single_source_stretches", "spread_stretches"]

# Far below a sample, far above the rounding of sums of frames.
_SLACK_S = 1e-6


class Stretch(NamedTuple):
    """A piece of a recording."""

    item: Item
    label: Label
    """Of the only source, from the start to the end of the stretch."""


def single_source_stretches(recordings: RecordingSet, *, min_s: float) -> list[Stretch]:
    """Stretches of at least a length in which exactly one label is active, in the order of the items.

    Two labels at a time are two sources, also where a set says that one person does both, since hands are not where the
    mouth is. What a set does not label may sound all the same: see its notes. The source may move, see
    :attr:`~salm.scenes.recordings.base.Label.path`.

    Parameters
    ----------
    recordings
        The set.
    min_s
        Shortest stretch, in seconds; positive.

    Raises
    ------
    InputError
        If the length is not positive.
    """
    if not min_s > 0:
        raise InputError(f"min_s is {min_s} but must be positive.")
    return [
        Stretch(item, label)
        for item in recordings.items
        for label in _alone(item.labels)
        if label.end_s - label.start_s >= min_s - _SLACK_S
    ]


def spread_stretches(recordings: RecordingSet, *, min_s: float, limit: int) -> list[Stretch]:
    """At most so many of :func:`single_source_stretches`, evenly spread over the set; at least one.

    Raises
    ------
    InputError
        If there is none of that length, or the limit or the length is not positive.
    """
    if limit < 1:
        raise InputError(f"limit is {limit} but must be at least 1.")
    stretches = single_source_stretches(recordings, min_s=min_s)
    if not stretches:
        raise InputError(f"{recordings.name} has no stretch of {min_s:g} s with a single source; ask for shorter ones.")
    return stretches[:: -(-len(stretches) // limit)]


def heard_in(stretch: Stretch, recording: Recording) -> Recording:
    """The samples of a stretch, of the recording that its item is.

    Raises
    ------
    InputError
        If the recording is over before the stretch begins.
    """
    start, stop = (round(moment * recording.rate_hz) for moment in (stretch.label.start_s, stretch.label.end_s))
    if start >= min(stop, recording.samples.shape[1]):
        raise InputError(
            f"{stretch.item.path} is over at {recording.duration_s:g} s but has a label at {stretch.label.start_s:g} s."
        )
    return replace(recording, samples=recording.samples[:, start:stop])


def _alone(labels: Sequence[Label]) -> list[Label]:
    moments = sorted({moment for label in labels for moment in (label.start_s, label.end_s)})
    alone: list[Label] = []
    active: list[Label] = []
    waiting = sorted(labels, key=lambda label: label.start_s, reverse=True)
    for start_s, end_s in pairwise(moments):
        active = [label for label in active if label.end_s > start_s]
        while waiting and waiting[-1].start_s <= start_s:
            active.append(waiting.pop())
        if len(active) == 1:
            alone.append(active[0].cut(start_s=start_s, end_s=end_s))
    return alone

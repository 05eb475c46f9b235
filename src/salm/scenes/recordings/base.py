"""What every set of labelled Ambisonic recordings offers: items, their labels in one frame, the audio on demand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
from jaxtyping import Float64

from salm.audio.recording import Recording, read, resample
from salm.errors import InputError
from salm.frame import Direction, azimuth_elevation, unit_vector, wrap_deg

__all__ = ["Item", "Kind", "Label", "Place", "RecordingFiles", "RecordingSet"]

# In seconds times unit vectors: what is shorter has no direction.
_TINY = 1e-6

Kind = Literal["field", "measured", "own"]
"""Recorded where it sounded; dry sounds through measured impulse responses; a user's own, which may be either."""


class Place(NamedTuple):
    """Where a source is from a moment on."""

    start_s: float
    azimuth_deg: float
    elevation_deg: float | None
    distance_m: float | None


@dataclass(frozen=True, kw_only=True)
class Label:
    """One source while it sounds, in the frame of `salm.frame`: left is +90, up is positive.

    Raises
    ------
    InputError
        If it ends before it starts or starts before the recording, or the angles or the distance cannot be.
    """

    start_s: float
    end_s: float
    category: str
    """What it is, by the set's name for the class; its number where the names are not published, or a caption."""
    azimuth_deg: float
    """In (-180, 180]; of a source that moves, of the mean direction."""
    elevation_deg: float | None = None
    """None is not known."""
    distance_m: float | None = None
    """In metres; None is not known. Of a source that moves, the mean."""
    source: str = ""
    """The set's number of the source; empty if there is none."""
    path: tuple[Place, ...] = ()
    """Of a source that moves: each place holds until the next. Empty if it stays where it is."""

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s < np.inf:
            raise InputError(
                f"a label from {self.start_s:g} s to {self.end_s:g} s cannot be; it must not start before 0 s "
                "and must end after its start."
            )
        if self.distance_m is not None and not 0 < self.distance_m < np.inf:
            raise InputError(f"the distance is {self.distance_m:g} m but must be positive, or left out.")
        wrapped = Direction(self.azimuth_deg, 0.0 if self.elevation_deg is None else self.elevation_deg)
        object.__setattr__(self, "azimuth_deg", wrapped.azimuth_deg)

    @classmethod
    def along(cls, path: Sequence[Place], *, end_s: float, category: str, source: str = "") -> "Label":
        """Label of a source that is at one place after another, the mean direction weighted by time.

        Opposite places have no mean direction: the first is taken. The elevation or the distance is known if it is
        known of every place.
        """
        path = [_wrapped(place) for place in path]
        steps = [place for number, place in enumerate(path) if not number or place[1:] != path[number - 1][1:]]
        if len(steps) == 1:
            mean = steps[0][1:]
        else:
            mean = _mean(steps, np.diff([place.start_s for place in steps], append=end_s))
        return cls(
            start_s=steps[0].start_s,
            end_s=end_s,
            category=category,
            azimuth_deg=mean[0],
            elevation_deg=mean[1],
            distance_m=mean[2],
            source=source,
            path=() if len(steps) == 1 else tuple(steps),
        )

    def cut(self, *, start_s: float, end_s: float) -> "Label":
        """The part of it between two moments, which must be within it."""
        if not self.path:
            return replace(self, start_s=start_s, end_s=end_s)
        first = max(number for number, place in enumerate(self.path) if place.start_s <= start_s)
        path = [place for place in self.path[first:] if place.start_s < end_s]
        path[0] = path[0]._replace(start_s=start_s)
        return Label.along(path, end_s=end_s, category=self.category, source=self.source)

    @property
    def moves(self) -> bool:
        """Whether it changes its place."""
        return bool(self.path)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One recording with its labels."""

    id: str
    """Unique within its set."""
    path: Path
    labels: tuple[Label, ...]
    """By start; none where nothing sounds that is labelled."""
    split: str
    """As published, such as ``train``, ``val``, ``test`` or ``eval``."""
    group: str = ""
    """Room or part of the set that it is of; empty if not known."""


class RecordingSet(Protocol):
    """Labelled Ambisonic recordings, the audio of each on demand."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def kind(self) -> Kind:
        """Field recordings, measured or own: figures over different kinds are not to be pooled."""

    @property
    def items(self) -> tuple[Item, ...]:
        """All recordings with labels, in a fixed order."""

    @property
    def missing(self) -> int:
        """Tables of labels whose audio is not there."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever reads figures over it must know, in sentences."""

    def read(self, item_id: str, *, rate_hz: int | None = None) -> Recording:
        """AmbiX samples of a recording; None keeps the rate of its file.

        Raises
        ------
        salm.errors.InputError
            If the set has no such recording, or its file cannot be read.
        """


@dataclass(frozen=True, kw_only=True)
class RecordingFiles:
    """A set whose recordings are files: what the readers of all layouts make.

    Raises
    ------
    InputError
        If two recordings have the same id.
    """

    name: str
    kind: Kind
    items: tuple[Item, ...]
    channels: str = "ambix"
    """What the channels of the files are, one of `salm.audio.formats.LAYOUTS`."""
    missing: int = 0
    unlabelled: int = 0
    """Audio files without labels, such as those of an evaluation set whose labels are kept back."""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen: dict[str, Path] = {}
        for item in self.items:
            if item.id in seen:
                raise InputError(
                    f"the recording {item.id} has labels twice, for {seen[item.id]} and {item.path}; "
                    "open one data set at a time."
                )
            seen[item.id] = item.path

    def select(self, split: str | None) -> "RecordingFiles":
        """Set of the recordings of one split; None is all.

        Raises
        ------
        InputError
            If there is none of it; the message lists the splits there are.
        """
        if split is None:
            return self
        kept = tuple(item for item in self.items if item.split == split)
        if not kept:
            there = ", ".join(sorted({item.split for item in self.items}))
            raise InputError(f"no recording of {self.name} has the split {split!r}; there is {there}.")
        return replace(self, items=kept)

    def read(self, item_id: str, *, rate_hz: int | None = None) -> Recording:
        """AmbiX samples of a recording; None keeps the rate of its file.

        Raises
        ------
        InputError
            If the set has no such recording, or its file cannot be read or has not four channels or more.
        """
        path = next((item.path for item in self.items if item.id == item_id), None)
        if path is None:
            raise InputError(f"{self.name} has no recording {item_id!r}; its ids are those of its items.")
        recording = read(path, layout=self.channels)
        return recording if rate_hz is None else resample(recording, rate_hz)


def _wrapped(place: Place) -> Place:
    # Tables have hundreds of thousands of rows, nearly all of them wrapped.
    return place if -180 < place.azimuth_deg <= 180 else place._replace(azimuth_deg=wrap_deg(place.azimuth_deg))


def _mean(steps: Sequence[Place], lasts_s: Float64[np.ndarray, " step"]) -> tuple[float, float | None, float | None]:
    """Azimuth, elevation and distance over time."""
    elevations = _known([place.elevation_deg for place in steps])
    distances = _known([place.distance_m for place in steps])
    heights = np.zeros(len(steps)) if elevations is None else elevations
    vectors = unit_vector(np.array([place.azimuth_deg for place in steps]), heights)
    total = lasts_s @ vectors
    azimuth_deg, elevation_deg = azimuth_elevation(total if np.linalg.norm(total) > _TINY else vectors[0])
    distance_m = None if distances is None else float(np.average(distances, weights=lasts_s))
    return float(azimuth_deg), None if elevations is None else float(elevation_deg), distance_m


def _known(values: Sequence[float | None]) -> Float64[np.ndarray, " step"] | None:
    known = [value for value in values if value is not None]
    return np.array(known) if len(known) == len(values) else None

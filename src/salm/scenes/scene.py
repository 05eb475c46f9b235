"""A scene: which sounds are where in which room, as plain data.

The recipe is the data set. A scene is a few hundred bytes; rendering it (:mod:`salm.scenes.rendering`) gives the same
samples every time, so a corpus of spatial audio is a small table and the audio itself need never be stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from salm.acoustics.room import Position, Room
from salm.errors import InputError
from salm.frame import Direction, angle_between_deg, sector_index, unit_vector

__all__ = ["LONGEST_S", "SAME_DIRECTION_DEG", "SCHEMA", "Ambience", "Scene", "Source", "Waypoint"]

SCHEMA = 3
"""Newest version of the plain form of a scene. A scene is written as the oldest that can say it: 1 has sources that
stand still in a room or the free field, 2 measured responses, 3 paths and ambience."""

LONGEST_S = 3600.0
"""A scene is rendered in memory; a longer one is a slip of the pen."""

_LEAST_DB, _MOST_DB = -1000.0, 300.0
# Of a path; it may go on when the scene is over.
_LATEST_S = 1e9

SAME_DIRECTION_DEG = 1.0
"""Tables round directions; what is farther off is another direction."""


class Waypoint(NamedTuple):
    """Where a moving source is at a time."""

    time_s: float
    """Within the scene."""
    azimuth_deg: float
    elevation_deg: float
    distance_m: float

    @property
    def place(self) -> Position:
        """Where that is."""
        return Position(self.azimuth_deg, self.elevation_deg, self.distance_m)


@dataclass(frozen=True, kw_only=True)
class Source:
    """One sound at one place.

    Raises
    ------
    InputError
        If the angles are no direction, the distance is not positive, or unknown without a measured response, the start
        is negative or after an hour, or the gain above 300 dB or below -1000.
    """

    sound_id: str
    caption: str
    """What it is, without place words."""
    azimuth_deg: float
    elevation_deg: float
    distance_m: float | None
    """From the microphone, in metres; None is not known, which only measured responses may leave open."""
    gain_db: float = 0.0
    start_s: float = 0.0
    """When it begins within the scene."""
    response_id: str | None = None
    """Of the scene's measured responses, the one that it sounds through."""
    path: tuple[Waypoint, ...] = ()
    """Where it passes, if it moves: two places or more, near each other. Before the first and after the last it stands
    still. Direction and distance above are the means over the time of the path; see `Source.along`."""

    def __post_init__(self) -> None:
        _check_text(sound_id=self.sound_id, caption=self.caption)
        _check_level(gain_db=self.gain_db)
        Direction(self.azimuth_deg, self.elevation_deg)
        if self.distance_m is None and self.response_id is None:
            raise InputError("a source without a measured response needs a distance; give its distance_m.")
        if not (self.distance_m is None or 0 < self.distance_m < np.inf) or not 0 <= self.start_s <= LONGEST_S:
            raise InputError(
                f"a source at {self.distance_m} m that starts at {self.start_s} s cannot be; "
                "the distance must be positive and the start not negative, nor after an hour."
            )
        if self.path:
            self._check_path()

    @classmethod
    def along(cls, path: Sequence[Waypoint], **values: Any) -> "Source":
        """A source that moves along a path; the values are its other fields, without direction and distance.

        Raises
        ------
        InputError
            If the path has less than two places, they are not in order of time, or their mean is no direction.
        """
        _check_times(path)
        return cls(path=tuple(path), **_mean(path)._asdict(), **values)

    @property
    def sector(self) -> int:
        """Index of the 45 degree sector that the source is in."""
        return int(sector_index(self.azimuth_deg))

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON; what older versions did not know is left out where it says nothing."""
        plain = dict(vars(self))
        if self.response_id is None:
            del plain["response_id"]
        plain["path"] = [place._asdict() for place in self.path]
        return plain if self.path else {name: value for name, value in plain.items() if name != "path"}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Source":
        """Source from its plain form.

        Raises
        ------
        TypeError
            If a field is missing or unknown.
        InputError
            If the fields describe no source.
        """
        path = tuple(Waypoint(**place) for place in plain.get("path", ()))
        return cls(**{**plain, "path": path})

    def _check_path(self) -> None:
        _check_times(self.path)
        if self.response_id is not None:
            raise InputError("a source that moves cannot sound through one measured response; leave its path out.")
        if not all(0 < place.distance_m < np.inf for place in self.path):
            raise InputError("a source that moves has a place without a positive distance; give each its distance_m.")
        mean = _mean(self.path)
        there = unit_vector(mean.azimuth_deg, mean.elevation_deg)
        off_deg = float(angle_between_deg(there, unit_vector(self.azimuth_deg, self.elevation_deg)))
        if off_deg > SAME_DIRECTION_DEG:
            raise InputError(
                f"a source's direction is {off_deg:.0f} degrees from the mean of its path; make it with Source.along."
            )


@dataclass(frozen=True, kw_only=True)
class Ambience:
    """What sounds in the background, from everywhere.

    Raises
    ------
    InputError
        If the ratio is not finite.
    """

    snr_db: float
    """Mean level of the sources in W over that of the ambience, both over the whole recording."""
    sound_id: str | None = None
    """A sound of the corpus, spread over all directions; None is pink noise."""

    def __post_init__(self) -> None:
        _check_level(snr_db=self.snr_db)
        if self.sound_id is not None:
            _check_text(sound_id=self.sound_id)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One or more sounds in one room around one microphone."""

    seed: int
    """Of everything random in rendering: the diffuse tail and the sensor noise."""
    sources: tuple[Source, ...]
    room: Room | None = None
    """None is the free field, or measured."""
    duration_s: float | None = None
    """Length of the recording; None is the length of the dry sounds, as in the paper's code line."""
    noise_db: float | None = None
    """Level of white sensor noise in each channel relative to the recording's mean level in W; None is no noise."""
    ambience: Ambience | None = None
    """What sounds in the background."""
    responses: str | None = None
    """Name of the set of measured responses through which all sources sound; None is a room or the free field."""

    def __post_init__(self) -> None:
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**63:
            raise InputError(f"a scene's seed is {self.seed!r} but must be a whole number from 0 on, below 2^63.")
        if self.duration_s is not None and not 0 < self.duration_s <= LONGEST_S:
            raise InputError(f"a scene's duration_s is {self.duration_s} but must be positive and an hour at most.")
        if self.noise_db is not None:
            _check_level(noise_db=self.noise_db)
        if not self.sources:
            raise InputError("a scene needs at least one source; give one.")
        if self.responses is not None and self.room is not None:
            raise InputError("a scene is either of measured responses or of a simulated room; leave one of both out.")
        for source in self.sources:
            if (source.response_id is None) != (self.responses is None):
                raise InputError(
                    f"the scene has the responses {self.responses!r} and a source the response {source.response_id!r}; "
                    "give both or neither."
                )

    @property
    def sound_ids(self) -> tuple[str, ...]:
        """Of all sounds of the corpus that it is made of, the background last."""
        background = None if self.ambience is None else self.ambience.sound_id
        return (*(source.sound_id for source in self.sources), *(() if background is None else (background,)))

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        plain = {
            **vars(self),
            "schema": self._schema,
            "sources": [source.to_dict() for source in self.sources],
            "room": self.room.to_dict() if self.room else None,
            "ambience": dict(vars(self.ambience)) if self.ambience else None,
        }
        # What older versions did not know is left out where it says nothing: they read the rest, word for word.
        return {key: plain[key] for key in plain if key not in ("responses", "ambience") or plain[key] is not None}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Scene":
        """Scene from its plain form.

        Raises
        ------
        InputError
            If the form has another schema or lacks or does not know a field.
        """
        values = dict(plain)
        if (schema := values.pop("schema", None)) not in range(1, SCHEMA + 1):
            raise InputError(f"the scene has schema {schema!r} but this version reads schemas 1 to {SCHEMA}.")
        try:
            values["sources"] = tuple(Source.from_dict(source) for source in values["sources"])
            values["room"] = Room.from_dict(values["room"]) if values.get("room") else None
            values["ambience"] = Ambience(**values["ambience"]) if values.get("ambience") else None
            return cls(**values)
        except InputError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise InputError(f"the scene is not complete, or has a value of another kind: {error}.") from error

    @property
    def _schema(self) -> int:
        if self.ambience is not None or any(source.path for source in self.sources):
            return 3
        return 1 if self.responses is None else 2


def _check_text(**texts: str) -> None:
    for name, text in texts.items():
        if not isinstance(text, str):
            raise InputError(f"the {name} is {text!r} but must be text.")


def _check_level(**levels_db: float) -> None:
    for name, level_db in levels_db.items():
        if not _LEAST_DB <= level_db <= _MOST_DB:
            raise InputError(f"{name} is {level_db} but must be a number from {_LEAST_DB:g} to {_MOST_DB:g}.")


def _check_times(path: Sequence[Waypoint]) -> None:
    times = [place.time_s for place in path]
    ordered = all(before < after for before, after in pairwise(times))
    if len(path) < 2 or not ordered or not times[0] >= 0 or not times[-1] < _LATEST_S:
        raise InputError(f"a path is two places or more at growing times, not at {times} s.")


def _mean(path: Sequence[Waypoint]) -> Position:
    """Mean direction and distance over the time of a path."""
    times = np.array([place.time_s for place in path])
    steps = np.diff(times)
    weights = (np.append(steps, 0) + np.insert(steps, 0, 0)) / 2
    directions = np.stack([Direction(place.azimuth_deg, place.elevation_deg).vector for place in path])
    vector = weights @ directions
    if np.linalg.norm(vector) < 1e-6 * weights.sum():
        raise InputError("the mean of a path is no direction; make it shorter.")
    mean = Direction.from_vector(vector)
    distance_m = float(weights @ [place.distance_m for place in path] / weights.sum())
    return Position(mean.azimuth_deg, mean.elevation_deg, distance_m)

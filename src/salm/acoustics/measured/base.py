"""What every set of measured responses offers: where each is from, and its samples on demand."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import soxr
from jaxtyping import Float32

from salm.errors import InputError
from salm.frame import Direction, sector_index

__all__ = ["MeasuredResponse", "ResponseReader", "ResponseSet"]

_LISTED = 12


@dataclass(frozen=True, kw_only=True)
class MeasuredResponse:
    """Where a response was measured from, in the frame of `salm.frame`, seen from the microphone.

    Raises
    ------
    InputError
        If the angles are no direction or the distance is not positive.
    """

    id: str
    """Unique within its set."""
    room: str
    azimuth_deg: float
    elevation_deg: float
    distance_m: float | None = None
    """None is not known."""

    def __post_init__(self) -> None:
        wrapped = Direction(self.azimuth_deg, self.elevation_deg)
        object.__setattr__(self, "azimuth_deg", wrapped.azimuth_deg)
        if self.distance_m is not None and not 0 < self.distance_m < np.inf:
            raise InputError(f"the distance is {self.distance_m:g} m but must be positive, or left out.")


class ResponseReader(Protocol):
    """How a layout finds the samples of a response."""

    def __call__(self, response_id: str) -> tuple[Float32[np.ndarray, "4 time"], int]:
        """AmbiX samples, and their rate in Hz."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ResponseSet:
    """Measured responses, the samples of each read when they are asked for.

    Raises
    ------
    InputError
        If there are none, or two have the same id.
    """

    name: str
    """What scenes call it."""
    items: tuple[MeasuredResponse, ...]
    reader: ResponseReader
    missing: int = 0
    """Responses that the set should have and that are not there, or whose place is not known."""

    def __post_init__(self) -> None:
        if not self.items:
            raise InputError(f"{self.name} has no responses; name a folder or a file that has some.")
        if len(self._by_id) != len(self.items):
            twice = Counter(item.id for item in self.items).most_common(1)[0][0]
            raise InputError(f"{self.name} has the response {twice} twice; every one needs an id of its own.")

    @cached_property
    def _by_id(self) -> Mapping[str, MeasuredResponse]:
        return {item.id: item for item in self.items}

    @cached_property
    def by_room(self) -> Mapping[str, Mapping[int, Sequence[MeasuredResponse]]]:
        """Responses by room and 45 degree sector; sectors without any are left out."""
        rooms: dict[str, dict[int, list[MeasuredResponse]]] = {}
        for item in self.items:
            rooms.setdefault(item.room, {}).setdefault(sector_index(item.azimuth_deg), []).append(item)
        return rooms

    def __getitem__(self, response_id: str) -> MeasuredResponse:
        try:
            return self._by_id[response_id]
        except KeyError as error:
            raise InputError(
                f"{self.name} has no response {response_id!r}; its ids are such as {self.items[0].id!r}."
            ) from error

    def select(self, rooms: Collection[str]) -> "ResponseSet":
        """The responses of some rooms; what is missing is that of the whole set.

        Raises
        ------
        InputError
            If there is no such room; the message lists those there are.
        """
        there = sorted(self.by_room)
        if unknown := sorted(set(rooms) - set(there)):
            listed = ", ".join(there[:_LISTED]) + (" ..." if len(there) > _LISTED else "")
            raise InputError(f"{self.name} has no room {unknown[0]!r}; it has {listed}.")
        return replace(self, items=tuple(item for item in self.items if item.room in rooms))

    def read(self, response_id: str, *, rate_hz: int | None = None) -> Float32[np.ndarray, "4 time"]:
        """AmbiX samples of a response; None keeps the rate of its file.

        At another rate a convolution with it has the same gain: the samples are larger by as much as there are fewer.

        Raises
        ------
        InputError
            If the set has no such response, its file cannot be read, or it holds what is no number.
        """
        samples, own_hz = self.reader(self[response_id].id)
        if samples.shape[1] == 0 or not np.isfinite(samples).all():
            raise InputError(
                f"the response {response_id} of {self.name} is empty or holds what is no number; leave it out."
            )
        if rate_hz is None or rate_hz == own_hz:
            return samples
        resampled = soxr.resample(samples.T, own_hz, rate_hz).T * np.float32(own_hz / rate_hz)
        return np.ascontiguousarray(resampled, np.float32)

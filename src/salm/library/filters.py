"""Conditions that a window meets or does not: a range of a number, or the name of its file."""

from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from math import inf
from pathlib import PurePath
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from salm.frame import wrap_deg
from salm.library.scoring import KnownPlaces, Stated

__all__ = ["Facts", "Filter", "InRange", "Named", "around"]

NEAR_DEG, NEAR_CONFIDENCE = 27.0, 3 / 7
"""Agreement with a stated place is at most a half beyond this angle, and below this confidence."""

Quantity = Literal["azimuth", "elevation", "confidence", "duration"]

Column = Float64[np.ndarray, " window"]
Mask = Bool[np.ndarray, " window"]


class Facts(NamedTuple):
    """What conditions are compared with, one row a window."""

    places: KnownPlaces
    duration_s: Column
    """Of the whole file."""
    file: Int64[np.ndarray, " window"]
    """Number of its file in `names`."""
    names: list[str]


@dataclass(frozen=True, kw_only=True)
class InRange:
    """A quantity between two bounds, or from one on; what is not known is in no range.

    A range of azimuths runs counter-clockwise from ``low`` to ``high``, through the back if it must. A window that
    cannot tell front from back is in it if either of its two azimuths is.
    """

    quantity: Quantity
    low: float = -inf
    high: float = inf
    low_open: bool = False
    """The lower bound itself does not count."""
    high_open: bool = False
    """The upper bound itself does not count."""

    def met(self, facts: Facts) -> Mask:
        """Which windows meet it."""
        places = facts.places
        match self.quantity:
            case "azimuth":
                met = self._around(places.azimuth_deg)
                met[places.folded] |= self._around(wrap_deg(180.0 - places.azimuth_deg[places.folded]))
                return met
            case "elevation":
                return self._between(places.elevation_deg)
            case "confidence":
                return self._between(places.confidence)
            case "duration":
                return self._between(facts.duration_s)

    @property
    def wraps(self) -> bool:
        """Whether it is a range of azimuths through the back."""
        return self.quantity == "azimuth" and self.low > self.high

    @property
    def empty(self) -> bool:
        """Whether nothing can be in it."""
        none = self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))
        return none and not self.wraps

    def _around(self, azimuth_deg: Column) -> Mask:
        if self.wraps:
            return np.asarray(self._above(azimuth_deg) | self._below(azimuth_deg))
        return self._between(azimuth_deg)

    def _between(self, values: Column) -> Mask:
        return np.asarray(self._above(values) & self._below(values))

    def _above(self, values: Column) -> Mask:
        return np.asarray(values > self.low if self.low_open else values >= self.low)

    def _below(self, values: Column) -> Mask:
        return np.asarray(values < self.high if self.high_open else values <= self.high)

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON; a bound that is not there is None."""
        return {key: None if value in (inf, -inf) else value for key, value in asdict(self).items()}

    def __str__(self) -> str:
        if self.low == -inf:
            return f"{self.quantity} {'<' if self.high_open else '<='} {self.high:g}"
        if self.high == inf:
            return f"{self.quantity} {'>' if self.low_open else '>='} {self.low:g}"
        return f"{self.quantity} {self.low:g}..{self.high:g}"


@dataclass(frozen=True, kw_only=True)
class Named:
    """A file whose name has some letters in it, or that fits a pattern with ``*`` and ``?``; case does not matter.

    The folders count only if the pattern has a slash.
    """

    pattern: str

    def met(self, facts: Facts) -> Mask:
        """Which windows meet it."""
        fitting = np.array([self.fits(name) for name in facts.names], np.bool_)
        return np.asarray(fitting[facts.file])

    def fits(self, path: str) -> bool:
        """Whether the path of a file meets it."""
        pattern = self.pattern.lower()
        text = (PurePath(path).as_posix() if "/" in pattern else PurePath(path).name).lower()
        return fnmatchcase(text, pattern) if set(pattern) & set("*?[") else pattern in text

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        return {"quantity": "file", "pattern": self.pattern}

    def __str__(self) -> str:
        return f"file {self.pattern}"


Filter = InRange | Named


def around(place: Stated) -> list[InRange]:
    """What windows meet that may be near a stated place."""
    ranges = [InRange(quantity="confidence", low=NEAR_CONFIDENCE)]
    if place.azimuth_deg is not None:
        low, high = (wrap_deg(place.azimuth_deg + side * NEAR_DEG) for side in (-1, 1))
        ranges.append(InRange(quantity="azimuth", low=low, high=high))
    if place.elevations_deg is not None:
        low, high = place.elevations_deg
        ranges.append(InRange(quantity="elevation", low=low, high=high))
    return ranges

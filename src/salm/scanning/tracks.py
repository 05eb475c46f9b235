"""Sightings that belong together in time: one source that stands or moves is one track.

A track starts where a place holds far more votes than chance would give it, and goes on while places near its last
direction hold more than chance. It is followed through pauses of half a second. What sounds again within half a minute
from where a track ended goes on with its number, as another event.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from salm.frame import angle_between_deg
from salm.scanning.sightings import TICK_S, Sighting, Tick

__all__ = ["GATE_DB", "LONGEST_S", "PAUSE_S", "Stretch", "Tracker"]

GATE_DB = -70.0
"""Level of W, in dB of full scale, below which a tick counts as silent."""
PAUSE_S = 0.5
"""Longest pause within an event."""
LONGEST_S = 60.0
"""What lasts longer is told in events of this length with the same track."""

# Shares of votes as multiples of what chance would give; in noise next to no tick reaches 2, and one in sixty 1.4.
_STARTS, _GOES_ON = 2.5, 1.4
_WITHIN_DEG = 25.0
_RETURNS_S = 30.0
_RETURNS_DEG = 20.0
_SMOOTH_TICKS = 11
_STANDS_DEG = 15.0
# How much of a new sighting goes into the direction that the next is looked for near.
_NEW = 0.3


class Stretch(NamedTuple):
    """Time from start to end of one track, with a direction and a weight for every tick."""

    track: int
    start: int
    """First tick."""
    vectors: Float[np.ndarray, "tick 3"]
    """Unit vectors x, y, z; in pauses that of before."""
    weights: Float[np.ndarray, " tick"]
    """Share of the votes; zero in pauses."""
    company: float
    """Share of the ticks in which there was another track, 0 to 1."""
    known: int
    """One past the last tick that had been looked at when it ended."""

    @property
    def stop(self) -> int:
        """One past the last tick."""
        return self.start + len(self.weights)

    @property
    def mean(self) -> Float[np.ndarray, " 3"]:
        """Unit vector x, y, z in the mean of its directions by their weights."""
        return _unit(self.weights @ self.vectors)

    @property
    def path(self) -> Float[np.ndarray, "tick 3"]:
        """Its directions, unit vectors x, y, z, smoothed over a second."""
        kernel = np.hanning(_SMOOTH_TICKS + 2)[1:-1]
        # Next to nothing and not nothing in pauses, so that long ones have a direction too.
        weighted = self.vectors * np.maximum(self.weights, 1e-6)[:, None]
        rows = np.stack([np.convolve(axis, kernel) for axis in weighted.T], axis=1)
        return _unit(rows[_SMOOTH_TICKS // 2 :][: len(self.weights)])

    @property
    def stands(self) -> bool:
        """Whether it stays near its mean direction."""
        return float(angle_between_deg(self.path, self.mean).max()) <= _STANDS_DEG


@dataclass
class _Track:
    number: int
    start: int
    last: int
    """Last tick that it was seen in."""
    direction: Float[np.ndarray, " 3"]
    seen: list[tuple[int, Sighting]] = field(default_factory=list)
    accompanied: list[int] = field(default_factory=list)
    """Ticks in which there was another track."""

    def add(self, tick: int, sighting: Sighting) -> None:
        mean = (1 - _NEW) * self.direction + _NEW * sighting.vector
        self.direction = mean / np.linalg.norm(mean)
        self.last = tick
        self.seen.append((tick, sighting))

    def stretch(self, stop: int, *, known: int) -> Stretch:
        vectors, weights = np.zeros((stop - self.start, 3)), np.zeros(stop - self.start)
        for tick, sighting in self.seen:
            vectors[tick - self.start], weights[tick - self.start] = sighting.vector, sighting.share
        held = np.maximum.accumulate(np.where(weights > 0, np.arange(len(weights)), 0))
        company = sum(tick < stop for tick in self.accompanied) / len(weights)
        return Stretch(self.number, self.start, vectors[held], weights, company, known)


class _Ended(NamedTuple):
    number: int
    last: int
    direction: Float[np.ndarray, " 3"]


class Tracker:
    """Stretches of ticks that come one after the other.

    Parameters
    ----------
    gate_db
        Level of W below which a tick counts as silent.
    """

    def __init__(self, *, gate_db: float = GATE_DB) -> None:
        self._gate_db = gate_db
        self._tick = 0
        self._tracks: list[_Track] = []
        self._ended: deque[_Ended] = deque()
        self._numbers = 0

    @property
    def earliest(self) -> int:
        """First tick that a stretch to come can start at."""
        return min((track.start for track in self._tracks), default=self._tick)

    def of(self, ticks: Iterable[Tick]) -> Iterator[Stretch]:
        """Stretches that end with these ticks."""
        pause, longest = round(PAUSE_S / TICK_S), round(LONGEST_S / TICK_S)
        for tick in ticks:
            if tick.level_db >= self._gate_db:
                self._see(tick.sightings)
            over = [track for track in self._tracks if self._tick - track.last > pause]
            yield from self._end(over, known=self._tick + 1)
            for track in self._tracks:
                if len(self._tracks) > 1:
                    track.accompanied.append(self._tick)
                if self._tick + 1 - track.start == longest:
                    yield track.stretch(self._tick + 1, known=self._tick + 1)
                    track.start, track.seen, track.accompanied = self._tick + 1, [], []
            self._tick += 1

    def rest(self) -> Iterator[Stretch]:
        """Stretches that go on when there are no more ticks."""
        yield from self._end(self._tracks, known=self._tick)

    def _see(self, sightings: tuple[Sighting, ...]) -> None:
        """Give every sighting to the track that is nearest, the fullest first, or let it start one."""
        free = list(self._tracks)
        for sighting in sightings:
            excess = sighting.share / sighting.by_chance
            if excess < _GOES_ON:
                continue
            angles = [float(angle_between_deg(sighting.vector, track.direction)) for track in free]
            if angles and min(angles) <= _WITHIN_DEG:
                free.pop(int(np.argmin(angles))).add(self._tick, sighting)
            elif excess >= _STARTS and not self._is_taken(sighting):
                track = _Track(self._number(sighting), self._tick, self._tick, sighting.vector)
                track.add(self._tick, sighting)
                self._tracks.append(track)

    def _is_taken(self, sighting: Sighting) -> bool:
        """Whether a track has the direction already: two caps of one tick may be near one track."""
        return any(angle_between_deg(sighting.vector, track.direction) <= _WITHIN_DEG for track in self._tracks)

    def _end(self, tracks: list[_Track], *, known: int) -> Iterator[Stretch]:
        for track in list(tracks):
            self._tracks.remove(track)
            self._ended.append(_Ended(track.number, track.last, track.direction))
            if track.seen:
                yield track.stretch(track.last + 1, known=known)

    def _number(self, sighting: Sighting) -> int:
        """Number of the track that ended nearest by, not long ago, or a new one."""
        while self._ended and (self._tick - self._ended[0].last) * TICK_S > _RETURNS_S:
            self._ended.popleft()
        angles = [float(angle_between_deg(sighting.vector, ended.direction)) for ended in self._ended]
        if angles and min(angles) <= _RETURNS_DEG:
            nearest = int(np.argmin(angles))
            number = self._ended[nearest].number
            del self._ended[nearest]
            return number
        self._numbers += 1
        return self._numbers - 1


def _unit(vectors: Float[np.ndarray, "*tick 3"]) -> Float[np.ndarray, "*tick 3"]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))

"""What stands out of the background by its level alone: all that can be known of stereo and mono.

With four channels the direction tells a sound from what is around it, however faint. With fewer, what counts is what
is louder than the quietest tenth of a second of the half minute before and the five seconds after.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from salm.scanning.sightings import TICK_S, Tick

__all__ = ["ABOVE_DB", "Background"]

ABOVE_DB = 6.0
"""How far a tick must be above the background."""

_BEFORE_S, _AFTER_S = 30.0, 5.0


class Background:
    """Ticks that come one after the other, five seconds later, and without their sightings where nothing stands out."""

    def __init__(self) -> None:
        self._past: deque[float] = deque(maxlen=round(_BEFORE_S / TICK_S))
        self._coming: deque[Tick] = deque()

    def of(self, ticks: Iterable[Tick]) -> Iterator[Tick]:
        """Ticks that enough is known of what comes after."""
        for tick in ticks:
            self._coming.append(tick)
            if len(self._coming) > round(_AFTER_S / TICK_S):
                yield self._next()

    def rest(self) -> Iterator[Tick]:
        """What is left, when there are no more ticks."""
        while self._coming:
            yield self._next()

    def _next(self) -> Tick:
        floor_db = min(*self._past, *(tick.level_db for tick in self._coming), self._coming[0].level_db)
        tick = self._coming.popleft()
        self._past.append(tick.level_db)
        return tick if tick.level_db >= floor_db + ABOVE_DB else tick._replace(sightings=())

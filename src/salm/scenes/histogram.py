"""Histograms of numbers that come one at a time: bounded memory, however many there are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

__all__ = ["Histogram", "Tally"]

_HELD = 8192
_MERGED = tuple(step * 10**power for power in range(5) for step in (1, 2, 5))


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How often numbers lie in each of several bins of one width (but the last may be cut by the end of the range)."""

    edges: tuple[float, ...]
    """One more than bins, or none at all where nothing was counted; a number on an edge is in the bin above it."""
    counts: tuple[int, ...]
    count: int
    """Of all numbers, in a bin or not."""
    outside: int
    """Numbers beyond the edges."""
    unknown: int
    """What was asked for its number and has none."""
    least: float | None
    """None where nothing was counted, as the two below."""
    mean: float | None
    most: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        return {**vars(self), "edges": list(self.edges), "counts": list(self.counts)}


class Tally:
    """Counts numbers into fine bins, and makes a histogram of them that people can look at.

    Parameters
    ----------
    least, most
        Ends of the bins, in the unit of the numbers.
    width
        Width of a bin.
    bins
        Most bins of the histogram, which are those that have something and what is between them, several made into
        one until they are few enough; None keeps all.
    """

    def __init__(self, least: float, most: float, *, width: float, bins: int | None = 40) -> None:
        # Rounded, or a third edge of 0.05 would be 0.15000000000000002.
        edges = np.arange(round(most / width) - round(least / width) + 1) * width + least
        self._edges: Float64[np.ndarray, " edge"] = np.round(edges, 9)
        self._counts = np.zeros(len(self._edges) - 1, np.int64)
        self._bins = bins
        self._held: list[float] = []
        self._unknown = 0
        self._count, self._sum = 0, 0.0
        self._least, self._most = np.inf, -np.inf

    def add(self, number: float | None) -> None:
        """Count a number; None is one that is not known."""
        if number is None:
            self._unknown += 1
            return
        self._held.append(number)
        if len(self._held) >= _HELD:
            self._settle()

    def histogram(self) -> Histogram:
        """What was counted until now."""
        self._settle()
        edges, counts = self._shown()
        return Histogram(
            edges=tuple(edges.tolist()),
            counts=tuple(counts.tolist()),
            count=self._count,
            outside=self._count - int(counts.sum()),
            unknown=self._unknown,
            least=self._least if self._count else None,
            mean=self._sum / self._count if self._count else None,
            most=self._most if self._count else None,
        )

    def _settle(self) -> None:
        if not self._held:
            return
        held = np.array(self._held, np.float64)
        self._held.clear()
        self._counts += np.histogram(held, self._edges)[0]
        self._count += len(held)
        self._sum += float(held.sum())
        self._least, self._most = min(self._least, float(held.min())), max(self._most, float(held.max()))

    def _shown(self) -> tuple[Float64[np.ndarray, " edge"], Any]:
        if not self._count:
            return self._edges[:0], self._counts[:0]
        filled = np.flatnonzero(self._counts)
        if self._bins is None or not len(filled):
            return self._edges, self._counts
        first, last = int(filled[0]), int(filled[-1])
        # Edges stay at multiples of the wider bin, which are the rounder numbers.
        merged = next(m for m in _MERGED if last // m - first // m < self._bins)
        start, stop = first // merged * merged, (last // merged + 1) * merged
        borders = np.minimum(np.arange(start, stop + 1, merged), len(self._counts))
        return self._edges[borders], np.add.reduceat(self._counts, borders[:-1])

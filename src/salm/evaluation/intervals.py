"""Figures that remember what they were computed from, and their bootstrap intervals.

**Conventions.** A figure is a statistic of one row of values a scene (or a query). Its 95 % interval is the percentile
bootstrap: clusters of rows are drawn with replacement, what each row was compared with (the gallery) stays. A cluster
is all rows of one source recording, since the same sound at three places says less than three sounds do; without
clusters every row is its own. Tables of figures are nested dictionaries; :func:`plain` gives their numbers,
:func:`intervals` the same tree with ``[low, high]``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int32

__all__ = [
    "LEVEL",
    "RESAMPLES",
    "Figure",
    "Statistic",
    "Tree",
    "clustered",
    "intervals",
    "mean",
    "plain",
    "quantile",
    "ratio",
]

RESAMPLES = 1000
"""Draws of the bootstrap."""

LEVEL = 0.95
"""Share of the draws that an interval holds."""

Statistic = Callable[[Float[np.ndarray, "resample scene *column"]], Float[np.ndarray, " resample"]]
"""What a figure is of its values, for many resamples at once; NaN where a resample says nothing."""

Tree = Mapping[str, Any]
"""Names to figures, to other trees, or to what is no figure (criteria, counts)."""


def mean(values: Float[np.ndarray, "resample scene"]) -> Float[np.ndarray, " resample"]:
    """Mean over the scenes that count; a NaN does not."""
    counts = np.isfinite(values)
    # A resample may hold no scene that counts: NaN then, without numpy's warning.
    divisor = np.where(counts.any(axis=1), counts.sum(axis=1), np.nan)
    return np.asarray(np.where(counts, values, 0.0).sum(axis=1) / divisor)


def quantile(share: float) -> Statistic:
    """The statistic that is the quantile at a share between 0 and 1, with linear interpolation."""
    return lambda values: np.asarray(np.quantile(values, share, axis=1))


def ratio(values: Float[np.ndarray, "resample scene 2"]) -> Float[np.ndarray, " resample"]:
    """Sum of the first column over the sum of the second; NaN where that is 0."""
    above, below = np.moveaxis(values.sum(axis=1), -1, 0)
    return np.asarray(above / np.where(below == 0, np.nan, below))


@dataclass(frozen=True, eq=False)
class Figure:
    """A statistic of one row of values a scene.

    Notes
    -----
    A figure that nothing is known of (no scenes, or none that count) is 0, with the interval 0 to 1 of a share.
    """

    values: Float[np.ndarray, "scene *column"] | Bool[np.ndarray, "scene *column"]
    statistic: Statistic = mean
    clusters: Int[np.ndarray, " scene"] | None = None
    """Number of the source recording of each row; None is a recording a row."""

    @property
    def value(self) -> float:
        """The figure itself."""
        values = np.asarray(self.values, np.float64)
        found = self.statistic(values[None])[0] if len(values) else np.nan
        return 0.0 if np.isnan(found) else float(found)

    def interval(self, *, seed: int = 0) -> tuple[float, float]:
        """Percentile bootstrap interval at :data:`LEVEL`; the same seed gives the same interval."""
        drawn = self._resampled(seed) if len(self.values) else np.array([np.nan])
        if np.isnan(drawn).all():
            return 0.0, 1.0
        tail = (1 - LEVEL) / 2
        low, high = np.nanquantile(drawn, [tail, 1 - tail])
        return float(low), float(high)

    def _resampled(self, seed: int) -> Float[np.ndarray, " resample"]:
        """The statistic of every draw."""
        values = np.asarray(self.values, np.float64)
        if self.clusters is None:
            return self.statistic(values[_draws(len(values), seed)])
        rows = _rows_by_cluster(self.clusters)
        drawn = rows[_draws(len(rows), seed)].reshape(RESAMPLES, -1)
        if (rows >= 0).all():
            return self.statistic(values[drawn])
        # Clusters of several sizes make draws of several lengths.
        return np.concatenate([self.statistic(values[draw[draw >= 0]][None]) for draw in drawn])


def clustered(tree: Tree, clusters: Int[np.ndarray, " scene"]) -> dict[str, Any]:
    """A tree whose figures have these clusters.

    Raises
    ------
    ValueError
        If a figure has another number of rows.
    """
    return {name: _clustered(branch, clusters) for name, branch in tree.items()}


def plain(tree: Tree) -> dict[str, Any]:
    """A tree with the value of each figure in its place; everything else stays."""
    return {name: _plain(branch) for name, branch in tree.items()}


def intervals(tree: Tree, *, seed: int = 0) -> dict[str, Any]:
    """A tree with the interval ``[low, high]`` of each figure in its place; everything else is left out."""
    pruned: dict[str, Any] = {}
    for name, branch in tree.items():
        if isinstance(branch, Figure):
            pruned[name] = list(branch.interval(seed=seed))
        elif isinstance(branch, Mapping) and (below := intervals(branch, seed=seed)):
            pruned[name] = below
    return pruned


def _plain(branch: Any) -> Any:
    if isinstance(branch, Figure):
        return branch.value
    return plain(branch) if isinstance(branch, Mapping) else branch


def _clustered(branch: Any, clusters: Int[np.ndarray, " scene"]) -> Any:
    if isinstance(branch, Figure):
        if len(branch.values) != len(clusters):
            raise ValueError(f"{len(clusters)} clusters do not fit a figure of {len(branch.values)} rows.")
        return replace(branch, clusters=clusters)
    return clustered(branch, clusters) if isinstance(branch, Mapping) else branch


def _rows_by_cluster(clusters: Int[np.ndarray, " scene"]) -> Int[np.ndarray, "cluster size"]:
    """Rows of each cluster, in the order in which clusters first occur; -1 where one has fewer than the largest."""
    _, first, of = np.unique(clusters, return_index=True, return_inverse=True)
    members = [np.flatnonzero(of == number) for number in np.argsort(first)]
    padded = np.full((len(members), max(map(len, members))), -1)
    for row, member in zip(padded, members, strict=True):
        row[: len(member)] = member
    return padded


# The tables of one evaluation have few sizes, and 1000 draws of 500 scenes take longer to make than to use.
@lru_cache(maxsize=8)
def _draws(count: int, seed: int) -> Int32[np.ndarray, "resample scene"]:
    return np.random.default_rng([seed, count]).integers(count, size=(RESAMPLES, count), dtype=np.int32)

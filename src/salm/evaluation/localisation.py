"""Localisation metrics: great-circle error and sector accuracy.

**Conventions.** Directions are vectors x, y, z of any length. The error is ``atan2(|a x b|, a . b)``: exact at both
ends, never NaN. A prediction of length zero is no direction: its error is 90 degrees and its sector wrong. The *core*
of a sector is within 17.5 degrees of its centre; near a border even a good localiser must sometimes say the neighbour.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Int

from salm.evaluation.intervals import Figure, Tree, clustered, plain, quantile
from salm.frame import SECTORS, angle_between_deg, azimuth_elevation, sector_centre_deg, sector_indices, wrap_deg

__all__ = ["CORE_DEG", "SHARES", "beside_baselines", "in_core", "localisation", "localisation_figures"]

CORE_DEG = 17.5
"""Largest distance of an azimuth from its sector's centre in the core."""

SHARES = tuple(percent / 100 for percent in range(0, 101, 2))
"""Shares of the items whose error is at most what is reported for them."""


def in_core(true: Float[np.ndarray, "item 3"]) -> Bool[np.ndarray, " item"]:
    """Whether each direction's azimuth is in the core of its sector."""
    azimuth_deg, _ = azimuth_elevation(true)
    centre_deg = sector_centre_deg(sector_indices(azimuth_deg))
    return np.asarray(np.abs(wrap_deg(azimuth_deg - centre_deg)) <= CORE_DEG)


def localisation_figures(
    predicted: Float[np.ndarray, "item 3"], true: Float[np.ndarray, "item 3"]
) -> dict[str, Figure]:
    """Mean, median and 90th percentile of the error in degrees; sector accuracy, of all and of the core.

    Raises
    ------
    ValueError
        If there are no items, the shapes differ or a direction is not finite.
    """
    if predicted.shape != true.shape or not len(true):
        raise ValueError(f"predicted is {predicted.shape} and true is {true.shape}; both must be (item, 3), not empty.")
    if not (np.isfinite(predicted).all() and np.isfinite(true).all()):
        raise ValueError("a direction is not finite; errors of such directions mean nothing.")
    error_deg = angle_between_deg(predicted, true)
    same = sector_indices(azimuth_elevation(predicted)[0]) == sector_indices(azimuth_elevation(true)[0])
    same &= predicted.any(axis=1)
    return {
        "mean_deg": Figure(error_deg),
        "median_deg": Figure(error_deg, quantile(0.5)),
        "p90_deg": Figure(error_deg, quantile(0.9)),
        "sector_accuracy": Figure(same),
        "sector_accuracy_core": Figure(np.where(in_core(true), same, np.nan)),
    }


def localisation(predicted: Float[np.ndarray, "item 3"], true: Float[np.ndarray, "item 3"]) -> dict[str, float]:
    """The numbers of :func:`localisation_figures`; the core's accuracy is 0 where no item is in a core."""
    return plain(localisation_figures(predicted, true))


def beside_baselines(
    predicted: Float[np.ndarray, "item 3"],
    baselines: Mapping[str, Float[np.ndarray, "item 3"]],
    true: Float[np.ndarray, "item 3"],
    recordings: Int[np.ndarray, " item"],
) -> dict[str, Tree]:
    """``localisation`` of the model and ``baselines``, which learned nothing, with intervals by source recording.

    ``directions`` has, for the model and each baseline, ``error_quantiles_deg`` at :data:`SHARES` of the items, and by
    the true sector, if there are items in it, ``count``, ``median_deg`` and ``sector_accuracy``.
    """
    everybody = {"model": predicted, **baselines}
    return {
        **clustered(
            {
                "localisation": localisation_figures(predicted, true),
                "baselines": {name: localisation_figures(directions, true) for name, directions in baselines.items()},
            },
            recordings,
        ),
        "directions": {name: _by_direction(directions, true, recordings) for name, directions in everybody.items()},
    }


def _by_direction(
    predicted: Float[np.ndarray, "item 3"], true: Float[np.ndarray, "item 3"], recordings: Int[np.ndarray, " item"]
) -> Tree:
    quantiles_deg = np.quantile(angle_between_deg(predicted, true), SHARES)
    sectors = sector_indices(azimuth_elevation(true)[0])
    found: dict[str, Tree] = {}
    for index, word in enumerate(SECTORS):
        own = sectors == index
        if own.any():
            figures = localisation_figures(predicted[own], true[own])
            shown = {name: figures[name] for name in ("median_deg", "sector_accuracy")}
            found[word] = {"count": int(own.sum()), **clustered(shown, recordings[own])}
    return {"error_quantiles_deg": quantiles_deg.tolist(), "sectors": found}

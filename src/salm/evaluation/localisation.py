"""Localisation metrics: great-circle error and sector accuracy.

**Conventions.** Directions are vectors x, y, z of any length. The error is ``atan2(|a x b|, a . b)``: exact at both
ends, never NaN. The *core* of a sector is within 17.5 degrees of its centre; near a border even a good localiser must
sometimes say the neighbour.
"""

import numpy as np
from jaxtyping import Bool, Float

from salm.frame import angle_between_deg, azimuth_elevation, sector_centre_deg, sector_index, wrap_deg

__all__ = ["CORE_DEG", "in_core", "localisation"]

CORE_DEG = 17.5
"""Largest distance of an azimuth from its sector's centre in the core."""


def in_core(true: Float[np.ndarray, "item 3"]) -> Bool[np.ndarray, " item"]:
    """Whether each direction's azimuth is in the core of its sector."""
    azimuth_deg, _ = azimuth_elevation(true)
    centre_deg = sector_centre_deg(sector_index(azimuth_deg))
    return np.abs(wrap_deg(azimuth_deg - centre_deg)) <= CORE_DEG


def localisation(
    predicted: Float[np.ndarray, "item 3"], true: Float[np.ndarray, "item 3"]
) -> dict[str, float]:
    """Mean, median and 90th percentile of the error in degrees; sector accuracy, of all and of the core.

    Raises
    ------
    ValueError
        If there are no items or the shapes differ.
    """
    if predicted.shape != true.shape or not len(true):
        raise ValueError(f"predicted is {predicted.shape} and true is {true.shape}; both must be (item, 3), not empty.")
    error_deg = angle_between_deg(predicted, true)
    same = sector_index(azimuth_elevation(predicted)[0]) == sector_index(azimuth_elevation(true)[0])
    core = in_core(true)
    return {
        "mean_deg": float(np.mean(error_deg)),
        "median_deg": float(np.median(error_deg)),
        "p90_deg": float(np.percentile(error_deg, 90)),
        "sector_accuracy": float(np.mean(same)),
        "sector_accuracy_core": float(np.mean(same[core])) if core.any() else 0.0,
    }

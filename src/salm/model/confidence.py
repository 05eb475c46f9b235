"""How far a location can be trusted: its chance to be right, and the cones that hold the truth, by the evidence.

Both are linear in the same features of the evidence, and fitted on validation scenes of every difficulty: the chance by
logistic regression, the cones by quantile regression of the logarithm of the error (:mod:`salm.model.cone`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from salm.model.cone import LEVELS, fit_covering

__all__ = ["CLOSE_DEG", "NEAR_DEG", "Evidence", "cones_deg", "confidence", "fit_cones", "fit_confidence"]

CLOSE_DEG = 20.0
"""A location counts as right within this angle of the truth."""

NEAR_DEG = 10.0
"""Onsets within this angle of a location speak for it."""

# Errors below are as good as none; beyond, a cone is the sphere.
_LEAST_DEG, _MOST_DEG = 0.1, 180.0

Weights = Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known about a location without the truth."""

    disagreement_deg: float
    """Angle between the model's direction and that of the onset-weighted intensity, 0 to 180."""
    concentration: float
    """How much the intensity keeps to one direction, 0 (diffuse or many sources) to 1 (one plane wave)."""
    sentence: float
    """Highest cosine similarity of the spatial embedding with a direction sentence."""
    length: float
    """Length of the model's direction vector: how much the intensity it attends to keeps to one direction, 0 and up."""
    near: float
    """Share of the onsets' weight within :data:`NEAR_DEG` of the model's direction, 0 to 1: next to nothing between two
    sounds."""
    bins: float
    """In how many bins the onsets effectively are: few agree by chance."""
    directness: float
    """Mean directness of all bins, 0 to 1: it tells noise of the microphone (0.5) from a diffuse field (0.57)."""

    def features(self) -> tuple[float, ...]:
        """Constant one, disagreement as a share of 45 degrees (at most 2), concentration, sentence similarity; and
        logarithms, as what is predicted of the error is one: of disagreement (0.5 to 90 degrees), of what the length
        lacks to one, of the share near by, of the number of bins (at most 3000) and of directness (0.5 to 0.9).

        The limits are about those of the scenes of a calibration: beyond them nothing was learned.
        """
        return (
            1.0,
            min(self.disagreement_deg / 45.0, 2.0),
            self.concentration,
            self.sentence,
            math.log(min(max(self.disagreement_deg, 0.5), 90.0)),
            math.log1p(-min(self.length, 0.99)),
            math.log(self.near + 0.02),
            math.log(min(max(self.bins, 1.0), 3000.0)),
            math.log(min(max(self.directness, 0.5), 0.9)),
        )


def confidence(evidence: Evidence, weights: Weights) -> float:
    """Estimated chance that the location is within :data:`CLOSE_DEG` of the truth, 0 to 1.

    Raises
    ------
    ValueError
        If there are more weights than features.
    """
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, _score(evidence, weights)))))


def cones_deg(evidence: Evidence, weights: Sequence[Weights]) -> dict[float, float]:
    """Half angles, 0 to 180, of the cones that hold the truth with the probabilities :data:`~salm.model.cone.LEVELS`.

    A cone is never narrower than that of a smaller probability. Without weights there are no cones.

    Raises
    ------
    ValueError
        If there are weights for another number of probabilities, or more weights than features.
    """
    if not weights:
        return {}
    if len(weights) != len(LEVELS):
        raise ValueError(f"there are weights for {len(weights)} cones but there must be {len(LEVELS)}.")
    logarithms = [min(_score(evidence, row), math.log(_MOST_DEG)) for row in weights]
    return {level: math.exp(max(logarithms[: i + 1])) for i, level in enumerate(LEVELS)}


def _score(evidence: Evidence, weights: Weights) -> float:
    features = evidence.features()
    if len(weights) > len(features):
        raise ValueError(f"there are {len(weights)} weights but only {len(features)} features of the evidence.")
    # Of models that were calibrated when less evidence was known: what came later has no weight.
    return sum(w * x for w, x in zip(weights, features, strict=False))


def fit_confidence(
    evidence: list[Evidence], close: Bool[np.ndarray, " item"], *, ridge: float = 1e-2
) -> tuple[float, ...]:
    """Weights of :func:`confidence` by ridge-penalised logistic regression (Newton's method).

    Raises
    ------
    ValueError
        If there are fewer than ten items, or all or none of them are close.
    """
    if len(evidence) < 10 or close.all() or not close.any():
        raise ValueError(f"{len(evidence)} locations, {int(close.sum())} of them close, cannot calibrate a confidence.")
    x: Float[np.ndarray, "item feature"] = np.array([item.features() for item in evidence])
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30.0, 30.0)))
        gradient = x.T @ (chance - close) + ridge * weights
        hessian = (x * (chance * (1 - chance))[:, None]).T @ x + ridge * np.eye(x.shape[1])
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return tuple(float(w) for w in weights)


def fit_cones(
    evidence: list[Evidence],
    error_deg: Float[np.ndarray, " item"],
    *,
    promised: Bool[np.ndarray, " item"],
    scene: Int[np.ndarray, " item"],
) -> tuple[tuple[float, ...], ...]:
    """Weights of :func:`cones_deg`, a row for each probability.

    Parameters
    ----------
    error_deg
        Angle between location and truth; where there is no truth, that to any direction, drawn evenly.
    promised
        Items that the probability is promised for; the others only make cones wide where they are alike.
    scene
        Items of one scene are not independent of each other.

    Raises
    ------
    ValueError
        If fewer than a hundred items are promised anything.
    """
    if promised.sum() < 100:
        raise ValueError(f"{int(promised.sum())} locations with one sound cannot calibrate a cone; it takes 100.")
    features = np.array([item.features() for item in evidence])
    values = np.log(np.maximum(error_deg, _LEAST_DEG))
    fitted = [fit_covering(features, values, level=level, counts=promised, group=scene) for level in LEVELS]
    return tuple(tuple(float(w) for w in weights) for weights in fitted)

"""How far a location can be trusted: a logistic function of three pieces of evidence, fitted on validation scenes."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["CLOSE_DEG", "Evidence", "confidence", "fit_confidence"]

CLOSE_DEG = 20.0
"""A location counts as right within this angle of the truth."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known about a location without the truth."""

    disagreement_deg: float
    """Angle between the model's direction and that of the onset-weighted intensity, 0 to 180."""
    concentration: float
    """How much the intensity keeps to one direction, 0 (diffuse or many sources) to 1 (one plane wave)."""
    sentence: float
    """Highest cosine similarity of the spatial embedding with a direction sentence."""

    def features(self) -> tuple[float, float, float, float]:
        """Constant one, disagreement as a share of 45 degrees (at most 2), concentration, sentence similarity."""
        return 1.0, min(self.disagreement_deg / 45.0, 2.0), self.concentration, self.sentence


def confidence(evidence: Evidence, weights: tuple[float, ...]) -> float:
    """Estimated chance that the location is within :data:`CLOSE_DEG` of the truth, 0 to 1."""
    if len(weights) != 4:
        raise ValueError(f"confidence has {len(weights)} weights but needs 4.")
    score = sum(w * x for w, x in zip(weights, evidence.features(), strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))


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
    x: Float[np.ndarray, "item 4"] = np.array([item.features() for item in evidence])
    weights = np.zeros(4)
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-(x @ weights)))
        gradient = x.T @ (chance - close) + ridge * weights
        hessian = (x * (chance * (1 - chance))[:, None]).T @ x + ridge * np.eye(4)
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return tuple(float(w) for w in weights)

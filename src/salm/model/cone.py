"""How wide a cone around a direction holds the truth: quantiles of the error, fitted on validation scenes.

A cone is its half angle in degrees, 0 to 180. The von Mises-Fisher distribution on the sphere, of density proportional
to exp(kappa cos(error)), has the error within an angle with the probability

    (1 - exp(-kappa (1 - cos angle))) / (1 - exp(-2 kappa)),

so that the half angle of a 90 % cone and the concentration kappa are two names for one number; kappa 0 is the uniform
distribution, whose 90 % cone is 143 degrees wide.

A cone is fitted as what it promises to be, a quantile of the error: linear quantile regression (Koenker and Bassett
1978) of the logarithm of the error, one for each probability. The constant of each is moved by what makes it hold its
share of scenes that were left out of the fit (conformal prediction, by cross-validation). The plain way, maximum
likelihood of a kappa whose logarithm is linear in the evidence, was measured beside it: errors have heavier tails than
the distribution, so that its 50 % cones hold two thirds, and its 90 % cones are wider for the same share
(`docs/small.md`). Hence kappa is read off the 90 % cone, and is not to be asked for other probabilities.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = [
    "LEVEL",
    "LEVELS",
    "WIDEST_DEG",
    "cone_of",
    "fit_covering",
    "fit_quantile",
    "kappa_of",
    "kappa_of_resultant",
    "resultant_of",
]

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Probabilities that cones are fitted for."""

LEVEL = 0.9
"""Probability of the cone of a location."""

WIDEST_DEG = 60.0
"""A location whose cone is wider names no direction unless it is asked to."""

_FOLDS = 5
_PENALTY = 1e-4
# Below this kappa float64 cannot tell the distribution from the uniform one, above that its cone from a point.
_LEAST_KAPPA, _MOST_KAPPA = 1e-6, 1e12


def cone_of(kappa: float, *, level: float = LEVEL) -> float:
    """Half angle in degrees of the cone that holds a share of a von Mises-Fisher distribution."""
    return math.degrees(2 * math.asin(math.sqrt(min(1.0, _depth(kappa, level) / 2))))


def kappa_of(cone_deg: float) -> float:
    """Concentration of the von Mises-Fisher distribution that a cone holds :data:`LEVEL` of; 0 if it holds less."""
    depth = 2 * math.sin(math.radians(cone_deg) / 2) ** 2
    # What it would be if nothing was as far away as the opposite side: never less than it is.
    most = min(_MOST_KAPPA, -math.log1p(-LEVEL) / max(depth, _LEAST_KAPPA**2))
    if depth >= _depth(_LEAST_KAPPA, LEVEL):
        return 0.0
    if depth <= _depth(most, LEVEL):
        return most
    return _crossing(lambda kappa: depth - _depth(kappa, LEVEL), _LEAST_KAPPA, most)


def _depth(kappa: float, level: float) -> float:
    """One minus the cosine of the half angle."""
    if kappa < _LEAST_KAPPA:
        return 2 * level
    return -math.log1p(level * math.expm1(-2 * kappa)) / kappa


def resultant_of(kappa: float) -> float:
    """Length of the mean of unit vectors from a von Mises-Fisher distribution, coth(kappa) - 1 / kappa."""
    return kappa / 3 if kappa < 1e-3 else 1 / math.tanh(kappa) - 1 / kappa


def kappa_of_resultant(length: float) -> float:
    """The inverse of :func:`resultant_of`; lengths from 0 to 1."""
    if length <= resultant_of(_LEAST_KAPPA):
        return 0.0
    if length >= resultant_of(_MOST_KAPPA):
        return _MOST_KAPPA
    return _crossing(lambda kappa: resultant_of(kappa) - length, _LEAST_KAPPA, _MOST_KAPPA)


def _crossing(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses zero between two positive numbers, by halving what is between their logarithms.

    By hand, since every location needs it and to import scipy.optimize takes longer than to locate.
    """
    while high > low * (1 + 1e-12):
        middle = math.sqrt(low * high)
        if not low < middle < high:
            break
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return math.sqrt(low * high)


def fit_quantile(
    features: Float[np.ndarray, "item feature"], values: Float[np.ndarray, " item"], *, level: float
) -> Float[np.ndarray, " feature"]:
    """Weights whose weighted features are the quantile of the values at a level: the least pinball loss.

    Exact, by linear programming. The first feature is the constant; a small penalty keeps the weights of the others
    finite where features depend on each other.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csc_array, eye_array, hstack

    count, width = features.shape
    penalty = np.r_[0.0, np.full(width - 1, _PENALTY)]
    # value = feature (up - down) + above - below, all of them positive.
    cost = np.r_[penalty, penalty, np.full(count, level / count), np.full(count, (1 - level) / count)]
    known = csc_array(features)
    rest = eye_array(count, format="csc")
    # The type of the argument says arrays, the documentation sparse ones too.
    equations: Any = hstack([known, -known, rest, -rest])
    solved = linprog(cost, A_eq=equations, b_eq=values, bounds=(0, None), method="highs")
    found = np.asarray(solved.x)
    return np.asarray(found[:width] - found[width : 2 * width])


def fit_covering(
    features: Float[np.ndarray, "item feature"],
    values: Float[np.ndarray, " item"],
    *,
    level: float,
    counts: Bool[np.ndarray, " item"],
    group: Int[np.ndarray, " item"],
) -> Float[np.ndarray, " feature"]:
    """Weights of :func:`fit_quantile` with the constant that covers a share of items that the fit did not see.

    Parameters
    ----------
    counts
        Items that the share is of; the others have a part in the fit only.
    group
        Items of one group, such as the windows of one scene, are left out together.
    """
    # Shuffled: scenes of a kind may stand at every fifth place.
    _, own = np.unique(group, return_inverse=True)
    fold = np.random.default_rng(0).permutation(own.max() + 1)[own] % _FOLDS
    beyond = np.empty(len(values))
    for number in range(_FOLDS):
        out = fold == number
        beyond[out] = values[out] - features[out] @ fit_quantile(features[~out], values[~out], level=level)
    weights = fit_quantile(features, values, level=level)
    count = int(counts.sum())
    weights[0] += np.quantile(beyond[counts], min(1.0, math.ceil(level * (count + 1)) / count), method="inverted_cdf")
    return weights

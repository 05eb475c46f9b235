"""How well windows of a library fit a query: one formula for sentences and for examples.

A phrase of the query, or an example, has a content and a place, or one of them:

    content = what if the phrase says no place, else (what + joint) / 2
    what  = cos(E_ASe, q_what)        joint = cos(E_JA, q_joint)
    place = c exp(k (cos d_az - 1)) exp(k (cos d_el - 1)) + (1 - c) / 8        k = 1 / (22.5 degrees)^2

E_ASe and E_JA are a window's semantic and joint embedding; q_what and q_joint are the embeddings of the words without
the place and of the whole phrase, or those of an example. d_az is the angle between the located and the stated
azimuth, d_el how far the located elevation is outside the stated band; what is not stated is left out. The bump is a
von Mises density without its constant, half a sector wide: a neighbouring sector still earns a seventh. c is the
confidence of the location: a location that is wrong could be in any of eight sectors.

Phrases joined by AND must all be met, so the worst counts; a phrase under NOT costs what it fits; OR takes the best:

    score of an alternative = worst content + worst place / 2 - sum over NOT of max(content, 0) max(place, 0)
    score of a query        = the best of its alternatives

Without any content the place is not halved; without any place it is left out; with neither it is the confidence of the
location. Under NOT, what the phrase does not say counts as 1. Conditions do not score: a window that does not meet
those of an alternative is no hit of it.

A recording that cannot tell front from back is folded to the front, and so is the stated azimuth. A window whose
azimuth or elevation is not known cannot satisfy a query that states it: its place is -4, below anything that could.
"""

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

if TYPE_CHECKING:
    from salm.library.question import Branch

__all__ = ["UNKNOWN_PLACE", "KnownPlaces", "Scores", "Stated", "place_agreement", "scored"]

UNKNOWN_PLACE = -4.0
"""Place of a window that cannot satisfy the query; cosines are at most 1, so no content can make up for it."""

CONCENTRATION = 1 / np.deg2rad(22.5) ** 2
CHANCE = 1 / 8

Score = Float64[np.ndarray, " window"]


class Stated(NamedTuple):
    """The place that a query asks for; None is not stated."""

    azimuth_deg: float | None
    elevations_deg: tuple[float, float] | None
    """Lowest and highest elevation that satisfy it."""


class KnownPlaces(NamedTuple):
    """Where the windows of a library are."""

    azimuth_deg: Score
    """NaN where it is not known."""
    elevation_deg: Score
    """NaN where it is not known."""
    folded: Bool[np.ndarray, " window"]
    """Front and back cannot be told apart."""
    confidence: Score
    """0 to 1."""


class Scores(NamedTuple):
    """Of the windows for one alternative of a query."""

    score: Score
    what: Score | None
    """Worst cosine similarity with what is wanted; None if only a place is."""
    place: Score | None
    """Worst agreement with the places that are wanted, None if there are none."""


def scored(
    branch: "Branch",
    places: KnownPlaces,
    whats: Float64[np.ndarray, "content window"],
    joints: Float64[np.ndarray, "whole window"],
) -> Scores:
    """Scores of windows for one alternative.

    Parameters
    ----------
    places
        Where the windows are.
    whats, joints
        Cosine similarities with the vectors of the branch, in its order.
    """
    what, joint = iter(whats), iter(joints)
    cosine: list[Score] = []
    content: list[Score] = []
    place: list[Score] = []
    for sought in branch.wanted:
        if sought.what is not None:
            cosine.append(next(what))
            content.append(cosine[-1] if sought.joint is None else (cosine[-1] + next(joint)) / 2)
        if sought.place is not None:
            place.append(place_agreement(places, sought.place))
    score = _worst(content), _worst(place)
    match score:
        case None, None:
            total = places.confidence.copy()
        case None, agreement:
            total = np.array(agreement)
        case fit, None:
            total = np.array(fit)
        case fit, agreement:
            total = fit + agreement / 2
    for sought in branch.unwanted:
        cost = np.ones(len(total))
        if sought.what is not None:
            fit = next(what)
            cost *= np.maximum(fit if sought.joint is None else (fit + next(joint)) / 2, 0.0)
        if sought.place is not None:
            cost *= np.maximum(place_agreement(places, sought.place), 0.0)
        total -= cost
    return Scores(total, _worst(cosine), score[1])


def place_agreement(places: KnownPlaces, stated: Stated) -> Score:
    """How well each place agrees with what is stated: 0 to 1, or :data:`UNKNOWN_PLACE`."""
    agreement = np.ones(len(places.azimuth_deg))
    if stated.azimuth_deg is not None:
        agreement *= _bump(_azimuth_gap_deg(places, stated.azimuth_deg))
    if stated.elevations_deg is not None:
        low_deg, high_deg = stated.elevations_deg
        gap_deg = np.maximum(low_deg - places.elevation_deg, places.elevation_deg - high_deg)
        agreement *= _bump(np.maximum(gap_deg, 0.0))
    expected = places.confidence * agreement + (1 - places.confidence) * CHANCE
    return np.where(np.isnan(agreement), UNKNOWN_PLACE, expected)


def _worst(parts: list[Score]) -> Score | None:
    return reduce(np.minimum, parts) if parts else None


def _azimuth_gap_deg(places: KnownPlaces, stated_deg: float) -> Score:
    gap_deg = places.azimuth_deg - stated_deg
    if places.folded.any():
        folded = _to_front(places.azimuth_deg[places.folded]) - _to_front(np.array(stated_deg))
        gap_deg[places.folded] = folded
    return np.asarray(gap_deg)


def _to_front(azimuth_deg: Float64[np.ndarray, "*window"]) -> Float64[np.ndarray, "*window"]:
    """The azimuth in front of the listener that two ears or two channels cannot tell from the given one."""
    return np.asarray(np.rad2deg(np.arcsin(np.clip(np.sin(np.deg2rad(azimuth_deg)), -1.0, 1.0))))


def _bump(angle_deg: Score) -> Score:
    return np.asarray(np.exp(CONCENTRATION * (np.cos(np.deg2rad(angle_deg)) - 1)))

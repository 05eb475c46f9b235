"""How well windows of a library fit a query: one formula for sentences and for examples.

    score = content                     if no place is asked for
    score = place                       if nothing but a place is asked for
    score = content + place / 2         if both are

    content = what if the query is a sentence without a place, else (what + joint) / 2
    what  = cos(E_ASe, q_what)        joint = cos(E_JA, q_joint)
    place = c exp(k (cos d_az - 1)) exp(k (cos d_el - 1)) + (1 - c) / 8        k = 1 / (22.5 degrees)^2

E_ASe and E_JA are a window's semantic and joint embedding; q_what and q_joint are the embeddings of the words without
the place and of the whole sentence, or those of an example. d_az is the angle between the located and the stated
azimuth, d_el how far the located elevation is outside the stated band; what is not stated is left out. The bump is a
von Mises density without its constant, half a sector wide: a neighbouring sector still earns a seventh. c is the
confidence of the location: a location that is wrong could be in any of eight sectors.

A recording that cannot tell front from back is folded to the front, and so is the stated azimuth. A window whose
azimuth or elevation is not known cannot satisfy a query that states it: its place is -4, below anything that could.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from salm.frame import wrap_deg

__all__ = ["UNKNOWN_PLACE", "KnownPlaces", "Stated", "blended", "place_agreement"]

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


def blended(what: Score | None, joint: Score | None, place: Score | None) -> Score:
    """The score, from the parts that the query has.

    Raises
    ------
    ValueError
        If there is neither ``what`` nor ``place``.
    """
    if what is not None:
        content = what if joint is None else (what + joint) / 2
        return content if place is None else content + place / 2
    if place is None:
        raise ValueError("a query needs words for what or for where.")
    return place


def _azimuth_gap_deg(places: KnownPlaces, stated_deg: float) -> Score:
    plain = wrap_deg(places.azimuth_deg - stated_deg)
    folded = _to_front(places.azimuth_deg) - _to_front(np.array(stated_deg))
    return np.asarray(np.where(places.folded, folded, plain))


def _to_front(azimuth_deg: Float64[np.ndarray, "*window"]) -> Float64[np.ndarray, "*window"]:
    """The azimuth in front of the listener that two ears or two channels cannot tell from the given one."""
    return np.asarray(np.rad2deg(np.arcsin(np.clip(np.sin(np.deg2rad(azimuth_deg)), -1.0, 1.0))))


def _bump(angle_deg: Score) -> Score:
    return np.asarray(np.exp(CONCENTRATION * (np.cos(np.deg2rad(angle_deg)) - 1)))

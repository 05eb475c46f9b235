"""Outlines of cones on a plan view, where the distance from the rim is the height above or below the horizon."""

from math import acos, asin, atan2, cos, degrees, hypot, pi, radians, sin

__all__ = ["Band", "cone_bands", "heights"]

Band = tuple[float, float, float]
"""An azimuth, and the lowest and highest distance from the horizon there, 0 to 90; all in degrees."""

_STEPS = 60


def heights(direction: tuple[float, float], cone_deg: float, azimuth_deg: float) -> tuple[float, float] | None:
    """Lowest and highest elevation within a cone at an azimuth; None if the cone has nothing there.

    The angle to the direction (a0, e0) is within the cone where sin e sin e0 + cos e cos e0 cos(a - a0) is at least
    cos(cone). The left side is a single cosine of e, whose length and phase say between which elevations that is.

    Parameters
    ----------
    direction
        Azimuth and elevation.
    cone_deg
        Half angle, 0 to 90.
    """
    turn, lift = radians(azimuth_deg - direction[0]), radians(direction[1])
    up, along = sin(lift), cos(lift) * cos(turn)
    length, phase_deg = hypot(up, along), degrees(atan2(up, along))
    wanted = cos(radians(cone_deg))
    if wanted > length + 1e-9:
        return None
    half_deg = degrees(acos(max(-1.0, min(1.0, wanted / max(length, 1e-9)))))
    low, high = max(-90.0, phase_deg - half_deg), min(90.0, phase_deg + half_deg)
    return (low, high) if low <= high else None


def cone_bands(azimuth_deg: float, elevation_deg: float, cone_deg: float) -> tuple[list[Band], bool]:
    """The outline of a cone, clockwise to counter-clockwise, and whether it goes all the way round.

    Above and below the horizon lie on each other on a plan, and so do both parts of a cone through it. What a cone of
    more than 90 degrees leaves out is hidden behind what it holds on the other side of the horizon, or nearly so: it
    is drawn as everything.
    """
    if cone_deg > 90:
        return [(6.0 * step - 180, 0.0, 90.0) for step in range(_STEPS + 1)], True
    whole = 90.0 - abs(elevation_deg) <= cone_deg
    reach_deg = 180.0
    if not whole:
        reach_deg = degrees(asin(min(1.0, sin(radians(cone_deg)) / cos(radians(elevation_deg)))))
    bands: list[Band] = []
    for step in range(_STEPS + 1):
        # Close to each other at the ends, where the outline turns.
        there_deg = azimuth_deg + reach_deg * (step / _STEPS * 2 - 1 if whole else -cos(pi * step / _STEPS))
        found = heights((azimuth_deg, elevation_deg), cone_deg, there_deg)
        if found is not None:
            low, high = found
            nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
            bands.append((there_deg, nearest, max(abs(low), abs(high))))
    return bands, whole

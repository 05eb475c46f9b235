"""Errors of direction: how many scenes are within an angle, and from which side of the listener the errors come."""

from collections.abc import Sequence
from math import cos, radians, sin
from typing import NamedTuple

import numpy as np

from salm.frame import SECTORS, sector_centre_deg
from salm.pictures.svg import INK, element, label, number, outline, picture, text

__all__ = ["Curve", "Ring", "SectorError", "error_curves", "error_rings"]

WIDTH, HEIGHT = 480.0, 312.0
LEFT, RIGHT, TOP, BOTTOM = 50.0, 466.0, 14.0, 262.0
TICKS_DEG = (0, 1, 2, 5, 10, 20, 45, 90, 180)
SHARE_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
# Degrees that the axis is about even in: below, errors lie closer to each other than they are told apart.
EVEN_DEG = 2.0

RING_WIDTH, RING_HEIGHT = 440.0, 312.0
CENTRE, RADIUS = (220.0, 150.0), 108.0


class Curve(NamedTuple):
    """Errors of one way to locate."""

    name: str
    quantiles_deg: Sequence[float]
    """At shares that are evenly spread from 0 to 1."""
    colour: str
    dashes: str | None = None


class SectorError(NamedTuple):
    """The median error of what truly is in one sector, and its interval; in degrees."""

    median_deg: float
    low_deg: float
    high_deg: float


class Ring(NamedTuple):
    """The errors of one way to locate, by the sector where the sound truly is."""

    name: str
    sectors: dict[str, SectorError]
    """By the words of `salm.frame.SECTORS`; some may be absent."""
    colour: str
    dashes: str | None = None


def error_curves(curves: Sequence[Curve], *, title: str, key: str) -> str:
    """The share of scenes with at most an error against that error, 0 to 180 degrees on a stretched axis.

    A line further to the left is better. Where it crosses the half is the median, which is written in the legend.
    """
    said = "; ".join(
        f"{c.name}: half within {_median(c):.1f} degrees, nine tenths within {_at(c, 0.9):.1f}" for c in curves
    )
    return picture(
        *map(_angle_tick, TICKS_DEG),
        *map(_share_tick, SHARE_TICKS),
        *map(_curve, curves),
        *(
            part
            for i, curve in enumerate(curves)
            for part in _key(curve, RIGHT - 212, BOTTOM - 18 * (len(curves) - i) + 4)
        ),
        label("angle between located and true direction", (LEFT + RIGHT) / 2, BOTTOM + 38),
        label("scenes within it", 12, (TOP + BOTTOM) / 2, transform=f"rotate(-90 12 {number((TOP + BOTTOM) / 2)})"),
        width=WIDTH,
        height=HEIGHT,
        title=title,
        description=said or "no errors",
        key=key,
    )


def error_rings(rings: Sequence[Ring], *, title: str, key: str) -> str:
    """Median errors around the listener, the front up: the further out, the larger; with intervals of 95 %.

    The axis is stretched near zero as that of :func:`error_curves`.
    """
    most = max((s.high_deg for ring in rings for s in ring.sectors.values()), default=1.0)
    rim_deg = next((tick for tick in TICKS_DEG[1:] if tick >= most), TICKS_DEG[-1])
    circles = [tick for tick in TICKS_DEG[1:] if tick <= rim_deg]
    said = "; ".join(
        f"{ring.name}: " + ", ".join(f"{word} {error.median_deg:.1f}" for word, error in ring.sectors.items())
        for ring in rings
    )
    return picture(
        *(element("circle", cx=CENTRE[0], cy=CENTRE[1], r=_out(deg, rim_deg), **outline(0.15)) for deg in circles),
        *(_spoke(index) for index in range(8)),
        *(
            part
            for ring, aside_deg in zip(rings, _aside(len(rings)), strict=True)
            for part in _ring(ring, rim_deg, aside_deg)
        ),
        *(_ring_scale(deg, rim_deg) for deg in circles),
        *(part for i, ring in enumerate(rings) for part in _key(ring, 30 + 210.0 * i, RING_HEIGHT - 12)),
        width=RING_WIDTH,
        height=RING_HEIGHT,
        title=title,
        description=f"median errors in degrees; {said}" if said else "no errors",
        key=key,
    )


def _across(angle_deg: float) -> float:
    return LEFT + (RIGHT - LEFT) * float(np.log1p(angle_deg / EVEN_DEG) / np.log1p(180 / EVEN_DEG))


def _up(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * share


def _angle_tick(angle_deg: int) -> str:
    x = _across(angle_deg)
    line = element("line", x1=x, x2=x, y1=TOP, y2=BOTTOM, stroke=INK, stroke_opacity=0.12)
    return line + label(f"{angle_deg}°", x, BOTTOM + 17)


def _share_tick(share: float) -> str:
    y = _up(share)
    line = element("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, stroke=INK, stroke_opacity=0.3 if share == 0.5 else 0.12)
    return line + label(f"{100 * share:.0f} %", LEFT - 6, y + 4, anchor="end")


def _curve(curve: Curve) -> str:
    shares = np.linspace(0, 1, len(curve.quantiles_deg))
    points = " ".join(
        f"{number(_across(angle))},{number(_up(share))}"
        for angle, share in zip(curve.quantiles_deg, shares, strict=True)
    )
    line = element(
        "polyline",
        points=points,
        fill="none",
        style=f"stroke:{curve.colour}",
        stroke_width=2.2,
        stroke_linejoin="round",
        stroke_dasharray=curve.dashes,
    )
    middle = element("circle", cx=_across(_median(curve)), cy=_up(0.5), r=3.6, style=f"fill:{curve.colour}")
    return element("g", element("title", text(f"{curve.name}: median {_median(curve):.1f}°")), line, middle)


def _key(what: Curve | Ring, x: float, y: float) -> list[str]:
    """A piece of the line and what it is."""
    said = f"{what.name}: median {_median(what):.1f}°" if isinstance(what, Curve) else what.name
    piece = element(
        "line",
        x1=x,
        x2=x + 24,
        y1=y - 4,
        y2=y - 4,
        style=f"stroke:{what.colour}",
        stroke_width=2.2,
        stroke_dasharray=what.dashes,
    )
    return [piece, label(said, x + 30, y, anchor="start")]


def _at(curve: Curve, share: float) -> float:
    return float(np.interp(share, np.linspace(0, 1, len(curve.quantiles_deg)), curve.quantiles_deg))


def _median(curve: Curve) -> float:
    return _at(curve, 0.5)


def _out(angle_deg: float, rim_deg: float) -> float:
    """How far from the centre an error is, on the same stretched axis as that of the curves."""
    return RADIUS * float(np.log1p(angle_deg / EVEN_DEG) / np.log1p(rim_deg / EVEN_DEG))


def _point(azimuth_deg: float, radius: float) -> tuple[float, float]:
    angle = radians(azimuth_deg)
    return CENTRE[0] - radius * sin(angle), CENTRE[1] - radius * cos(angle)


def _spoke(index: int) -> str:
    centre_deg = sector_centre_deg(float(index))
    (x, y), (lx, ly) = _point(centre_deg, RADIUS), _point(centre_deg, RADIUS + 12)
    side = sin(radians(centre_deg))
    anchor = "middle" if abs(side) < 0.1 else "end" if side > 0 else "start"
    line = element("line", x1=CENTRE[0], y1=CENTRE[1], x2=x, y2=y, stroke=INK, stroke_opacity=0.12)
    return line + label(SECTORS[index], lx, ly + 4, anchor=anchor, font_weight=600 if index == 0 else 400)


def _aside(count: int) -> list[float]:
    """Rings stand a little aside of their spokes, or the interval of one would hide that of another."""
    return [5.0 * (i - (count - 1) / 2) for i in range(count)]


def _ring_scale(angle_deg: float, rim_deg: float) -> str:
    # Between two spokes, where no interval is.
    x, y = _point(-22.5, _out(angle_deg, rim_deg))
    return label(f"{angle_deg:g}°", x + 3, y - 2, anchor="start")


def _ring(ring: Ring, rim_deg: float, aside_deg: float) -> list[str]:
    there = [(sector_centre_deg(float(SECTORS.index(word))) + aside_deg, error) for word, error in ring.sectors.items()]
    parts: list[str] = []
    if len(there) > 2:
        corners = (_point(azimuth, _out(error.median_deg, rim_deg)) for azimuth, error in there)
        points = " ".join(f"{number(x)},{number(y)}" for x, y in corners)
        look = f"fill:{ring.colour};stroke:{ring.colour}"
        parts.append(
            element(
                "polygon", points=points, style=look, fill_opacity=0.12, stroke_width=2, stroke_dasharray=ring.dashes
            )
        )
    for (azimuth_deg, error), word in zip(there, ring.sectors, strict=True):
        x, y = _point(azimuth_deg, _out(error.median_deg, rim_deg))
        ends = (_point(azimuth_deg, _out(angle, rim_deg)) for angle in (error.low_deg, error.high_deg))
        (x1, y1), (x2, y2) = ends
        said = f"{ring.name}, {word}: {error.median_deg:.1f}° [{error.low_deg:.1f} to {error.high_deg:.1f}]"
        parts.append(
            element(
                "g",
                element("title", text(said)),
                element("line", x1=x1, y1=y1, x2=x2, y2=y2, style=f"stroke:{ring.colour}", stroke_width=2),
                element("circle", cx=x, cy=y, r=3.4, style=f"fill:{ring.colour}"),
            )
        )
    return parts

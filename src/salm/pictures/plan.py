"""Plan views: where sounds are, seen from above with the listener in the middle, and their height beside it.

The front is up and the left is left. On the plan the distance from the rim is the height above or below the horizon:
the horizon is the rim, straight above and straight below are the middle. The half circle beside the plan is the same
from the side, so that above and below can be told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Literal

from salm.frame import SECTORS, sector_centre_deg
from salm.pictures.cone import cone_bands
from salm.pictures.svg import ACCENT, INK, OCHRE, ON_ACCENT, element, label, number, outline, picture, text

__all__ = ["HEIGHT", "WIDTH", "Mark", "MarkKind", "Sought", "head", "numbered", "plan_parts", "plan_view", "swatch"]

WIDTH, HEIGHT = 400.0, 300.0
PLAN, PLAN_RADIUS = (150.0, 150.0), 108.0
SIDE, SIDE_RADIUS = (322.0, 150.0), 54.0

MarkKind = Literal["truth", "model", "intensity", "hit", "faint", "before", "after"]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One direction on a plan view."""

    azimuth_deg: float
    elevation_deg: float = 0.0
    kind: MarkKind = "model"
    label: str = ""
    """One or two characters drawn on the mark; only ``hit`` marks show it."""
    title: str = ""
    """What a pointer that rests on the mark is told."""
    cone_deg: float | None = None
    """Half angle of a cone around it to shade, 0 to 180."""


@dataclass(frozen=True, kw_only=True)
class Sought:
    """A range of directions to shade: what a sentence asks for."""

    azimuth_deg: float | None = None
    width_deg: float = 45.0
    elevations_deg: tuple[float, float] | None = None
    """Lowest and highest elevation."""


def plan_view(
    marks: Sequence[Mark],
    *,
    title: str,
    key: str,
    links: Sequence[tuple[Mark, Mark]] = (),
    sought: Sought | None = None,
) -> str:
    """Plan view of directions as inline SVG.

    Parameters
    ----------
    marks
        Drawn in order, so later ones lie on top.
    title
        What the picture is, for screen readers.
    key
        Identifier that no other picture on the same page has.
    links
        Pairs of directions to join by a line, such as the truth and an estimate of it.
    sought
        Directions to shade.
    """
    description = "; ".join(mark.title for mark in marks if mark.title and mark.kind != "faint") or "no directions"
    return picture(
        *plan_parts(marks, links=links, sought=sought),
        width=WIDTH,
        height=HEIGHT,
        title=title,
        description=description,
        key=key,
    )


def plan_parts(
    marks: Sequence[Mark], *, links: Sequence[tuple[Mark, Mark]] = (), sought: Sought | None = None
) -> list[str]:
    """What a plan view consists of, for a picture that has more than that; `WIDTH` by `HEIGHT` from the upper left."""
    return [
        *(_shade(sought) if sought else []),
        *(part for mark in marks if mark.cone_deg is not None for part in _cone(mark, mark.cone_deg)),
        *_plan_frame(),
        *_side_frame(),
        *(_link(*pair) for pair in links),
        *(_drawn(mark, place) for mark in marks for place in (_on_plan(mark), _on_side(mark))),
    ]


def swatch(kind: MarkKind) -> str:
    """A mark by itself, for a legend."""
    shape = _SHAPES[kind]((9.0, 9.0), Mark(azimuth_deg=0.0, kind=kind))
    return element("svg", shape, viewBox="0 0 18 18", width=18, height=18, aria_hidden="true")


def head(centre: tuple[float, float], *, radius: float = 12.0) -> str:
    """The listener from above, the nose to the front, which is up."""
    (x, y), r = centre, radius
    tip, root = y - 1.5 * r, y - 0.96 * r
    nose = f"M{_pair((x - r / 3, root))}L{_pair((x, tip))}L{_pair((x + r / 3, root))}"
    ears = [
        element("ellipse", cx=x + side * 1.08 * r, cy=y, rx=0.21 * r, ry=0.42 * r, **outline(0.5))
        for side in (-1.0, 1.0)
    ]
    return element(
        "g", *ears, element("path", d=nose, **outline(0.5)), _circle(centre, r, opacity=0.5), aria_hidden="true"
    )


def numbered(place: tuple[float, float], characters: str) -> str:
    """A filled circle with one or two characters in it."""
    x, y = place
    written = element(
        "text",
        text(characters),
        x=x,
        y=y + 3.8,
        text_anchor="middle",
        font_size=10.5,
        font_weight=650,
        style=f"fill:{ON_ACCENT}",
    )
    return (
        element("circle", cx=x, cy=y, r=8.5, style=f"fill:{ACCENT}", stroke="var(--card, #fff)", stroke_opacity=0.8)
        + written
    )


def _on_plan(mark: Mark) -> tuple[float, float]:
    return _polar(mark.azimuth_deg, PLAN_RADIUS * (1 - abs(mark.elevation_deg) / 90))


def _on_side(mark: Mark) -> tuple[float, float]:
    return _profile(mark.elevation_deg, SIDE_RADIUS)


def _polar(azimuth_deg: float, radius: float) -> tuple[float, float]:
    """Point on the plan: the front is up, and azimuths run counter-clockwise."""
    angle = radians(azimuth_deg)
    return PLAN[0] - radius * sin(angle), PLAN[1] - radius * cos(angle)


def _profile(elevation_deg: float, radius: float) -> tuple[float, float]:
    angle = radians(elevation_deg)
    return SIDE[0] + radius * cos(angle), SIDE[1] - radius * sin(angle)


def _plan_frame() -> list[str]:
    ring = [
        _circle(PLAN, PLAN_RADIUS, opacity=0.45),
        _circle(PLAN, PLAN_RADIUS / 2, opacity=0.18, stroke_dasharray="1 4"),
    ]
    borders = [
        _line(_polar(border, 26), _polar(border, PLAN_RADIUS), opacity=0.14)
        for border in (float(sector_centre_deg(index)) + 22.5 for index in range(8))
    ]
    return [*ring, *borders, *map(_sector_label, range(8)), head(PLAN)]


def _sector_label(index: int) -> str:
    centre_deg = float(sector_centre_deg(index))
    x, y = _polar(centre_deg, PLAN_RADIUS + 12)
    across = sin(radians(centre_deg))
    anchor = "middle" if abs(across) < 0.1 else "end" if across > 0 else "start"
    weight = 600 if index == 0 else 400
    return label(SECTORS[index], x, y + 4, anchor=anchor, font_weight=weight)


def _side_frame() -> list[str]:
    top, bottom = _profile(90, SIDE_RADIUS), _profile(-90, SIDE_RADIUS)
    arc = f"M{_pair(top)}A{number(SIDE_RADIUS)} {number(SIDE_RADIUS)} 0 0 1 {_pair(bottom)}"
    words = [
        label(word, SIDE[0] - 4, y, anchor="start") for word, y in (("above", top[1] - 8), ("below", bottom[1] + 16))
    ]
    horizon = _line(SIDE, _profile(0, SIDE_RADIUS), opacity=0.18, stroke_dasharray="1 4")
    return [element("path", d=arc, **outline(0.45)), horizon, _circle(SIDE, 4, opacity=0.5), *words]


def _shade(sought: Sought) -> list[str]:
    shades = []
    if sought.azimuth_deg is not None:
        ends = [_polar(sought.azimuth_deg + side * sought.width_deg / 2, PLAN_RADIUS) for side in (1, -1)]
        shades.append(_wedge(PLAN, PLAN_RADIUS, *ends))
    if sought.elevations_deg is not None:
        low_deg, high_deg = sought.elevations_deg
        shades.append(_wedge(SIDE, SIDE_RADIUS, _profile(high_deg, SIDE_RADIUS), _profile(low_deg, SIDE_RADIUS)))
    return shades


def _cone(mark: Mark, cone_deg: float) -> list[str]:
    bands, whole = cone_bands(mark.azimuth_deg, mark.elevation_deg, cone_deg)
    rim, inner = ([_polar(band[0], PLAN_RADIUS * (1 - band[edge] / 90)) for band in bands] for edge in (1, 2))
    # One that goes all the way round is a ring, perhaps without a hole; any other runs out along one edge, back along
    # the other.
    loops = [rim, inner] if whole else [[*rim, *reversed(inner)]]
    outline_ = "".join(f"M{'L'.join(map(_pair, loop))}Z" for loop in loops)
    low_deg, high_deg = max(-90.0, mark.elevation_deg - cone_deg), min(90.0, mark.elevation_deg + cone_deg)
    ends = _profile(high_deg, SIDE_RADIUS), _profile(low_deg, SIDE_RADIUS)
    return [
        element("path", d=outline_, style=f"fill:{ACCENT}", fill_opacity=0.22, fill_rule="evenodd"),
        _wedge(SIDE, SIDE_RADIUS, *ends),
    ]


def _wedge(centre: tuple[float, float], radius: float, first: tuple[float, float], last: tuple[float, float]) -> str:
    arc = f"M{_pair(centre)}L{_pair(first)}A{number(radius)} {number(radius)} 0 0 1 {_pair(last)}Z"
    return element("path", d=arc, style=f"fill:{ACCENT}", fill_opacity=0.16)


def _drawn(mark: Mark, place: tuple[float, float]) -> str:
    shape = _SHAPES[mark.kind](place, mark)
    return element("g", element("title", text(mark.title)), shape) if mark.title else shape


def _link(first: Mark, second: Mark) -> str:
    ends = [(place(first), place(second)) for place in (_on_plan, _on_side)]
    return "".join(_line(*pair, opacity=0.45) for pair in ends)


def _truth(place: tuple[float, float], _: Mark) -> str:
    return _circle(place, 6.5, opacity=0.9, stroke_width=1.6)


def _dot(place: tuple[float, float], _: Mark) -> str:
    return element("circle", cx=place[0], cy=place[1], r=4.5, style=f"fill:{ACCENT}")


def _diamond(place: tuple[float, float], _: Mark) -> str:
    x, y = place
    corners = " ".join(_pair(corner) for corner in ((x, y - 5.5), (x + 5.5, y), (x, y + 5.5), (x - 5.5, y)))
    return element("polygon", points=corners, style=f"fill:none;stroke:{OCHRE}", stroke_width=1.6)


def _hit(place: tuple[float, float], mark: Mark) -> str:
    return numbered(place, mark.label)


def _faint(place: tuple[float, float], _: Mark) -> str:
    return element("circle", cx=place[0], cy=place[1], r=2.6, fill=INK, fill_opacity=0.3)


def _dashed(place: tuple[float, float], _: Mark) -> str:
    return _circle(place, 7, opacity=0.7, stroke_width=1.6, stroke_dasharray="3 2.5")


_SHAPES = {
    "truth": _truth,
    "model": _dot,
    "intensity": _diamond,
    "hit": _hit,
    "faint": _faint,
    "before": _dashed,
    "after": _dot,
}


def _circle(centre: tuple[float, float], radius: float, *, opacity: float, **more: object) -> str:
    return element("circle", cx=centre[0], cy=centre[1], r=radius, **(outline(opacity) | more))


def _line(start: tuple[float, float], end: tuple[float, float], *, opacity: float, **more: object) -> str:
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], **(outline(opacity) | more))


def _pair(point: tuple[float, float]) -> str:
    return f"{number(point[0])} {number(point[1])}"

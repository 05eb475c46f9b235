"""Drawings of the conventions: ``python tools/conventions.py`` writes them into ``docs/figures``.

Every direction and every word in them is what :mod:`salm.frame` and :mod:`salm.audio.arrays` say.
"""

from collections.abc import Callable
from math import atan2, degrees, hypot
from pathlib import Path

import numpy as np

from salm.audio.arrays import DCASE_MIC, EM32, MicrophoneArray, a_format
from salm.frame import (
    ABOVE_DEG,
    BELOW_DEG,
    SECTORS,
    direction_word,
    elevation_band,
    sector_centre_deg,
    sector_index,
    unit_vector,
)
from salm.pictures.plan import head, numbered
from salm.pictures.svg import ACCENT, element, label, number, outline, picture

__all__ = ["DRAWINGS"]

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "figures"

Point = tuple[float, float]


def from_above(azimuth_deg: float, centre: Point, radius: float) -> Point:
    """A direction of the horizon on paper: +x is up and +y is left."""
    x, y, _ = unit_vector(azimuth_deg, 0.0)
    return centre[0] - radius * y, centre[1] - radius * x


def from_the_right(elevation_deg: float, centre: Point, radius: float) -> Point:
    """A direction between front and above, seen from the right: +x is right, +z is up; beyond 90 it is behind."""
    x, _, z = unit_vector(0.0, elevation_deg)
    return centre[0] + radius * x, centre[1] - radius * z


def degrees_text(angle_deg: float) -> str:
    """With its sign, unless it is zero."""
    return f"{angle_deg:+.0f}°" if angle_deg else "0°"


def line(start: Point, end: Point, **attributes: object) -> str:
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], **attributes)


def circle(centre: Point, radius: float, **attributes: object) -> str:
    return element("circle", cx=centre[0], cy=centre[1], r=radius, **(attributes or outline(0.5)))


def arrow(start: Point, end: Point, size: float = 7.0) -> str:
    """A line with a head at its end."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    angle = degrees(atan2(dy, dx))
    tip = element(
        "path",
        d=f"M0 0L{-size} {-size / 2}L{-size} {size / 2}Z",
        fill=ACCENT,
        transform=f"translate({number(end[0])} {number(end[1])}) rotate({number(angle)})",
    )
    shorter = 1 - size / 2 / hypot(dx, dy)
    stop = (start[0] + shorter * dx, start[1] + shorter * dy)
    return line(start, stop, stroke=ACCENT, stroke_width=1.6) + tip


def arc(first_deg: float, last_deg: float, place: Callable[[float], Point]) -> str:
    """Part of a circle in steps of a degree or so."""
    points = [place(float(angle)) for angle in np.linspace(first_deg, last_deg, 60)]
    path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return element("path", d=path, fill="none", stroke=ACCENT, stroke_width=1.6)


def axes() -> str:
    """Axes and the signs of both angles, from above and from the right."""
    above, side, radius = (200.0, 150.0), (520.0, 150.0), 96.0
    parts = [circle(above, radius, **outline(0.3)), head(above)]
    for azimuth_deg, name in ((0.0, "+x"), (90.0, "+y")):
        parts.append(arrow(from_above(azimuth_deg, above, 22), from_above(azimuth_deg, above, radius - 14)))
        x, y = from_above(azimuth_deg, above, radius - 30)
        parts.append(label(name, x + 14 * (azimuth_deg == 0), y + 4 - 12 * (azimuth_deg > 0)))
    for azimuth_deg in (0, 90, 180, -90):
        upright = azimuth_deg in (0, 180)
        x, y = from_above(azimuth_deg, above, radius + (30 if upright else 10))
        anchor = "middle" if upright else "end" if azimuth_deg > 0 else "start"
        parts.append(label(SECTORS[sector_index(azimuth_deg)], x, y, anchor=anchor))
        parts.append(label(f"azimuth {degrees_text(azimuth_deg)}", x, y + 14, anchor=anchor))
    parts.append(arc(8, 50, lambda angle: from_above(angle, above, radius + 9)))
    parts.append(arrow(from_above(50, above, radius + 9), from_above(56, above, radius + 9)))
    parts.append(label("seen from above", above[0], 325))

    parts.append(circle(side, radius, **outline(0.3)))
    parts.append(element("circle", cx=side[0], cy=side[1], r=12, **outline(0.5)))
    parts.append(line((side[0] - radius, side[1]), (side[0] + radius, side[1]), **outline(0.3)))
    for elevation_deg, name in ((0.0, "+x"), (90.0, "+z")):
        parts.append(arrow(from_the_right(elevation_deg, side, 16), from_the_right(elevation_deg, side, radius - 14)))
        x, y = from_the_right(elevation_deg, side, radius - 30)
        parts.append(label(name, x + 14 * (elevation_deg > 0), y + 4 - 12 * (elevation_deg == 0)))
    for elevation_deg in (90.0, 45.0, 0.0, -45.0, -90.0):
        x, y = from_the_right(elevation_deg, side, radius + 24)
        anchor = "middle" if abs(elevation_deg) == 90 else "start"
        parts.append(label(degrees_text(elevation_deg), x - 10 * (anchor == "start"), y + 4, anchor=anchor))
    for border_deg in (ABOVE_DEG, BELOW_DEG):
        for angle_deg in (border_deg, 180 - border_deg):
            inner, outer = (from_the_right(angle_deg, side, r) for r in (22, radius))
            parts.append(line(inner, outer, **outline(0.3)))
    for elevation_deg in (38.0, 7.0, -38.0):
        x, y = from_the_right(180 - elevation_deg, side, 60)
        parts.append(label(elevation_band(elevation_deg), x, y + 4))
    parts.append(label("elevation, seen from the right", side[0], 325))
    return picture(
        *parts,
        width=660,
        height=338,
        title="Axes and angles",
        description="From above: x to the front, y to the left, azimuth counter-clockwise from the front. From the "
        f"right: z up, elevation up; above from {ABOVE_DEG:+.0f} degrees, below from {BELOW_DEG:+.0f}.",
        key="axes",
    )


def rose(centre: Point, title: str, *, vocabulary: str = "listener", facing: str = "north") -> str:
    """Eight sectors with their borders and their words."""
    radius = 74.0
    parts = [circle(centre, radius), head(centre, radius=10.0)]
    for sector in range(len(SECTORS)):
        middle_deg = sector_centre_deg(sector)
        border_deg = middle_deg + 180 / len(SECTORS)
        parts.append(line(from_above(border_deg, centre, 22), from_above(border_deg, centre, radius), **outline(0.25)))
        x, y = from_above(middle_deg, centre, radius + 12)
        anchor = "middle" if abs(x - centre[0]) < 1 else "end" if x < centre[0] else "start"
        low = 8 * (y - centre[1]) / radius
        parts.append(label(direction_word(sector, vocabulary=vocabulary, facing=facing), x, y + 4 + low, anchor=anchor))
        x, y = from_above(middle_deg, centre, radius - 18)
        parts.append(label(degrees_text(middle_deg), x, y + 4))
    parts.append(label(title, centre[0], centre[1] + radius + 48))
    return "".join(parts)


def words() -> str:
    """The four views of one circle."""
    return picture(
        rose((170.0, 110.0), "the listener's words"),
        rose((500.0, 110.0), "the clock", vocabulary="clock"),
        rose((170.0, 360.0), "the compass, facing north (the default)", vocabulary="compass"),
        rose((500.0, 360.0), "the compass, facing south (the paper's code line)", vocabulary="compass", facing="south"),
        width=660,
        height=495,
        title="Sectors and their words",
        description="Eight sectors of 45 degrees with the words of the listener, of the clock and of the compass.",
        key="words",
    )


def capsules(array: MicrophoneArray, names: str | None, left: float, title: str) -> str:
    """Where capsules look, as a map: azimuth to the left, as it grows, and elevation up."""
    width, height, top = 270.0, 150.0, 26.0

    def place(azimuth_deg: float, elevation_deg: float) -> Point:
        azimuth_deg = (azimuth_deg + 180) % 360 - 180
        return left + width * (0.5 - azimuth_deg / 360), top + height * (0.5 - elevation_deg / 180)

    sheet = element("rect", x=left, y=top, width=width, height=height, **outline(0.4))
    parts = [sheet, label(title, left + width / 2, 14)]
    for azimuth_deg in (90.0, 0.0, -90.0):
        x, _ = place(azimuth_deg, 0)
        parts.append(line((x, top), (x, top + height), **outline(0.15)))
        word = SECTORS[sector_index(azimuth_deg)]
        parts.append(label(f"{degrees_text(azimuth_deg)} {word}", x, top + height + 15))
    parts.append(line(place(180, 0), place(-179.999, 0), **outline(0.15)))
    for channel, (azimuth_deg, elevation_deg) in enumerate(zip(array.azimuths_deg, array.elevations_deg, strict=True)):
        at = place(azimuth_deg, elevation_deg)
        if names is None:
            side = -1 if at[0] > left + width - 12 else 1
            parts.append(circle(at, 2.4, fill=ACCENT) + label(channel + 1, at[0] + 9 * side, at[1] + 3))
        else:
            parts.append(numbered(at, names[channel]))
    return "".join(parts)


def microphones() -> str:
    """The arrays that are understood, by the angles of their capsules."""
    tetrahedron = a_format()
    return picture(
        capsules(tetrahedron, "1234", 15.0, "a-format: FLU FRD BLD BRU"),
        capsules(EM32, None, 345.0, "em32: 32 capsules, by channel"),
        width=630,
        height=205,
        title="Capsules of the A-format and of the em32",
        description=f"Azimuth runs to the left. The capsules of {DCASE_MIC.name} look where those of the A-format do.",
        key="microphones",
    )


DRAWINGS = {"axes.svg": axes, "words.svg": words, "capsules.svg": microphones}
"""What is drawn, by the names of the files."""

if __name__ == "__main__":
    for name, draw in DRAWINGS.items():
        (FOLDER / name).write_text(draw() + "\n", encoding="utf-8")

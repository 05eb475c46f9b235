"""Strips with angles from the top to the bottom and time across, one below the other.

The front is in the middle, the left above it, the right below, and the back is both the upper and the lower edge, so
that what moves around the listener goes up or down.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from salm.frame import SECTORS
from salm.pictures.svg import INK, element, label, number

__all__ = ["LEFT", "RIGHT", "WIDTH", "Panel", "across", "bar", "clock", "panel_frame", "time_axis", "trace"]

WIDTH, LEFT, RIGHT = 1000.0, 76.0, 986.0
STEPS_S = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 86400)
MOST_TICKS = 12
# Lower panels have room for every other word only.
WORDS_HEIGHT = 200.0


class Panel(NamedTuple):
    """A strip of the picture with degrees from the top to the bottom."""

    top: float
    height: float
    most_deg: float
    """At its top; the same below zero at its bottom."""

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    def y(self, angle_deg: float) -> float:
        """Where an angle is."""
        return self.top + self.height * (self.most_deg - angle_deg) / (2 * self.most_deg)

    def span(self, low_deg: float, high_deg: float) -> tuple[float, float]:
        """Upper edge and height of a band, cut off at the edges of the panel."""
        top = self.y(min(high_deg, self.most_deg))
        return top, self.y(max(low_deg, -self.most_deg)) - top


def panel_frame(name: str, panel: Panel) -> Iterator[str]:
    """The background of a panel and the words beside it; it is of ``azimuth``, ``elevation`` or just ``sound``."""
    box = {"x": LEFT, "y": panel.top, "width": RIGHT - LEFT, "height": panel.height}
    yield element("rect", **box, fill=INK, fill_opacity=0.035)
    words: dict[float, str] = {0.0: "sound"}
    if name == "azimuth":
        step = 1 if panel.height >= WORDS_HEIGHT else 2
        between = {90.0 - 45 * i: SECTORS[2 - i] for i in (-1, 0, 1, 2, 3, 4, 5)}
        words = {180.0: "back"} | {a: word for a, word in between.items() if a % (45 * step) == 0} | {-180.0: "back"}
    elif name == "elevation":
        words = {90.0: "above", 45.0: "+45°", 0.0: "level", -45.0: "−45°", -90.0: "below"}
    for angle_deg, word in words.items():
        y = panel.y(angle_deg)
        if name != "sound":
            opacity = 0.3 if angle_deg == 0 else 0.1
            yield element("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, stroke=INK, stroke_opacity=opacity)
        yield label(word, LEFT - 8, y + 4, anchor="end")


def time_axis(duration_s: float, top: float, bottom: float) -> Iterator[str]:
    """Lines at round times, and the times below them."""
    step_s = next((step for step in STEPS_S if duration_s / step <= MOST_TICKS), STEPS_S[-1])
    for number_ in range(int(duration_s / step_s) + 1):
        x = across(number_ * step_s, duration_s)
        yield element("line", x1=x, x2=x, y1=top, y2=bottom + 4, stroke=INK, stroke_opacity=0.12)
        yield label(clock(number_ * step_s), x, bottom + 18)


def across(time_s: float, duration_s: float) -> float:
    """Where a time is."""
    return LEFT + (RIGHT - LEFT) * time_s / duration_s


def clock(time_s: float) -> str:
    """A time as minutes and seconds, and hours where there are some."""
    tenths = round(time_s * 10)
    seconds = f"{tenths % 600 / 10:04.1f}" if tenths % 10 else f"{tenths % 600 // 10:02d}"
    hours, minutes = tenths // 36000, tenths // 600 % 60
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def trace(
    panel: Panel,
    span: tuple[float, float],
    angle_deg: float,
    cone_deg: float | None,
    places: Sequence[tuple[float, float]],
    colour: str,
    *,
    around: bool,
) -> Iterator[str]:
    """Where something is or goes, on the band of its cone.

    Parameters
    ----------
    span
        Its left and right edge.
    places
        Of what moves, points across and in degrees; empty if it stands still.
    around
        Whether 180 and -180 degrees are one.
    """
    if places:
        for piece in _unbroken(places) if around else [places]:
            points = " ".join(f"{number(x)},{number(panel.y(angle))}" for x, angle in piece)
            yield element(
                "polyline", points=points, fill="none", style=f"stroke:{colour}", stroke_width=5, stroke_linecap="round"
            )
        return
    if cone_deg is not None:
        for turn_deg in (-360.0, 0.0, 360.0) if around else (0.0,):
            top, height = panel.span(angle_deg - cone_deg + turn_deg, angle_deg + cone_deg + turn_deg)
            if height > 0:
                yield bar(span, (top, height), colour, 0.22)
    yield bar(span, (panel.y(angle_deg) - 2.5, 5.0), colour, 1.0)


def bar(span: tuple[float, float], down: tuple[float, float], colour: str, opacity: float) -> str:
    """A rectangle by its left edge and width, and its upper edge and height."""
    return element(
        "rect", x=span[0], y=down[0], width=span[1], height=down[1], style=f"fill:{colour}", fill_opacity=opacity
    )


def _unbroken(places: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """A path in pieces, none of which passes behind the listener from one edge to the other."""
    pieces = [[places[0]]]
    for before, place in pairwise(places):
        if abs(place[1] - before[1]) > 180:
            pieces.append([])
        pieces[-1].append(place)
    return pieces

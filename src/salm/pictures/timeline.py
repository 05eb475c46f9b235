"""Direction against time: the events of a timeline by azimuth and by elevation, in the colours of their sentences.

The front is in the middle, the left above it, the right below, and the back is both the upper and the lower edge, so
that what moves around the listener goes up or down. The bands are the cones that hold the truth with 90 % probability,
the numbers those of the sentences in the legend.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from salm.frame import SECTORS
from salm.pictures.svg import ACCENT, INK, element, label, number, picture, text
from salm.scanning.event import Event
from salm.scanning.timeline import Timeline

__all__ = ["clock", "timeline_picture"]

WIDTH, LEFT, RIGHT = 1000.0, 76.0, 986.0
TOP, AZIMUTH_HEIGHT, ELEVATION_HEIGHT, STRIP_HEIGHT, GAP = 14.0, 288.0, 108.0, 30.0, 20.0
LEGEND_ROW, LEGEND_COLUMNS = 20.0, 3
LEAST_WIDTH = 2.5
STEPS_S = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 86400)
MOST_TICKS = 12
NUMBER_WIDTH = 16.0
# Okabe and Ito's colours without black and yellow, brown and grey: told apart by colour-blind eyes, on white and dark.
# Where there are more sentences the colours return; the numbers do not.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f5539", "#6b7280")


class _Panel(NamedTuple):
    """A strip of the picture with degrees from the top to the bottom."""

    top: float
    height: float
    most_deg: float
    """At its top; the same below zero at its bottom."""

    def y(self, angle_deg: float) -> float:
        return self.top + self.height * (self.most_deg - angle_deg) / (2 * self.most_deg)

    def span(self, low_deg: float, high_deg: float) -> tuple[float, float]:
        """Upper edge and height of a band, cut off at the edges of the panel."""
        top = self.y(min(high_deg, self.most_deg))
        return top, self.y(max(low_deg, -self.most_deg)) - top


def timeline_picture(timeline: Timeline, *, key: str = "timeline") -> str:
    """A timeline as an SVG picture: azimuth and elevation of every event against time, with a legend.

    Of stereo there is no elevation, and of mono only a strip of what sounds when.

    Parameters
    ----------
    key
        Identifier that no other picture on the same page has.
    """
    duration_s = max(timeline.duration_s, 0.1)
    panels = _panels(timeline)
    bottom = max(panel.top + panel.height for panel in panels.values())
    labels = sorted({event.label for event in timeline.events if event.fits})
    legend = [timeline.sentences[label] for label in labels]
    colours = {label: PALETTE[i % len(PALETTE)] for i, label in enumerate(labels)}
    rows = -(-len(legend) // LEGEND_COLUMNS)
    return picture(
        *(part for name, panel in panels.items() for part in _frame(name, panel)),
        *_times(duration_s, bottom),
        *(
            _drawn(event, panels, colours.get(event.label, ACCENT) if event.fits else ACCENT, duration_s)
            for event in timeline.events
        ),
        *_numbers(timeline, panels, labels),
        *_legend(legend, [colours[label] for label in labels], bottom + 44),
        width=WIDTH,
        height=bottom + 30 + (14 + LEGEND_ROW * rows if rows else 0),
        title=f"Direction against time of {timeline.file}",
        description="; ".join(map(_told, timeline.events)) or "no events",
        key=key,
    )


def clock(time_s: float) -> str:
    """A time as minutes and seconds, and hours where there are some."""
    tenths = round(time_s * 10)
    seconds = f"{tenths % 600 / 10:04.1f}" if tenths % 10 else f"{tenths % 600 // 10:02d}"
    hours, minutes = tenths // 36000, tenths // 600 % 60
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def _panels(timeline: Timeline) -> dict[str, _Panel]:
    if timeline.layout == "mono":
        return {"sound": _Panel(TOP, STRIP_HEIGHT, 1.0)}
    azimuth = _Panel(TOP, AZIMUTH_HEIGHT, 180.0)
    if timeline.layout == "stereo":
        return {"azimuth": azimuth}
    return {"azimuth": azimuth, "elevation": _Panel(TOP + AZIMUTH_HEIGHT + GAP, ELEVATION_HEIGHT, 90.0)}


def _frame(name: str, panel: _Panel) -> Iterator[str]:
    box = {"x": LEFT, "y": panel.top, "width": RIGHT - LEFT, "height": panel.height}
    yield element("rect", **box, fill=INK, fill_opacity=0.035)
    words: dict[float, str] = {0.0: "sound"}
    if name == "azimuth":
        words = {180.0: "back"} | {90.0 - 45 * i: SECTORS[2 - i] for i in (-1, 0, 1, 2, 3, 4, 5)} | {-180.0: "back"}
    elif name == "elevation":
        words = {90.0: "above", 45.0: "+45°", 0.0: "level", -45.0: "−45°", -90.0: "below"}
    for angle_deg, word in words.items():
        y = panel.y(angle_deg)
        if name != "sound":
            opacity = 0.3 if angle_deg == 0 else 0.1
            yield element("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, stroke=INK, stroke_opacity=opacity)
        yield label(word, LEFT - 8, y + 4, anchor="end")


def _times(duration_s: float, bottom: float) -> Iterator[str]:
    step_s = next((step for step in STEPS_S if duration_s / step <= MOST_TICKS), STEPS_S[-1])
    for number_ in range(int(duration_s / step_s) + 1):
        x = _across(number_ * step_s, duration_s)
        yield element("line", x1=x, x2=x, y1=TOP, y2=bottom + 4, stroke=INK, stroke_opacity=0.12)
        yield label(clock(number_ * step_s), x, bottom + 18)


def _across(time_s: float, duration_s: float) -> float:
    return LEFT + (RIGHT - LEFT) * time_s / duration_s


def _drawn(event: Event, panels: dict[str, _Panel], colour: str, duration_s: float) -> str:
    left, right = (_across(time_s, duration_s) for time_s in (event.onset_s, event.offset_s))
    span = left, max(LEAST_WIDTH, right - left)
    parts: list[str] = []
    if "sound" in panels:
        top, height = panels["sound"].span(-0.6, 0.6)
        parts.append(_bar(span, (top, height), colour, 0.8))
    if "azimuth" in panels and event.azimuth_deg is not None:
        places = [(_across(place.time_s, duration_s), place.azimuth_deg) for place in event.path]
        parts += _line(panels["azimuth"], span, event.azimuth_deg, event.cone_deg, places, colour, around=True)
    if "elevation" in panels and event.elevation_deg is not None:
        places = [(_across(place.time_s, duration_s), place.elevation_deg) for place in event.path]
        parts += _line(panels["elevation"], span, event.elevation_deg, event.cone_deg, places, colour, around=False)
    return element("g", element("title", text(_told(event))), *parts)


def _line(
    panel: _Panel,
    span: tuple[float, float],
    angle_deg: float,
    cone_deg: float | None,
    places: Sequence[tuple[float, float]],
    colour: str,
    *,
    around: bool,
) -> Iterator[str]:
    """An event in one panel: where it is or goes, on the band of its cone; ``around`` where 180 and -180 are one."""
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
                yield _bar(span, (top, height), colour, 0.22)
    yield _bar(span, (panel.y(angle_deg) - 2.5, 5.0), colour, 1.0)


def _unbroken(places: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """A path in pieces, none of which passes behind the listener from one edge to the other."""
    pieces = [[places[0]]]
    for before, place in pairwise(places):
        if abs(place[1] - before[1]) > 180:
            pieces.append([])
        pieces[-1].append(place)
    return pieces


def _bar(across: tuple[float, float], down: tuple[float, float], colour: str, opacity: float) -> str:
    return element(
        "rect",
        x=across[0],
        y=down[0],
        width=across[1],
        height=down[1],
        style=f"fill:{colour}",
        fill_opacity=opacity,
    )


def _numbers(timeline: Timeline, panels: dict[str, _Panel], labels: Sequence[int]) -> Iterator[str]:
    """The number of its sentence over the start of every event, unless the same number stands right before it."""
    if "azimuth" not in panels:
        return
    before: dict[tuple[int, int], float] = {}
    for event in timeline.events:
        azimuth_deg, _ = event.at(event.onset_s)
        if not event.fits or azimuth_deg is None:
            continue
        x, y = _across(event.onset_s, max(timeline.duration_s, 0.1)), panels["azimuth"].y(azimuth_deg)
        beside = (event.label, event.track)
        if x - before.get(beside, -WIDTH) >= NUMBER_WIDTH:
            before[beside] = x
            below = y < TOP + NUMBER_WIDTH
            yield label(labels.index(event.label) + 1, x, y + (14 if below else -5), anchor="start")


def _legend(names: Sequence[str], colours: Sequence[str], top: float) -> Iterator[str]:
    column = (RIGHT - LEFT) / LEGEND_COLUMNS
    for i, (name, colour) in enumerate(zip(names, colours, strict=True)):
        x, y = LEFT + column * (i % LEGEND_COLUMNS), top + LEGEND_ROW * (i // LEGEND_COLUMNS)
        yield element("rect", x=x, y=y - 9, width=10, height=10, rx=2, style=f"fill:{colour}")
        yield label(f"{i + 1} {name}", x + 16, y, anchor="start")


def _told(event: Event) -> str:
    """An event in words."""
    name = event.name or "sound"
    if event.azimuth_deg is None:
        where = "direction not known"
    else:
        height = "" if event.elevation_deg is None else f", elevation {event.elevation_deg:.0f}°"
        where = f"{event.sector}, azimuth {event.azimuth_deg:.0f}°{height}"
    return f"{clock(event.onset_s)} to {clock(event.offset_s)}: {name}, {where}, track {event.track}"

"""Direction against time: the events of a timeline by azimuth and by elevation, in the colours of their sentences.

The bands are the cones that hold the truth with 90 % probability, the numbers those of the sentences in the legend.
"""

from collections.abc import Iterator, Sequence

from salm.pictures.panels import LEFT, RIGHT, WIDTH, Panel, across, bar, clock, panel_frame, time_axis, trace
from salm.pictures.svg import ACCENT, element, label, picture, text
from salm.scanning.event import Event
from salm.scanning.timeline import Timeline

__all__ = ["timeline_picture"]

TOP, AZIMUTH_HEIGHT, ELEVATION_HEIGHT, STRIP_HEIGHT, GAP = 14.0, 288.0, 108.0, 30.0, 20.0
LEGEND_ROW, LEGEND_COLUMNS = 20.0, 3
LEAST_WIDTH = 2.5
NUMBER_WIDTH = 16.0
# Okabe and Ito's colours without black and yellow, brown and grey: told apart by colour-blind eyes, on white and dark.
# Where there are more sentences the colours return; the numbers do not.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f5539", "#6b7280")


def timeline_picture(timeline: Timeline) -> str:
    """A timeline as an SVG picture: azimuth and elevation of every event against time, with a legend.

    Of stereo there is no elevation, and of mono only a strip of what sounds when.
    """
    duration_s = max(timeline.duration_s, 0.1)
    panels = _panels(timeline)
    bottom = max(panel.top + panel.height for panel in panels.values())
    labels = sorted({event.label for event in timeline.events if event.fits})
    legend = [timeline.sentences[label] for label in labels]
    colours = {label: PALETTE[i % len(PALETTE)] for i, label in enumerate(labels)}
    rows = -(-len(legend) // LEGEND_COLUMNS)
    return picture(
        *(part for name, panel in panels.items() for part in panel_frame(name, panel)),
        *time_axis(duration_s, TOP, bottom),
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
        key="timeline",
    )


def _panels(timeline: Timeline) -> dict[str, Panel]:
    if timeline.layout == "mono":
        return {"sound": Panel(TOP, STRIP_HEIGHT, 1.0)}
    azimuth = Panel(TOP, AZIMUTH_HEIGHT, 180.0)
    if timeline.layout == "stereo":
        return {"azimuth": azimuth}
    return {"azimuth": azimuth, "elevation": Panel(TOP + AZIMUTH_HEIGHT + GAP, ELEVATION_HEIGHT, 90.0)}


def _drawn(event: Event, panels: dict[str, Panel], colour: str, duration_s: float) -> str:
    left, right = (across(time_s, duration_s) for time_s in (event.onset_s, event.offset_s))
    span = left, max(LEAST_WIDTH, right - left)
    parts: list[str] = []
    if "sound" in panels:
        top, height = panels["sound"].span(-0.6, 0.6)
        parts.append(bar(span, (top, height), colour, 0.8))
    if "azimuth" in panels and event.azimuth_deg is not None:
        places = [(across(place.time_s, duration_s), place.azimuth_deg) for place in event.path]
        parts += trace(panels["azimuth"], span, event.azimuth_deg, event.cone_deg, places, colour, around=True)
    if "elevation" in panels and event.elevation_deg is not None:
        places = [(across(place.time_s, duration_s), place.elevation_deg) for place in event.path]
        parts += trace(panels["elevation"], span, event.elevation_deg, event.cone_deg, places, colour, around=False)
    return element("g", element("title", text(_told(event))), *parts)


def _numbers(timeline: Timeline, panels: dict[str, Panel], labels: Sequence[int]) -> Iterator[str]:
    """The number of its sentence over the start of every event, unless the same number stands right before it."""
    if "azimuth" not in panels:
        return
    before: dict[tuple[int, int], float] = {}
    for event in timeline.events:
        azimuth_deg, _ = event.at(event.onset_s)
        if not event.fits or azimuth_deg is None:
            continue
        x, y = across(event.onset_s, max(timeline.duration_s, 0.1)), panels["azimuth"].y(azimuth_deg)
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

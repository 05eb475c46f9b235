"""Where `salm locate` found the sound: a plan of one direction, strips of windows against time, a line a file of many.

Shaded are the cones that hold the truth with 90 % probability. Of stereo the second place that it cannot tell from the
first is drawn faintly.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import asin, cos, degrees, radians, sin
from pathlib import Path
from textwrap import wrap
from typing import Any

from salm.frame import wrap_deg
from salm.pictures import plan
from salm.pictures.panels import LEFT, RIGHT, WIDTH, Panel, across, bar, clock, panel_frame, time_axis, trace
from salm.pictures.plan import Mark, plan_parts
from salm.pictures.svg import ACCENT, INK, element, label, picture, text

__all__ = ["located_picture"]

File = Mapping[str, Any]
Place = Mapping[str, Any]

LINE = 18.0
CHARACTERS = 66
TOP, AZIMUTH_HEIGHT, ELEVATION_HEIGHT, LOW_HEIGHT, STRIP_HEIGHT, GAP = 34.0, 288.0, 108.0, 132.0, 44.0, 22.0
NAME_RIGHT, AROUND, UPWARDS, SAID = 236.0, (252.0, 592.0), (640.0, 750.0), 772.0
NAME_CHARACTERS = 36
ROW = 26.0


def located_picture(files: Sequence[File]) -> str:
    """What was located, as SVG: of one file with one direction a plan, of windows direction against time, else a list.

    Parameters
    ----------
    files
        As `salm locate` gives them in JSON: ``file``, ``error`` and ``windows``.
    """
    if any(len(file["windows"]) > 1 for file in files):
        return _against_time(files)
    if len(files) == 1 and files[0]["windows"]:
        return _on_plan(files[0], files[0]["windows"][0])
    return _one_line_each(files)


def _on_plan(file: File, place: Place) -> str:
    lines = [line for said in _in_lines(place) for line in wrap(said, CHARACTERS)]
    return picture(
        *plan_parts(_marks(place)),
        _bold(_short(Path(file["file"]).name), plan.WIDTH / 2, plan.HEIGHT + 8, anchor="middle"),
        *(label(line, plan.WIDTH / 2, plan.HEIGHT + 8 + LINE * (i + 1)) for i, line in enumerate(lines)),
        width=plan.WIDTH,
        height=plan.HEIGHT + LINE * (len(lines) + 1),
        title=f"Where the sound of {file['file']} is",
        description="; ".join(_in_lines(place)),
        key="located",
    )


def _marks(place: Place) -> list[Mark]:
    if place["azimuth_deg"] is None:
        return []
    there = Mark(
        azimuth_deg=place["azimuth_deg"],
        elevation_deg=place["elevation_deg"] or 0.0,
        title=_where(place),
        cone_deg=place["cone_deg"],
    )
    if place["ambiguity"] is None:
        return [there]
    mirrored = wrap_deg(180.0 - place["azimuth_deg"])
    return [Mark(azimuth_deg=mirrored, kind="before", title=f"or azimuth {_angle(mirrored)}"), there]


def _against_time(files: Sequence[File]) -> str:
    ends = [place["end_s"] for file in files for place in file["windows"]]
    duration_s = max([*ends, 0.1])
    parts: list[str] = []
    bottom = 0.0
    for file in files:
        more, bottom = _strips(file, duration_s, bottom, alone=len(files) == 1)
        parts += more
    unknown = any(place["azimuth_deg"] is None for file in files for place in file["windows"])
    if unknown:
        parts.append(bar((LEFT, 16.0), (bottom + 34, 12.0), INK, 0.12))
        parts.append(label("no direction can be told", LEFT + 24, bottom + 44, anchor="start"))
    names = ", ".join(str(file["file"]) for file in files)
    return picture(
        *parts,
        *time_axis(duration_s, TOP, bottom),
        width=WIDTH,
        height=bottom + (58 if unknown else 30),
        title=f"Direction against time of {names}",
        description="; ".join(_told(file, place) for file in files for place in file["windows"]) or "no directions",
        key="located",
    )


def _strips(file: File, duration_s: float, top: float, *, alone: bool) -> tuple[list[str], float]:
    """The panels of one file from a height on, and where they end."""
    places: Sequence[Place] = file["windows"]
    heading = _bold(file["file"], LEFT, top + TOP - 12)
    if not places:
        why = label(file["error"] or "nothing was heard", LEFT, top + TOP + 6, anchor="start")
        return [heading, why], top + TOP + 10
    azimuth = Panel(top + TOP, AZIMUTH_HEIGHT if alone else LOW_HEIGHT, 180.0)
    panels = {"azimuth": azimuth}
    if alone and any(place["elevation_deg"] is not None for place in places):
        panels["elevation"] = Panel(azimuth.bottom + GAP, ELEVATION_HEIGHT, 90.0)
    parts = [heading, *(p for name, panel in panels.items() for p in panel_frame(name, panel))]
    parts += [_window(place, panels, duration_s) for place in places]
    bottom = max(panel.bottom for panel in panels.values())
    if alone:
        for name, share in _shares(places):
            parts += _shares_strip(name, [(place, share(place)) for place in places], duration_s, bottom + GAP)
            bottom += GAP + STRIP_HEIGHT
    return parts, bottom


def _window(place: Place, panels: Mapping[str, Panel], duration_s: float) -> str:
    left, right = (across(place[end], duration_s) for end in ("start_s", "end_s"))
    # Windows follow each other without a gap; a sliver tells them apart.
    span = left, max(1.0, right - left - 2)
    parts: list[str] = []
    for name, panel in panels.items():
        angle_deg = place[f"{name}_deg"]
        if angle_deg is None:
            if place["azimuth_deg"] is None:
                parts.append(bar(span, (panel.top, panel.height), INK, 0.12))
            continue
        if name == "azimuth" and place["ambiguity"] is not None:
            y = panel.y(wrap_deg(180.0 - angle_deg))
            parts.append(bar(span, (y - 1.5, 3.0), ACCENT, 0.35))
        parts += trace(panel, span, angle_deg, place["cone_deg"], (), ACCENT, around=name == "azimuth")
    return element("g", element("title", text(f"{_times(place)}: {_where(place)}")), *parts)


def _shares(places: Sequence[Place]) -> Iterator[tuple[str, Any]]:
    yield "confidence", lambda place: (place["confidence"], 1.0, f"{place['confidence']:.2f}")
    if any("what" in place for place in places):
        most = max(0.01, *(place["what"] for place in places))
        yield "fit", lambda place: (place["what"], most, _signed(place["what"]))


def _shares_strip(
    name: str, values: Sequence[tuple[Place, tuple[float, float, str]]], duration_s: float, top: float
) -> Iterator[str]:
    """A bar a window; the number over it where there is room."""
    yield element("rect", x=LEFT, y=top, width=RIGHT - LEFT, height=STRIP_HEIGHT, fill=INK, fill_opacity=0.035)
    yield label(name, LEFT - 8, top + STRIP_HEIGHT / 2 + 4, anchor="end")
    for place, (value, most, said) in values:
        left, right = (across(place[end], duration_s) for end in ("start_s", "end_s"))
        height = (STRIP_HEIGHT - 14) * min(1.0, max(0.0, value / most))
        yield bar((left, max(1.0, right - left - 2)), (top + STRIP_HEIGHT - height, height), ACCENT, 0.45)
        if right - left > 34:
            yield label(said, (left + right) / 2, top + STRIP_HEIGHT - height - 3)


def _one_line_each(files: Sequence[File]) -> str:
    rows = [(file, place) for file in files for place in file["windows"] or [None]]
    bottom = TOP + ROW * max(1, len(rows))
    return picture(
        *_two_axes(bottom),
        *(part for i, (file, place) in enumerate(rows) for part in _row(file, place, TOP + ROW * (i + 0.5))),
        width=WIDTH,
        height=bottom + 12,
        title="Where the sounds of several recordings are",
        description="; ".join(_told(file, place) for file, place in rows) or "no recordings",
        key="located",
    )


def _two_axes(bottom: float) -> Iterator[str]:
    around = {180.0: "back", 90.0: "left", 0.0: "front", -90.0: "right", -180.0: "back"}
    upwards = {-90.0: "below", 0.0: "level", 90.0: "above"}
    for words, at in ((around, _around), (upwards, _upwards)):
        for angle_deg, word in words.items():
            x, opacity = at(angle_deg), 0.3 if angle_deg == 0 else 0.12
            yield element("line", x1=x, x2=x, y1=TOP - 6, y2=bottom, stroke=INK, stroke_opacity=opacity)
            yield label(word, x, TOP - 14)


def _row(file: File, place: Place | None, y: float) -> Iterator[str]:
    name = str(file["file"])
    yield element("line", x1=12.0, x2=WIDTH - 12, y1=y + ROW / 2, y2=y + ROW / 2, stroke=INK, stroke_opacity=0.08)
    yield element("g", element("title", text(name)), label(_short(name), NAME_RIGHT, y + 4, anchor="end"))
    if place is None or place["azimuth_deg"] is None:
        yield label("no direction" if place else "cannot be read", sum(AROUND) / 2, y + 4, font_style="italic")
        return
    azimuth_deg, elevation_deg = place["azimuth_deg"], place["elevation_deg"]
    marks: list[str] = []
    if place["cone_deg"] is not None:
        marks += _cone_across(azimuth_deg, elevation_deg or 0.0, place["cone_deg"], y)
    if place["ambiguity"] is not None:
        marks.append(_dot(_around(wrap_deg(180.0 - azimuth_deg)), y, 0.35))
    marks.append(_dot(_around(azimuth_deg), y))
    if elevation_deg is not None:
        marks.append(_dot(_upwards(elevation_deg), y))
    yield element("g", element("title", text(_where(place))), *marks)
    yield label(_where(place), SAID, y + 4, anchor="start")


def _cone_across(azimuth_deg: float, elevation_deg: float, cone_deg: float, y: float) -> Iterator[str]:
    """The azimuths and the elevations that a cone reaches."""
    # A cone that holds the zenith or the nadir reaches every azimuth.
    reach_deg = 180.0
    if abs(elevation_deg) + cone_deg < 90:
        reach_deg = degrees(asin(sin(radians(cone_deg)) / cos(radians(elevation_deg))))
    for turn_deg in (-360.0, 0.0, 360.0):
        high, low = (max(-180.0, min(180.0, azimuth_deg + turn_deg + side * reach_deg)) for side in (1, -1))
        if high > low:
            yield bar((_around(high), _around(low) - _around(high)), (y - 5, 10.0), ACCENT, 0.25)
    low, high = (max(-90.0, min(90.0, elevation_deg + side * cone_deg)) for side in (-1, 1))
    yield bar((_upwards(low), _upwards(high) - _upwards(low)), (y - 5, 10.0), ACCENT, 0.25)


def _around(azimuth_deg: float) -> float:
    left, right = AROUND
    return left + (right - left) * (180.0 - azimuth_deg) / 360.0


def _upwards(elevation_deg: float) -> float:
    left, right = UPWARDS
    return left + (right - left) * (elevation_deg + 90.0) / 180.0


def _dot(x: float, y: float, opacity: float = 1.0) -> str:
    return element("circle", cx=x, cy=y, r=4.0, style=f"fill:{ACCENT}", fill_opacity=opacity)


def _short(name: str) -> str:
    """Both ends of a long name: the folder or the beginning, and the ending."""
    kept = NAME_CHARACTERS // 2
    return name if len(name) <= NAME_CHARACTERS else f"{name[: kept - 1]}…{name[-kept:]}"


def _bold(words: str, x: float, y: float, *, anchor: str = "start") -> str:
    return element("text", text(words), x=x, y=y, text_anchor=anchor, font_size=12.5, font_weight=600, fill=INK)


def _told(file: File, place: Place | None) -> str:
    if place is None:
        return f"{file['file']}: {file['error'] or 'nothing'}"
    return f"{file['file']}, {_times(place)}: {_where(place)}"


def _times(place: Place) -> str:
    return f"{clock(place['start_s'])} to {clock(place['end_s'])}"


def _in_lines(place: Place) -> list[str]:
    """A place in full: direction, how sure it is, and why it is doubtful."""
    if place["azimuth_deg"] is None:
        return ["no direction", *_reason(place)]
    height = "" if place["elevation_deg"] is None else f", elevation {_angle(place['elevation_deg'])}"
    lines = [f"{place['sector']}: azimuth {_angle(place['azimuth_deg'])}{height}"]
    if place["cone_deg"] is not None:
        lines.append(f"within ±{place['cone_deg']:.0f}° with 90 % probability, confidence {place['confidence']:.2f}")
    else:
        lines.append(f"confidence {place['confidence']:.2f}")
    if "what" in place:
        lines.append(f"fits the words by {_signed(place['what'])}")
    return [*lines, *_reason(place)]


def _reason(place: Place) -> list[str]:
    return [place["reason"]] if place["reason"] else []


def _where(place: Place) -> str:
    """A place in short."""
    if place["azimuth_deg"] is None:
        return "no direction"
    height = "" if place["elevation_deg"] is None else f", elevation {_angle(place['elevation_deg'])}"
    cone = "" if place["cone_deg"] is None else f", ±{place['cone_deg']:.0f}°"
    return f"{place['sector']}, {_angle(place['azimuth_deg'])}{height}{cone}"


def _angle(angle_deg: float) -> str:
    """Whole degrees with their sign; what is behind is 180 and never -180, and nothing is -0."""
    whole = round(wrap_deg(round(angle_deg)))
    return f"{whole:+d}°".replace("-", "−") if whole not in (0, 180) else f"{whole}°"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")

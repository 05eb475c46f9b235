"""Floor plans: where the sounds of one scene stand, in metres, seen from above with the front up and the left left."""

from math import cos, radians, sin
from typing import NamedTuple

from salm.acoustics.room import Room
from salm.frame import Direction
from salm.pictures.plan import head, numbered
from salm.pictures.svg import ACCENT, element, label, number, outline, picture, text
from salm.scenes.scene import Scene, Source

__all__ = ["floor_plan", "whereabouts"]

WIDTH, HEIGHT = 224.0, 208.0
CENTRE, REACH = (96.0, 94.0), 80.0
HEAD_RADIUS = 6.0
STEPS_M = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)

Point = tuple[float, float]


def floor_plan(scene: Scene, *, title: str, key: str) -> str:
    """The room of a scene with its microphone and its sounds, which are numbered in the scene's order from 1.

    Without a room two circles show the distance. A sound at a distance that is not known stands on the outer one, at
    the end of a dashed line. One that moves has its number where it sets out, and a dot where it ends.

    Parameters
    ----------
    title
        What the picture is, for screen readers.
    key
        Identifier that no other picture on the same page has.
    """
    sheet = _room(scene.room) if scene.room else _circles(scene)
    said = [f"{i}: {source.caption} {whereabouts(source)}" for i, source in enumerate(scene.sources, 1)]
    return picture(
        sheet.frame,
        head(sheet.microphone, radius=HEAD_RADIUS),
        *(_way(sheet, source) for source in scene.sources),
        *(_sound(sheet.places(scene.sources[i - 1])[0], i, said[i - 1]) for i in range(len(scene.sources), 0, -1)),
        width=WIDTH,
        height=HEIGHT,
        title=title,
        description="; ".join(said),
        key=key,
    )


def whereabouts(source: Source) -> str:
    """Direction and distance of a sound, e.g. ``front left, above, 2.4 m``; both ends if it moves."""
    if source.path:
        start, end = (_spoken(*place[1:]) for place in (source.path[0], source.path[-1]))
        return f"{start}, moving to {end}"
    return _spoken(source.azimuth_deg, source.elevation_deg, source.distance_m)


def _spoken(azimuth_deg: float, elevation_deg: float, distance_m: float | None) -> str:
    distance = "distance not known" if distance_m is None else f"{distance_m:.1f} m"
    return f"{Direction(azimuth_deg, elevation_deg).spoken()}, {distance}"


class _Sheet(NamedTuple):
    """The paper that sounds are drawn on."""

    frame: str
    """The walls or circles."""
    microphone: Point
    scale: float
    """Of a metre."""
    outermost_m: float = 0.0
    """Where sounds stand whose distance is not known."""

    def places(self, source: Source) -> list[Point]:
        """Where a sound is, or where it passes if it moves."""
        if source.path:
            return [self._at(*place[1:]) for place in source.path]
        return [self._at(source.azimuth_deg, source.elevation_deg, source.distance_m)]

    def _at(self, azimuth_deg: float, elevation_deg: float, distance_m: float | None) -> Point:
        along = self.scale * (self.outermost_m if distance_m is None else distance_m) * cos(radians(elevation_deg))
        azimuth = radians(azimuth_deg)
        return self.microphone[0] - along * sin(azimuth), self.microphone[1] - along * cos(azimuth)


def _room(room: Room) -> _Sheet:
    (length, width, _), (front_m, left_m, _) = room.size_m, room.microphone_m
    scale = min(2 * REACH / length, 2 * REACH / width)
    wide, high = scale * width, scale * length
    left, top = CENTRE[0] - wide / 2, CENTRE[1] - high / 2
    walls = element("rect", x=left, y=top, width=wide, height=high, **outline(0.55, 1.6))
    sizes = (
        label(f"{width:.1f} m", CENTRE[0], top + high + 18),
        label(f"{length:.1f} m", left + wide + 8, CENTRE[1] + 4, anchor="start"),
    )
    microphone = (left + wide - scale * left_m, top + high - scale * front_m)
    return _Sheet(walls + "".join(sizes), microphone, scale)


def _circles(scene: Scene) -> _Sheet:
    """Two circles of a round distance around the microphone."""
    placed = [source.distance_m for source in scene.sources if source.distance_m is not None]
    passed = [place.distance_m for source in scene.sources for place in source.path]
    step_m = next((step for step in STEPS_M if 2 * step >= max(placed + passed, default=0.0)), STEPS_M[-1])
    drawn = []
    for distance_m in (step_m, 2 * step_m):
        radius = REACH * distance_m / (2 * step_m)
        drawn.append(element("circle", cx=CENTRE[0], cy=CENTRE[1], r=radius, stroke_dasharray="2 4", **outline(0.45)))
        if placed:
            drawn.append(label(f"{distance_m:g} m", CENTRE[0], CENTRE[1] + radius + 14))
    return _Sheet("".join(drawn), CENTRE, REACH / (2 * step_m), 2 * step_m)


def _way(sheet: _Sheet, source: Source) -> str:
    """The line from the microphone to a sound, and where it goes if it moves."""
    first, *others = sheet.places(source)
    (x1, y1), (x2, y2) = sheet.microphone, first
    dashes = "3 3" if source.distance_m is None else None
    line = element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke_dasharray=dashes, **outline(0.45))
    if not others:
        return line
    points = " ".join(f"{number(x)},{number(y)}" for x, y in (first, *others))
    end = element("circle", cx=others[-1][0], cy=others[-1][1], r=4.0, style=f"fill:{ACCENT}")
    path = element("polyline", points=points, fill="none", stroke_width=2, style=f"stroke:{ACCENT}")
    return line + path + end


def _sound(place: Point, index: int, said: str) -> str:
    return element("g", element("title", text(said)), numbered(place, str(index)))

"""Floor plans: where the sounds of one scene stand, in metres, seen from above with the front up and the left left."""

from math import cos, radians, sin

from salm.frame import Direction
from salm.pictures.plan import head, numbered
from salm.pictures.svg import element, label, outline, picture, text
from salm.scenes.scene import Scene, Source

__all__ = ["floor_plan", "place_words"]

WIDTH, HEIGHT = 224.0, 208.0
CENTRE, REACH = (96.0, 94.0), (80.0, 80.0)
HEAD_RADIUS = 6.0
STEPS_M = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)

Point = tuple[float, float]


def floor_plan(scene: Scene, *, title: str, key: str) -> str:
    """The room of a scene with its microphone and its sounds, which are numbered in the scene's order from 1.

    Without a room two circles show the distance. A sound at a distance that is not known stands on the outer one, at
    the end of a dashed line.

    Parameters
    ----------
    title
        What the picture is, for screen readers.
    key
        Identifier that no other picture on the same page has.
    """
    places, frame = _in_room(scene) if scene.room else _around(scene)
    microphone = places.pop()
    said = [f"{i}: {source.caption} {place_words(source)}" for i, source in enumerate(scene.sources, 1)]
    return picture(
        frame,
        head(microphone, radius=HEAD_RADIUS),
        *(_way(microphone, place, source) for place, source in zip(places, scene.sources, strict=True)),
        *(_sound(place, i, said[i - 1]) for i, place in reversed(list(enumerate(places, 1)))),
        width=WIDTH,
        height=HEIGHT,
        title=title,
        description="; ".join(said),
        key=key,
    )


def place_words(source: Source) -> str:
    """Direction and distance of a sound, e.g. ``front left, above, 2.4 m``."""
    distance = "distance not known" if source.distance_m is None else f"{source.distance_m:.1f} m"
    return f"{Direction(source.azimuth_deg, source.elevation_deg).spoken()}, {distance}"


def _in_room(scene: Scene) -> tuple[list[Point], str]:
    """Places of all sounds and then of the microphone in the picture, and the walls."""
    assert scene.room is not None
    (length, width, _), (x, y, _) = scene.room.size_m, scene.room.microphone_m
    scale = min(2 * REACH[1] / length, 2 * REACH[0] / width)

    def at(front_m: float, left_m: float) -> Point:
        return CENTRE[0] - scale * (left_m - width / 2), CENTRE[1] - scale * (front_m - length / 2)

    offsets = [_offset(source, source.distance_m or 0.0) for source in scene.sources]
    left, top = at(length, width)
    right, bottom = at(0, 0)
    walls = element("rect", x=left, y=top, width=right - left, height=bottom - top, **outline(0.55, 1.6))
    sizes = label(f"{width:.1f} m", CENTRE[0], bottom + 18) + label(
        f"{length:.1f} m", right + 8, CENTRE[1] + 4, anchor="start"
    )
    return [at(x + front, y + side) for front, side in offsets] + [at(x, y)], walls + sizes


def _around(scene: Scene) -> tuple[list[Point], str]:
    """As `_in_room`, and two circles of a round distance instead of walls."""
    known = [source.distance_m for source in scene.sources if source.distance_m is not None]
    step_m = next((step for step in STEPS_M if 2 * step >= max(known, default=0.0)), STEPS_M[-1])
    scale = REACH[1] / (2 * step_m)

    def at(front_m: float, left_m: float) -> Point:
        return CENTRE[0] - scale * left_m, CENTRE[1] - scale * front_m

    outermost = 2 * step_m
    places = [
        at(*_offset(source, outermost if source.distance_m is None else source.distance_m)) for source in scene.sources
    ]
    rings = []
    for distance_m in (step_m, outermost):
        radius = scale * distance_m
        rings.append(element("circle", cx=CENTRE[0], cy=CENTRE[1], r=radius, stroke_dasharray="2 4", **outline(0.45)))
        if known:
            rings.append(label(f"{distance_m:g} m", CENTRE[0], CENTRE[1] + radius + 14))
    return [*places, at(0, 0)], "".join(rings)


def _offset(source: Source, distance_m: float) -> Point:
    """Metres to the front and to the left of the microphone."""
    along = distance_m * cos(radians(source.elevation_deg))
    return along * cos(radians(source.azimuth_deg)), along * sin(radians(source.azimuth_deg))


def _way(microphone: Point, place: Point, source: Source) -> str:
    dashes = "3 3" if source.distance_m is None else None
    return element(
        "line",
        x1=microphone[0],
        y1=microphone[1],
        x2=place[0],
        y2=place[1],
        stroke_dasharray=dashes,
        **outline(0.45),
    )


def _sound(place: Point, index: int, said: str) -> str:
    return element("g", element("title", text(said)), numbered(place, str(index)))

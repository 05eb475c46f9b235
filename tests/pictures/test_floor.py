"""Floor plans: metres in the room against coordinates in the drawing."""

from math import cos, hypot, radians, sin, sqrt
from xml.etree import ElementTree

import pytest

from salm.acoustics.room import Room
from salm.pictures.floor import floor_plan, whereabouts
from salm.scenes.scene import Scene, Source, Waypoint

SVG = "{http://www.w3.org/2000/svg}"
ROOM = Room(size_m=(8.0, 4.0, 3.0), absorption=[[0.5] * 8] * 6, microphone_m=(3.0, 2.5, 1.5))

Point = tuple[float, float]


def source(azimuth_deg: float, distance_m: float | None = 1.0, elevation_deg: float = 0.0, **more: str) -> Source:
    return Source(
        **{"sound_id": "a", "caption": "A <dog> & cat.", **more},
        azimuth_deg=azimuth_deg,
        elevation_deg=elevation_deg,
        distance_m=distance_m,
    )


def drawn(*sources: Source, room: Room | None = None, responses: str | None = None) -> ElementTree.Element:
    scene = Scene(seed=0, sources=sources, room=room, responses=responses)
    return ElementTree.fromstring(floor_plan(scene, title="scene", key="k"))


def sounds(root: ElementTree.Element) -> list[Point]:
    """Places of the sounds, by their number."""
    found = {}
    for group in root.iter(f"{SVG}g"):
        if (circle := group.find(f"{SVG}circle")) is not None and group.find(f"{SVG}text") is not None:
            found[int(group.findtext(f"{SVG}text"))] = (float(circle.get("cx")), float(circle.get("cy")))
    return [found[number] for number in sorted(found)]


def microphone(root: ElementTree.Element) -> Point:
    (head,) = (group for group in root.iter(f"{SVG}g") if group.get("aria-hidden") == "true")
    circle = head.find(f"{SVG}circle")
    return float(circle.get("cx")), float(circle.get("cy"))


def walls(root: ElementTree.Element) -> tuple[float, float, float, float]:
    (rect,) = root.iter(f"{SVG}rect")
    return tuple(float(rect.get(name)) for name in ("x", "y", "width", "height"))


def test_the_room_has_its_shape_and_the_front_is_up() -> None:
    root = drawn(source(0), room=ROOM)
    x, y, width, height = walls(root)
    assert height / width == pytest.approx(2.0, abs=0.001)
    scale = height / 8.0
    # 3 m from the back wall, which is below, and 2.5 m from the right-hand one.
    assert microphone(root) == pytest.approx((x + (4 - 2.5) * scale, y + (8 - 3) * scale), abs=0.02)


@pytest.mark.parametrize("elevation_deg", [0.0, 30.0])
@pytest.mark.parametrize("azimuth_deg", [0.0, 45.0, 90.0, 180.0, -90.0, -135.0])
def test_sounds_stand_where_they_are(azimuth_deg: float, elevation_deg: float) -> None:
    root = drawn(source(azimuth_deg, 1.2, elevation_deg), room=ROOM)
    scale = walls(root)[3] / 8.0
    (x, y), ((at_x, at_y),) = microphone(root), sounds(root)
    along = 1.2 * cos(radians(elevation_deg)) * scale
    expected = (x - along * sin(radians(azimuth_deg)), y - along * cos(radians(azimuth_deg)))
    assert (at_x, at_y) == pytest.approx(expected, abs=0.02)


def test_without_walls_circles_say_how_far() -> None:
    root = drawn(source(90, 3.0), source(-90, 1.5))
    assert not list(root.iter(f"{SVG}rect"))
    rings = [float(circle.get("r")) for circle in root.iter(f"{SVG}circle") if circle.get("stroke-dasharray")]
    words = [label.text for label in root.iter(f"{SVG}text") if label.text.endswith(" m")]
    assert words == ["2 m", "4 m"]
    (x, _), (far, near) = microphone(root), sounds(root)
    assert (x - far[0]) / 3.0 == pytest.approx((near[0] - x) / 1.5, abs=0.02)
    assert (x - far[0]) / 3.0 == pytest.approx(rings[0] / 2.0, abs=0.02) == pytest.approx(rings[1] / 4.0, abs=0.02)


def test_unknown_distances_are_dashed_and_on_the_outer_circle() -> None:
    root = drawn(source(90, None, response_id="a"), responses="hall")
    rings = [float(circle.get("r")) for circle in root.iter(f"{SVG}circle") if circle.get("stroke-dasharray")]
    (place,) = sounds(root)
    assert hypot(place[0] - microphone(root)[0], place[1] - microphone(root)[1]) == pytest.approx(max(rings), abs=0.02)
    assert [line.get("stroke-dasharray") for line in root.iter(f"{SVG}line")] == ["3 3"]
    # There is no measure for it.
    assert not [label for label in root.iter(f"{SVG}text") if label.text.endswith(" m")]


@pytest.mark.parametrize("distance_m", [0.05, 1.0, 9.99, 80.0])
def test_everything_is_inside_the_picture(distance_m: float) -> None:
    root = drawn(*(source(azimuth, distance_m) for azimuth in range(-180, 180, 30)))
    _, _, width, height = map(float, root.get("viewBox").split())
    for x, y in sounds(root):
        assert 8 < x < width - 8
        assert 8 < y < height - 8


def test_screen_readers_are_told_what_is_where() -> None:
    root = drawn(source(90, 2.44, 40), source(180, 1.0, caption="Rain."))
    assert root.findtext(f"{SVG}desc") == "1: A <dog> & cat. left, above, 2.4 m; 2: Rain. back, 1.0 m"


@pytest.mark.parametrize("room", [None, ROOM])
def test_a_sound_that_moves_has_its_way(room: Room | None) -> None:
    path = [Waypoint(0.0, 90.0, 0.0, 1.0), Waypoint(1.0, 45.0, 0.0, 1.2), Waypoint(2.0, 0.0, 0.0, 2.0)]
    moving = Source.along(path, sound_id="a", caption="A car.")
    root = drawn(moving, room=room)
    (x, y), (place,) = microphone(root), sounds(root)
    scale = x - place[0]
    assert place[1] == pytest.approx(y, abs=0.02)
    (way,) = root.iter(f"{SVG}polyline")
    points = [tuple(map(float, point.split(","))) for point in way.get("points").split()]
    half = 1.2 * scale * sqrt(0.5)
    assert points == [pytest.approx(p, abs=0.05) for p in (place, (x - half, y - half), (x, y - 2.0 * scale))]
    assert root.findtext(f"{SVG}desc") == "1: A car. left, 1.0 m, moving to front, 2.0 m"


def test_a_distance_that_is_not_known_is_said() -> None:
    assert whereabouts(source(0, None, response_id="a")) == "front, distance not known"

"""Plan views: coordinates in the drawing against where left, right, above and below are."""

from math import atan2, cos, degrees, hypot, radians, sin, sqrt
from typing import get_args
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salm.frame import SECTORS
from salm.pictures.plan import Mark, MarkKind, Sought, plan_view, swatch

SVG = "{http://www.w3.org/2000/svg}"
ROUNDED = 0.011
KINDS = get_args(MarkKind)

Point = tuple[float, float]


def drawn(*marks: Mark, **more: object) -> ElementTree.Element:
    return ElementTree.fromstring(plan_view(marks, title="directions", key="plan", **more))


def centre_of(circle: ElementTree.Element) -> Point:
    return float(circle.get("cx")), float(circle.get("cy"))


def circles(root: ElementTree.Element) -> list[ElementTree.Element]:
    return list(root.iter(f"{SVG}circle"))


def plan(root: ElementTree.Element) -> tuple[Point, float]:
    """Centre and radius of the largest circle, which is the horizon."""
    rim = max(circles(root), key=lambda circle: float(circle.get("r")))
    return centre_of(rim), float(rim.get("r"))


def side(root: ElementTree.Element) -> tuple[Point, float]:
    """Centre and radius of the half circle that shows the height: the head of the listener and the arc around it."""
    (head,) = (circle for circle in circles(root) if circle.get("r") == "4")
    (radius,) = {path.get("d").split("A")[1].split()[0] for path in root.iter(f"{SVG}path") if "A" in path.get("d")}
    return centre_of(head), float(radius)


def places(root: ElementTree.Element, title: str = "it") -> tuple[Point, Point]:
    """Where a mark is on the plan and where on the half circle."""
    groups = [group for group in root.iter(f"{SVG}g") if group.findtext(f"{SVG}title") == title]
    on_plan, on_side = (centre_of(group.find(f"{SVG}circle")) for group in groups)
    return on_plan, on_side


@pytest.mark.parametrize(
    ("azimuth_deg", "right", "down"),
    [
        (0, 0, -1),
        (45, -sqrt(0.5), -sqrt(0.5)),
        (90, -1, 0),
        (135, -sqrt(0.5), sqrt(0.5)),
        (180, 0, 1),
        (-90, 1, 0),
        (-45, sqrt(0.5), -sqrt(0.5)),
    ],
)
def test_the_front_is_up_and_left_is_left(azimuth_deg: float, right: float, down: float) -> None:
    root = drawn(Mark(azimuth_deg=azimuth_deg, title="it"))
    (x, y), radius = plan(root)
    assert places(root)[0] == pytest.approx((x + radius * right, y + radius * down), abs=ROUNDED)


@pytest.mark.parametrize("word", SECTORS)
def test_words_stand_outside_the_rim_on_their_own_side(word: str) -> None:
    root = drawn()
    (x, y), radius = plan(root)
    (label,) = (label for label in root.iter(f"{SVG}text") if label.text == word)
    right, down = float(label.get("x")) - x, float(label.get("y")) - 4 - y
    assert hypot(right, down) > radius
    assert ("left" in word, "right" in word) == (right < -1, right > 1)
    assert ("front" in word, "back" in word) == (down < -1, down > 1)
    # It grows away from the circle.
    assert label.get("text-anchor") == ("end" if right < -1 else "start" if right > 1 else "middle")


@settings(deadline=None, max_examples=50)
@given(st.floats(-180, 180), st.floats(-90, 90))
def test_a_direction_can_be_read_off(azimuth_deg: float, elevation_deg: float) -> None:
    root = drawn(Mark(azimuth_deg=azimuth_deg, elevation_deg=elevation_deg, title="it"))
    ((x, y), radius), ((side_x, side_y), side_radius) = plan(root), side(root)
    (plan_x, plan_y), (beside_x, beside_y) = places(root)
    assert 90 * (1 - hypot(plan_x - x, plan_y - y) / radius) == pytest.approx(abs(elevation_deg), abs=0.02)
    assert degrees(atan2(side_y - beside_y, beside_x - side_x)) == pytest.approx(elevation_deg, abs=0.02)
    assert hypot(beside_x - side_x, beside_y - side_y) == pytest.approx(side_radius, abs=2 * ROUNDED)
    if abs(elevation_deg) < 80:
        seen_deg = degrees(atan2(x - plan_x, y - plan_y))
        assert abs((seen_deg - azimuth_deg + 180) % 360 - 180) < 0.1


def test_above_and_below_are_called_so() -> None:
    root = drawn()
    heights = {label.text: float(label.get("y")) for label in root.iter(f"{SVG}text")}
    (_, y), radius = side(root)
    assert heights["above"] < y - radius < y + radius < heights["below"]


def arc_centre(path: str) -> Point:
    """Centre of the arc in a wedge M centre L first A r r 0 large sweep last Z, by appendix B.2.4 of SVG 2."""
    _, first, arc = path.removesuffix("Z").replace("M", "").replace("A", "L").split("L")
    (x1, y1), (r, _, _, large, sweep, x2, y2) = map(float, first.split()), map(float, arc.split())
    across, down = (x1 - x2) / 2, (y1 - y2) / 2
    factor = sqrt(r**2 / (across**2 + down**2) - 1) * (-1 if large == sweep else 1)
    return factor * down + (x1 + x2) / 2, -factor * across + (y1 + y2) / 2


@pytest.mark.parametrize("azimuth_deg", [-135, -90, -45, 0, 45, 90, 135, 180])
def test_a_sector_is_shaded_as_a_piece_of_the_disc(azimuth_deg: float) -> None:
    root = drawn(sought=Sought(azimuth_deg=azimuth_deg))
    (x, y), radius = plan(root)
    (wedge,) = (path.get("d") for path in root.iter(f"{SVG}path") if path.get("d").endswith("Z"))
    ends = [
        (x - radius * sin(radians(azimuth_deg + part)), y - radius * cos(radians(azimuth_deg + part)))
        for part in (22.5, -22.5)
    ]
    start, first, arc = wedge.removesuffix("Z").replace("M", "").replace("A", "L").split("L")
    assert tuple(map(float, start.split())) == (x, y)
    assert tuple(map(float, first.split())) == pytest.approx(ends[0], abs=ROUNDED)
    assert tuple(map(float, arc.split()[-2:])) == pytest.approx(ends[1], abs=ROUNDED)
    assert arc_centre(wedge) == pytest.approx((x, y), abs=0.05)


@pytest.mark.parametrize(("low_deg", "high_deg"), [(20, 90), (-20, 20), (-90, -20)])
def test_a_band_of_heights_is_shaded_beside_the_plan(low_deg: float, high_deg: float) -> None:
    root = drawn(sought=Sought(elevations_deg=(low_deg, high_deg)))
    (x, y), radius = side(root)
    (wedge,) = (path.get("d") for path in root.iter(f"{SVG}path") if path.get("d").endswith("Z"))
    _, first, arc = wedge.removesuffix("Z").replace("M", "").replace("A", "L").split("L")
    for point, elevation_deg in ((first.split(), high_deg), (arc.split()[-2:], low_deg)):
        expected = x + radius * cos(radians(elevation_deg)), y - radius * sin(radians(elevation_deg))
        assert tuple(map(float, point)) == pytest.approx(expected, abs=ROUNDED)
    assert arc_centre(wedge) == pytest.approx((x, y), abs=0.05)


def test_nothing_is_shaded_unless_it_is_asked_for() -> None:
    assert not [path for path in drawn().iter(f"{SVG}path") if path.get("d").endswith("Z")]


def test_links_join_the_marks_on_both_pictures() -> None:
    truth, answer = Mark(azimuth_deg=80, elevation_deg=30, title="truth"), Mark(azimuth_deg=-60, title="answer")
    root = drawn(truth, answer, links=[(truth, answer)])
    lines = [tuple(float(line.get(end)) for end in ("x1", "y1", "x2", "y2")) for line in root.iter(f"{SVG}line")]
    for start, end in zip(places(root, "truth"), places(root, "answer"), strict=True):
        assert (*start, *end) in lines


def test_marks_lie_over_the_frame_and_later_ones_on_top() -> None:
    root = drawn(Mark(azimuth_deg=0, title="first"), Mark(azimuth_deg=0, title="second"))
    titles = [child.findtext(f"{SVG}title") for child in root]
    assert titles[-4:] == ["first", "first", "second", "second"]


def test_hits_show_their_number_in_the_middle() -> None:
    root = drawn(Mark(azimuth_deg=30, kind="hit", label="3", title="it"))
    numbers = [label for label in root.iter(f"{SVG}text") if label.text == "3"]
    assert [float(label.get("x")) for label in numbers] == [x for x, _ in places(root)]
    assert all(label.get("text-anchor") == "middle" for label in numbers)


def test_the_diamond_of_the_baseline_is_centred_on_its_direction() -> None:
    root = drawn(Mark(azimuth_deg=90, kind="intensity"))
    (x, y), radius = plan(root)
    numbers = [float(number) for number in next(root.iter(f"{SVG}polygon")).get("points").split()]
    across, down = numbers[::2], numbers[1::2]
    assert (sum(across) / 4, sum(down) / 4) == pytest.approx((x - radius, y))


def test_what_is_written_on_marks_is_escaped() -> None:
    nasty = """<script>"&"</script> ]]>"""
    root = ElementTree.fromstring(plan_view([Mark(azimuth_deg=0, title=nasty)], title=nasty, key="k"))
    assert root.findtext(f"{SVG}title") == nasty
    assert root.findtext(f"{SVG}desc") == nasty
    assert len(places(root, nasty)) == 2
    assert not list(root.iter(f"{SVG}script"))


def test_screen_readers_are_told_the_marks_but_the_faint_ones() -> None:
    kinds = {"a": "hit", "b": "faint", "c": "truth"}
    marks = [Mark(azimuth_deg=0, title=title, kind=kind) for title, kind in kinds.items()]
    assert drawn(*marks).findtext(f"{SVG}desc") == "a; c"
    assert drawn().findtext(f"{SVG}desc") == "no directions"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_swatch_that_looks_like_its_mark(kind: MarkKind) -> None:
    small = ElementTree.fromstring(swatch(kind))
    root = drawn(Mark(azimuth_deg=0, kind=kind, title="it"))
    (group, _) = (group for group in root.iter(f"{SVG}g") if group.findtext(f"{SVG}title") == "it")
    assert [child.tag for child in small] == [child.tag.removeprefix(SVG) for child in group[1:]]
    assert [child.get("style") for child in small] == [child.get("style") for child in group[1:]]

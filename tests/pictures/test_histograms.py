"""Histograms: heights, widths and areas in the drawing against the numbers."""

import re
from math import atan2, degrees, hypot, pi
from xml.etree import ElementTree

import numpy as np
import pytest

from salm.frame import SECTORS, sector_index
from salm.pictures.histograms import bar_histogram, rose, rounded
from salm.scenes.histogram import Histogram, Tally

SVG = "{http://www.w3.org/2000/svg}"


def histogram(numbers: list[float], least: float, most: float, width: float, bins: int | None = 40) -> Histogram:
    tally = Tally(least, most, width=width, bins=bins)
    for number in numbers:
        tally.add(number)
    return tally.histogram()


def bars(made: Histogram, unit: str = " m") -> ElementTree.Element:
    return ElementTree.fromstring(bar_histogram(made, title="<far> & wide", unit=unit, key="k"))


def named(root: ElementTree.Element, tag: str) -> dict[str, ElementTree.Element]:
    """Shapes by what a pointer that rests on them is told."""
    groups = root.iter(f"{SVG}g")
    return {group.findtext(f"{SVG}title"): shape for group in groups for shape in group.iter(f"{SVG}{tag}")}


def test_bars_are_as_high_as_their_counts_and_stand_on_the_axis() -> None:
    shapes = named(bars(histogram([0.1] * 4 + [1.2] * 2 + [9.9], 0, 10, 1)), "rect")
    assert list(shapes) == ["0 m to 1 m: 4", "1 m to 2 m: 2", "9 m to 10 m: 1"]
    heights = [float(rect.get("height")) for rect in shapes.values()]
    assert heights == pytest.approx([heights[0], heights[0] / 2, heights[0] / 4], abs=0.01)
    feet = {round(float(rect.get("y")) + float(rect.get("height")), 1) for rect in shapes.values()}
    assert len(feet) == 1


def test_bars_lie_where_the_ticks_of_the_axis_say() -> None:
    root = bars(histogram([float(n) + 0.5 for n in range(20)], 0, 20, 1))
    ticks = {
        int(label.text.removesuffix(" m")): line
        for label, line in zip(
            [label for label in root.iter(f"{SVG}text") if label.text.endswith(" m")],
            [line for line in root.iter(f"{SVG}line") if line.get("x1") == line.get("x2")],
            strict=True,
        )
    }
    assert list(ticks) == [0, 5, 10, 15, 20]
    for low, rect in enumerate(named(root, "rect").values()):
        if low in ticks:
            assert float(rect.get("x")) - float(ticks[low].get("x1")) == pytest.approx(1, abs=0.02)


def test_angles_are_ticked_at_the_front_and_the_sides() -> None:
    root = bars(histogram([0.0], -90, 90, 5, None), "°")
    assert [label.text for label in root.iter(f"{SVG}text")] == ["1", "−90°", "−45°", "0°", "45°", "90°"]


@pytest.mark.parametrize("numbers", [[2.5], [0.001, 0.002], list(np.linspace(0, 9.99, 77)), [-3.0, 4.0]])
def test_everything_is_inside_the_picture_and_labels_do_not_meet(numbers: list[float]) -> None:
    root = bars(histogram(numbers, -10, 10, 0.05))
    _, _, width, height = map(float, root.get("viewBox").split())
    for rect in root.iter(f"{SVG}rect"):
        assert 0 <= float(rect.get("x")) <= float(rect.get("x")) + float(rect.get("width")) <= width
        assert 0 <= float(rect.get("y")) <= height
    labels = [label for label in root.iter(f"{SVG}text") if label.text.endswith(" m")]
    assert len(labels) >= 2
    places = [float(label.get("x")) for label in labels]
    # A label of seven characters at this size is about 45 wide.
    assert min(np.diff(places)) > 45


def test_the_numbers_are_told_to_screen_readers() -> None:
    root = bars(histogram([1.0, 2.0, 6.0], 0, 10, 1))
    assert root.findtext(f"{SVG}title") == "<far> & wide"
    assert root.findtext(f"{SVG}desc") == "3 from 1 m to 6 m, mean 3 m"


def test_nothing_is_drawn_as_an_empty_axis() -> None:
    root = bars(Tally(0, 1, width=0.5).histogram())
    assert root.findtext(f"{SVG}desc") == "nothing"
    assert not list(root.iter(f"{SVG}rect"))


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.719, "0.72"), (-52.84, "−52.8"), (3783.4, "3,783"), (1.0, "1"), (-0.001, "0"), (99.96, "100")],
)
def test_numbers_are_short(value: float, said: str) -> None:
    assert rounded(value) == said


AZIMUTHS = [90.0] * 9 + [-90.0] * 4 + [0.0] + [170.0] * 2


@pytest.fixture(scope="module")
def around() -> ElementTree.Element:
    sectors = dict.fromkeys(SECTORS, 0)
    for azimuth in AZIMUTHS:
        sectors[SECTORS[sector_index(azimuth)]] += 1
    made = histogram(AZIMUTHS, -180, 180, 7.5, None)
    return ElementTree.fromstring(rose(made, sectors, title="around", key="k"))


def wedge(path: ElementTree.Element) -> tuple[float, float, float]:
    """Azimuths of the two edges and the radius of a wedge, the centre from its path."""
    numbers = list(map(float, re.findall(r"-?[\d.]+", path.get("d"))))
    (x, y), first, last = numbers[:2], numbers[2:4], numbers[-2:]
    angles = [degrees(atan2(x - px, y - py)) for px, py in (last, first)]
    return angles[0], angles[1], hypot(first[0] - x, first[1] - y)


def test_wedges_are_where_the_sounds_are_and_areas_go_by_number(around: ElementTree.Element) -> None:
    wedges = {said: wedge(path) for said, path in named(around, "path").items()}
    assert set(wedges) == {"90° to 97.5°: 9", "−90° to −82.5°: 4", "0° to 7.5°: 1", "165° to 172.5°: 2"}
    areas = {}
    for said, (low, high, radius) in wedges.items():
        ends = [float(part) for part in said.replace("−", "-").split(":")[0].replace("°", "").split(" to ")]
        assert (low, high) == pytest.approx(ends, abs=0.05)
        areas[int(said.rsplit(": ", 1)[1])] = pi * radius**2
    for count, area in areas.items():
        assert area / areas[9] == pytest.approx(count / 9, rel=0.01)


def test_the_dashed_circle_has_the_mean_area(around: ElementTree.Element) -> None:
    (dashed,) = (circle for circle in around.iter(f"{SVG}circle") if circle.get("stroke-dasharray"))
    _, _, full = wedge(named(around, "path")["90° to 97.5°: 9"])
    assert float(dashed.get("r")) ** 2 / full**2 == pytest.approx((16 / 48) / 9, rel=0.01)


def test_shares_stand_by_their_sector(around: ElementTree.Element) -> None:
    words = [label.text for label in around.iter(f"{SVG}text")]
    shares = dict(zip(words[::2], words[1::2], strict=True))
    assert shares["left"] == "56.2 %"
    assert shares["back"] == "12.5 %"
    assert shares["front right"] == "0.0 %"
    assert around.findtext(f"{SVG}desc").startswith("front: 1; front left: 0; left: 9; ")


def test_no_directions_are_drawn_as_an_empty_circle() -> None:
    root = ElementTree.fromstring(
        rose(Tally(-180, 180, width=7.5).histogram(), dict.fromkeys(SECTORS, 0), title="t", key="k")
    )
    assert not list(root.iter(f"{SVG}path"))

"""Charts: lengths and places in the drawing against the numbers."""

from xml.etree import ElementTree

import numpy as np
import pytest

from salm.pictures.charts import TICKS_DEG, Bar, Spread, angle_strips, meter, ranking_bars

SVG = "{http://www.w3.org/2000/svg}"


def strips(*spreads: Spread) -> ElementTree.Element:
    return ElementTree.fromstring(angle_strips(spreads, title="angles", key="k"))


def ticks(root: ElementTree.Element) -> dict[int, float]:
    """Where the axis says its degrees are."""
    labels = [label for label in root.iter(f"{SVG}text") if label.get("text-anchor") == "middle"]
    return {int(label.text.rstrip("°")): float(label.get("x")) for label in labels}


@pytest.mark.parametrize(("share", "filled"), [(0.0, 0), (0.25, 18), (1.0, 72), (1.5, 72), (-0.5, 0)])
def test_a_meter_is_filled_by_its_share(share: float, filled: float) -> None:
    whole, part = ElementTree.fromstring(meter(share, description="<a> & b"))
    assert (float(whole.get("width")), float(part.get("width"))) == (72, filled)


def test_a_meter_is_announced() -> None:
    read = ElementTree.fromstring(meter(0.5, description="score <0.5> & more"))
    assert (read.get("role"), read.get("aria-label")) == ("img", "score <0.5> & more")


def test_bars_are_as_long_as_their_values() -> None:
    bars = [Bar("a <dog>", 0.8, "0.80"), Bar("rain", 0.2, "0.20"), Bar("none", 0.0, "0"), Bar("less", -0.4, "-0.40")]
    root = ElementTree.fromstring(ranking_bars(bars, title="ranking", key="k"))
    lengths = [float(rect.get("width")) for rect in root.iter(f"{SVG}rect")]
    assert lengths == pytest.approx([290, 290 / 4, 0, 0])
    words = [label.text for label in root.iter(f"{SVG}text")]
    assert words == ["a <dog>", "0.80", "rain", "0.20", "none", "0", "less", "-0.40"]


def test_bars_stand_in_the_order_given_and_their_values_beside_them() -> None:
    root = ElementTree.fromstring(ranking_bars([Bar("a", 1.0, "1"), Bar("b", 2.0, "2")], title="r", key="k"))
    first, second = root.iter(f"{SVG}rect")
    assert float(first.get("y")) < float(second.get("y"))
    for rect, said in ((first, "1"), (second, "2")):
        (label,) = (label for label in root.iter(f"{SVG}text") if label.text == said)
        assert float(label.get("x")) > float(rect.get("x")) + float(rect.get("width"))


@pytest.mark.parametrize("values", [[], [0.0, 0.0]])
def test_a_ranking_of_nothing_is_drawn(values: list[float]) -> None:
    root = ElementTree.fromstring(ranking_bars([Bar("a", value, "0") for value in values], title="r", key="k"))
    assert [float(rect.get("width")) for rect in root.iter(f"{SVG}rect")] == [0] * len(values)


def test_dots_stand_where_the_axis_says() -> None:
    root = strips(Spread("model", TICKS_DEG, True))
    dots = [float(dot.get("cx")) for dot in root.iter(f"{SVG}circle")]
    assert dots == list(ticks(root).values())
    assert dots == sorted(dots)


def test_the_axis_spreads_small_angles() -> None:
    axis = ticks(strips())
    assert axis[5] - axis[0] > axis[180] - axis[90]


def test_the_median_is_marked_and_said() -> None:
    """Of 5, 10, 20, 45 the median is 15, for which the axis has no tick: a dot at 15 shows where it is."""
    angles, dot = strips(Spread("model", [45, 5, 20, 10], True)), strips(Spread("model", [15], True))
    (line,) = (line for line in angles.iter(f"{SVG}line") if line.get("style"))
    assert line.get("x1") == line.get("x2") == next(dot.iter(f"{SVG}circle")).get("cx")
    assert [label.text for label in angles.iter(f"{SVG}text") if label.get("style")] == ["15°"]
    assert angles.findtext(f"{SVG}desc") == "model: median 15.0 degrees"


def test_the_baseline_has_a_colour_of_its_own_and_no_angles_no_dots() -> None:
    root = strips(Spread("model", [1.0], True), Spread("without learning", [2.0], False), Spread("nothing", [], False))
    colours = {dot.get("style") for dot in root.iter(f"{SVG}circle")}
    rows = {dot.get("cy") for dot in root.iter(f"{SVG}circle")}
    assert (len(colours), len(rows)) == (2, 2)
    assert "nothing" in [label.text for label in root.iter(f"{SVG}text")]


def test_a_picture_is_high_enough_for_its_rows() -> None:
    root = strips(*[Spread("model", np.linspace(0, 180, 5), True)] * 3)
    _, _, width, height = map(float, root.get("viewBox").split())
    for dot in root.iter(f"{SVG}circle"):
        assert 0 < float(dot.get("cx")) < width
        assert 0 < float(dot.get("cy")) < height

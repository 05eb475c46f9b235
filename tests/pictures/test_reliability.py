"""Reliability diagrams: where dots, intervals and the diagonal are, against the axes as they are labelled."""

from xml.etree import ElementTree

import pytest

from salm.pictures.reliability import Kept, reliability_diagram

SVG = "{http://www.w3.org/2000/svg}"
PROMISES = [Kept(0.1, 0.25, 0.0, 0.5, 4), Kept(0.9, 0.75, 0.6, 1.0, 16)]


def diagram(promises: list[Kept]) -> ElementTree.Element:
    return ElementTree.fromstring(reliability_diagram(promises, title="<t>", across="said & done", up="right", key="k"))


def axes(root: ElementTree.Element) -> tuple[dict[str, float], dict[str, float]]:
    """Where each share is, across by its centred labels and up by the grid line of the others."""
    labels = [label for label in root.iter(f"{SVG}text") if label.text.endswith(" %")]
    across = {label.text: float(label.get("x")) for label in labels if label.get("text-anchor") == "middle"}
    up = {label.text: float(label.get("y")) - 4 for label in labels if label.get("text-anchor") == "end"}
    return across, up


def between(places: dict[str, float], share: float) -> float:
    return places["0 %"] + share * (places["100 %"] - places["0 %"])


def test_dots_and_intervals_are_where_the_axes_say() -> None:
    root = diagram(PROMISES)
    across, up = axes(root)
    assert set(across) == set(up) == {"0 %", "25 %", "50 %", "75 %", "100 %"}
    dots = list(root.iter(f"{SVG}circle"))
    intervals = [line for line in root.iter(f"{SVG}line") if line.get("style")]
    assert len(dots) == len(intervals) == 2
    for promise, dot, line in zip(PROMISES, dots, intervals, strict=True):
        assert float(dot.get("cx")) == pytest.approx(between(across, promise.promised))
        assert float(dot.get("cy")) == pytest.approx(between(up, promise.kept))
        assert float(line.get("x1")) == float(line.get("x2")) == float(dot.get("cx"))
        assert float(line.get("y1")) == pytest.approx(between(up, promise.low))
        assert float(line.get("y2")) == pytest.approx(between(up, promise.high))


def test_the_area_of_a_dot_is_how_often_it_was_promised() -> None:
    few, many = (float(dot.get("r")) for dot in diagram(PROMISES).iter(f"{SVG}circle"))
    assert many**2 == pytest.approx(4 * few**2)


def test_the_diagonal_joins_nothing_and_all() -> None:
    root = diagram([])
    across, up = axes(root)
    (diagonal,) = (line for line in root.iter(f"{SVG}line") if line.get("stroke-dasharray"))
    corners = [float(diagonal.get(name)) for name in ("x1", "y1", "x2", "y2")]
    assert corners == pytest.approx([across["0 %"], up["0 %"], across["100 %"], up["100 %"]])
    assert not list(root.iter(f"{SVG}circle"))


def test_words_are_escaped_and_numbers_are_told() -> None:
    root = diagram(PROMISES)
    assert root.find(f"{SVG}title").text == "<t>"
    assert root.find(f"{SVG}desc").text == "promised 10 %, kept 25 % of 4; promised 90 %, kept 75 % of 16"
    assert {"said & done", "right"} <= {label.text for label in root.iter(f"{SVG}text")}

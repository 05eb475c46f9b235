"""Curves and rings of errors: places in the drawing against what the axes say."""

from math import hypot
from xml.etree import ElementTree

import numpy as np
import pytest

from salm.pictures.errors import Curve, Ring, SectorError, error_curves, error_rings

SVG = "{http://www.w3.org/2000/svg}"
# Evenly spread from 0 to 20 degrees: half are within 10, a quarter within 5.
EVEN = Curve("model", np.linspace(0, 20, 51).tolist(), "red")


def at(root: ElementTree.Element, word: str) -> tuple[float, float]:
    node = next(node for node in root.iter(f"{SVG}text") if node.text == word)
    return float(node.get("x")), float(node.get("y"))


def test_a_curve_passes_where_the_axes_say() -> None:
    root = ElementTree.fromstring(error_curves([EVEN], title="errors", key="k"))
    (line,) = root.iter(f"{SVG}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
    down = dict(points)
    assert points[0] == pytest.approx((at(root, "0°")[0], at(root, "0 %")[1] - 4), abs=0.02)
    assert down[min(down, key=lambda x: abs(x - at(root, "10°")[0]))] == pytest.approx(
        at(root, "50 %")[1] - 4, abs=0.02
    )
    assert down[min(down, key=lambda x: abs(x - at(root, "20°")[0]))] == pytest.approx(
        at(root, "100 %")[1] - 4, abs=0.02
    )
    (dot,) = root.iter(f"{SVG}circle")
    assert float(dot.get("cx")) == pytest.approx(at(root, "10°")[0], abs=0.02)
    assert "model: median 10.0°" in [node.text for node in root.iter(f"{SVG}text")]
    assert "nine tenths within 18.0" in root.findtext(f"{SVG}desc")


def test_errors_stand_on_their_side_and_on_their_circle() -> None:
    sectors = {"front": SectorError(5, 2, 10), "left": SectorError(2, 1, 5), "back": SectorError(10, 5, 20)}
    root = ElementTree.fromstring(error_rings([Ring("model", sectors, "red")], title="rings", key="k"))
    dots = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter(f"{SVG}circle") if c.get("r") == "3.4"]
    circles = [c for c in root.iter(f"{SVG}circle") if c.get("fill") == "none"]
    centre = float(circles[0].get("cx")), float(circles[0].get("cy"))
    said = [node.text for node in root.iter(f"{SVG}text") if (node.text or "").endswith("°")]
    radius = dict(zip(said, sorted(float(c.get("r")) for c in circles), strict=True))
    assert said == ["1°", "2°", "5°", "10°", "20°"]
    away = [(x - centre[0], y - centre[1]) for x, y in dots]
    assert away[0] == pytest.approx((0, -radius["5°"]), abs=0.02)
    assert away[1] == pytest.approx((-radius["2°"], 0), abs=0.02)
    assert away[2] == pytest.approx((0, radius["10°"]), abs=0.02)
    ends = [line for line in root.iter(f"{SVG}line") if line.get("stroke-width") == "2"]
    lengths = [hypot(*(float(e.get(f"{a}1")) - float(e.get(f"{a}2")) for a in "xy")) for e in ends]
    assert lengths[0] == pytest.approx(radius["10°"] - radius["2°"], abs=0.03)


def test_nothing_is_a_picture_that_says_so() -> None:
    assert "no errors" in error_curves([], title="t", key="k")
    assert "no errors" in error_rings([], title="t", key="k")

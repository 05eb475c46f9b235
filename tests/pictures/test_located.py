"""What was located, drawn: places in the picture against angles and times, and what is said beside them."""

from typing import Any
from xml.etree import ElementTree

import pytest

from salm.pictures.located import located_picture

SVG = "{http://www.w3.org/2000/svg}"


def place(start_s: float = 0.0, **more: Any) -> dict[str, Any]:
    known = {"azimuth_deg": 90.0, "elevation_deg": 45.0, "sector": "left", "confidence": 0.9, "cone_deg": 10.0}
    return {"start_s": start_s, "end_s": start_s + 5.0, **known, "ambiguity": None, "reason": None, **more}


NOWHERE = place(azimuth_deg=None, elevation_deg=None, sector=None, cone_deg=None, ambiguity="all", reason="one channel")
STEREO = place(azimuth_deg=-30.0, elevation_deg=None, sector="front right", cone_deg=None, ambiguity="front-back")


def file(*windows: dict[str, Any], name: str = "take.wav", error: str | None = None) -> dict[str, Any]:
    return {"file": name, "error": error, "windows": list(windows)}


def drawn(*files: dict[str, Any]) -> ElementTree.Element:
    return ElementTree.fromstring(located_picture(files))


def words(root: ElementTree.Element) -> list[str]:
    return [node.text or "" for node in root.iter(f"{SVG}text")]


def dots(root: ElementTree.Element, radius: str) -> list[tuple[float, float]]:
    found = [node for node in root.iter(f"{SVG}circle") if node.get("r") == radius and "fill" in node.get("style", "")]
    return [(float(node.get("cx")), float(node.get("cy"))) for node in found]


def at(root: ElementTree.Element, word: str) -> tuple[float, float]:
    node = next(node for node in root.iter(f"{SVG}text") if node.text == word)
    return float(node.get("x")), float(node.get("y"))


def test_one_direction_is_a_plan_with_its_cone_and_its_height() -> None:
    root = drawn(file(place()))
    on_plan, on_side = dots(root, "4.5")
    # Half the way from the rim at the left to the middle, and half the way up the half circle.
    assert on_plan == pytest.approx((96.0, 150.0))
    assert on_side == pytest.approx((322 + 54 * 0.5**0.5, 150 - 54 * 0.5**0.5), abs=0.01)
    cone, _ = (node for node in root.iter(f"{SVG}path") if node.get("fill-opacity") in ("0.22", "0.16"))
    numbers = [float(n) for n in cone.get("d").replace("M", " ").replace("L", " ").replace("Z", " ").split()]
    # Ten degrees up and down along the left: from 55 to 35 degrees above the rim's horizon.
    assert min(numbers[::2]) == pytest.approx(150 - 108 * 55 / 90, abs=0.3)
    assert max(numbers[::2]) == pytest.approx(150 - 108 * 35 / 90, abs=0.3)
    assert {"take.wav", "left: azimuth +90°, elevation +45°"} <= set(words(root))
    assert "within ±10° with 90 % probability, confidence 0.90" in root.findtext(f"{SVG}desc")


def test_what_is_not_known_is_said_and_not_drawn() -> None:
    root = drawn(file(NOWHERE))
    assert not dots(root, "4.5")
    assert {"no direction", "one channel"} <= set(words(root))


def test_the_other_place_of_stereo_is_drawn_too() -> None:
    told = [node.text for node in drawn(file(STEREO)).iter(f"{SVG}title")]
    assert "or azimuth −150°" in told
    assert "front right, −30°" in told


def test_windows_stand_where_the_axes_say() -> None:
    root = drawn(file(place(), place(5.0, azimuth_deg=-90.0, sector="right", elevation_deg=0.0)))
    bars = [
        (float(node.get("x")), float(node.get("y")) + 2.5)
        for node in root.iter(f"{SVG}rect")
        if node.get("fill-opacity") == "1"
    ]
    first, up, second, level = bars
    assert (first[0], first[1]) == pytest.approx((at(root, "0:00")[0], at(root, "left")[1] - 4), abs=0.02)
    assert (second[0], second[1]) == pytest.approx((at(root, "0:05")[0], at(root, "right")[1] - 4), abs=0.02)
    assert (up[1], level[1]) == pytest.approx((at(root, "+45°")[1] - 4, at(root, "level")[1] - 4), abs=0.02)
    assert {"confidence", "0.90"} <= set(words(root))
    assert "fit" not in words(root)


def test_windows_say_how_well_they_fit_and_where_nothing_is_known() -> None:
    root = drawn(file(place(what=0.4), NOWHERE | {"start_s": 5.0, "end_s": 10.0, "what": -0.1}))
    assert {"fit", "+0.40", "−0.10", "no direction can be told"} <= set(words(root))


def test_several_files_have_a_line_each() -> None:
    root = drawn(
        file(place(), name="a.wav"),
        file(STEREO, name="b.wav"),
        file(NOWHERE, name="c.wav"),
        file(name="d.wav", error="d.wav does not exist."),
    )
    lines = {name: at(root, name)[1] for name in ("a.wav", "b.wav", "c.wav", "d.wav")}
    assert sorted(lines.values()) == list(lines.values())
    found = dots(root, "4")
    assert [y + 4 for _, y in found] == [lines["a.wav"]] * 2 + [lines["b.wav"]] * 2
    assert found[0][0] == pytest.approx(at(root, "left")[0])
    # From the front towards the right, and as far from the back.
    front, right, back = at(root, "front")[0], at(root, "right")[0], 2 * at(root, "right")[0] - at(root, "front")[0]
    assert found[3][0] == pytest.approx(front + (right - front) / 3, abs=0.02)
    assert found[2][0] == pytest.approx(back - (right - front) / 3, abs=0.02)
    assert {"no direction", "cannot be read"} <= set(words(root))
    assert "d.wav: d.wav does not exist." in root.findtext(f"{SVG}desc")


def test_several_files_with_windows_have_a_strip_each() -> None:
    root = drawn(file(place(), place(5.0), name="a.wav"), file(name="b.wav", error="b.wav is no audio file."))
    assert at(root, "b.wav")[1] > at(root, "a.wav")[1]
    assert "b.wav is no audio file." in words(root)


def test_long_names_keep_both_ends() -> None:
    name = "recordings/" + "long/" * 20 + "take.wav"
    (said,) = (word for word in words(drawn(file(place(), name="x.wav"), file(place(), name=name))) if "…" in word)
    assert said.startswith("recordings/")
    assert said.endswith("take.wav")
    assert len(said) == 36


def test_no_markup_comes_from_outside() -> None:
    assert "<b>" not in located_picture([file(place(), name="<b>.wav"), file(place(), name="<b>'\"&.wav")])

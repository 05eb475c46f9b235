"""The picture of a timeline: places in the drawing against times and degrees."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from salm.pictures.panels import clock
from salm.pictures.timeline import timeline_picture
from salm.scanning.event import Event, Fit, Place
from salm.scanning.timeline import Timeline

SVG = "{http://www.w3.org/2000/svg}"

EVENT = Event(
    onset_s=10.0,
    offset_s=20.0,
    track=0,
    azimuth_deg=90.0,
    elevation_deg=45.0,
    sector="left",
    confidence=0.9,
    cone_deg=9.0,
    ambiguity=None,
    level_db=-30.0,
    fits=(Fit("a <dog>", 1, 0.5, 0.9),),
)


def timeline(*events: Event, layout: str = "foa") -> Timeline:
    return Timeline(
        file="take.wav",
        duration_s=100.0,
        layout=layout,
        sentences=("rain", "a <dog>"),
        model=None,
        front_deg=0.0,
        notes=(),
        events=events,
    )


def drawn(*events: Event, layout: str = "foa") -> ElementTree.Element:
    return ElementTree.fromstring(timeline_picture(timeline(*events, layout=layout)))


def heights(root: ElementTree.Element) -> dict[str, float]:
    """Where the axes say their words are, from above; of the back the upper edge."""
    words = [label for label in root.iter(f"{SVG}text") if label.get("text-anchor") == "end"]
    return {label.text: float(label.get("y")) - 4 for label in reversed(words)}


def columns(root: ElementTree.Element) -> dict[str, float]:
    """Where the axis says its times are."""
    return {
        label.text: float(label.get("x"))
        for label in root.iter(f"{SVG}text")
        if label.get("text-anchor") == "middle" and ":" in label.text
    }


def bars(root: ElementTree.Element, opacity: str = "1") -> list[tuple[float, float, float, float]]:
    """Left, right, upper and lower edge of the bars of events."""
    found = [
        tuple(float(bar.get(name)) for name in ("x", "y", "width", "height"))
        for group in root.iter(f"{SVG}g")
        for bar in group.iter(f"{SVG}rect")
        if bar.get("fill-opacity") == opacity
    ]
    return [(x, x + width, y, y + height) for x, y, width, height in found]


def test_an_event_stands_where_the_axes_say() -> None:
    root = drawn(EVENT)
    (azimuth, elevation), down, across = bars(root), heights(root), columns(root)
    assert azimuth[:2] == elevation[:2] == pytest.approx((across["0:10"], across["0:20"]), abs=0.02)
    assert sum(azimuth[2:]) / 2 == pytest.approx(down["left"], abs=0.02)
    assert sum(elevation[2:]) / 2 == pytest.approx(down["+45°"], abs=0.02)


def test_left_is_above_the_front_and_right_below() -> None:
    down = heights(drawn())
    order = ["back", "back left", "left", "front left", "front", "front right", "right", "back right"]
    assert [down[word] for word in order] == sorted(down[word] for word in order)


def test_a_cone_that_passes_the_back_has_both_its_parts() -> None:
    root = drawn(replace(EVENT, azimuth_deg=175.0, cone_deg=20.0))
    down = heights(root)
    top, bottom = down["back"], 2 * down["front"] - down["back"]
    upper, lower, _ = sorted(bars(root, "0.22"), key=lambda bar: bar[2] if bar[3] <= bottom else 1e9)[:3]
    degree = (bottom - top) / 360
    assert upper[2:] == pytest.approx((top, top + 25 * degree), abs=0.02)
    assert lower[2:] == pytest.approx((bottom - 15 * degree, bottom), abs=0.02)


def test_a_path_breaks_where_it_passes_the_back() -> None:
    path = tuple(Place(10.0 + i, angle, 0.0) for i, angle in enumerate((170.0, 178.0, -174.0, -166.0)))
    azimuth_pieces = list(drawn(replace(EVENT, path=path)).iter(f"{SVG}polyline"))
    assert [len(piece.get("points").split()) for piece in azimuth_pieces] == [2, 2, 4]


def test_the_legend_and_what_a_pointer_is_told() -> None:
    root = drawn(EVENT)
    assert "1 a <dog>" in [label.text for label in root.iter(f"{SVG}text")]
    told = [title.text for title in root.iter(f"{SVG}title")]
    assert "0:10 to 0:20: a <dog>, left, azimuth 90°, elevation 45°, track 0" in told


def test_stereo_has_no_elevations_and_mono_no_directions() -> None:
    stereo = drawn(replace(EVENT, elevation_deg=None, cone_deg=None), layout="stereo")
    assert "above" not in heights(stereo)
    assert len(bars(stereo)) == 1
    nowhere = replace(EVENT, azimuth_deg=None, elevation_deg=None, sector=None, cone_deg=None)
    mono = drawn(nowhere, layout="mono")
    assert set(heights(mono)) == {"sound"}
    assert len(bars(mono, "0.8")) == 1


def test_no_events_are_a_picture_that_says_so() -> None:
    root = drawn()
    assert root.find(f"{SVG}desc").text == "no events"


@pytest.mark.parametrize(
    ("time_s", "written"), [(0, "0:00"), (9.96, "0:10"), (61.5, "1:01.5"), (3600, "1:00:00"), (36_061, "10:01:01")]
)
def test_clock(time_s: float, written: str) -> None:
    assert clock(time_s) == written

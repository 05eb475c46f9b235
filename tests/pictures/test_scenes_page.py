"""The page of a set of scenes, from scenes written by hand."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from salm.acoustics.room import Room
from salm.frame import SECTORS, parse_direction
from salm.pictures.scenes_page import scenes_page
from salm.scenes.scene import Ambience, Scene, Source, Waypoint
from salm.scenes.summary import summarise

CAPTION = 'A dog says "<woof>" & barks.'
ROOM = Room(size_m=(8.0, 4.0, 3.0), absorption=[[0.5] * 8] * 6, microphone_m=(4.0, 2.0, 1.5))


def source(azimuth_deg: float, caption: str = CAPTION, **more: Any) -> Source:
    where: dict[str, Any] = {"elevation_deg": 0.0, "distance_m": 1.5, **more}
    return Source(sound_id="dog", caption=caption, azimuth_deg=azimuth_deg, **where)


SCENES = [
    Scene(seed=0, sources=(source(90.0), source(-90.0, "Rain falls.", distance_m=1.0)), room=ROOM, noise_db=-50.0),
    Scene(seed=1, sources=(source(0.0),), duration_s=3.0),
    Scene(seed=2, sources=(source(180.0, distance_m=None, response_id="a"),), responses="<hall>"),
]
HEAD = {
    "corpus": "/sounds & more",
    "split": None,
    "seed": 7,
    "responses": {"path": "/hall", "channels": None, "rooms": ["a", "<b>"]},
}


def markup_of(scenes: list[Scene], seed: int = 0) -> str:
    samples = list(enumerate(scenes))
    return scenes_page("a<b>.jsonl", HEAD, {"train": len(scenes)}, summarise(scenes), samples, seed=seed)


@pytest.fixture(scope="module")
def page(parse_page: Callable[[str], Any]) -> Any:
    return parse_page(markup_of(SCENES))


def texts(page: Any, tag: str) -> list[str]:
    return [found.text for found in page.all(tag)]


def test_nothing_is_loaded_from_elsewhere(page: Any) -> None:
    for found in page.elements:
        for name, value in found.attributes.items():
            if name in ("src", "href", "action", "srcset", "poster", "data", "xlink:href"):
                assert value == "data:,", (found.tag, name)
            elif name != "xmlns":
                assert not re.search(r"https?:|//|url\(", value or ""), (found.tag, name, value)


def test_pictures_have_names_of_their_own_and_words(page: Any) -> None:
    ids = [found.attributes["id"] for found in page.elements if "id" in found.attributes]
    assert len(ids) == len(set(ids))
    for drawing in page.all("svg"):
        named = drawing.attributes.keys() & {"aria-labelledby", "aria-label"}
        assert bool(named) != (drawing.attributes.get("aria-hidden") == "true")
    named = [found.attributes["aria-labelledby"] for found in page.elements if "aria-labelledby" in found.attributes]
    assert {name for names in named for name in names.split()} <= set(ids)


def test_headings_go_down_by_one(page: Any) -> None:
    levels = [int(found.tag[1]) for found in page.elements if re.fullmatch(r"h\d", found.tag)]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_the_head_is_told(page: Any) -> None:
    cells = texts(page, "td")
    rows = dict(zip(cells[::2], cells[1::2], strict=False))
    assert (rows["corpus"], rows["split"], rows["seed"]) == ("/sounds & more", "each scene its own", "7")
    assert rows["responses"] == "path /hall, rooms a, <b>"
    assert rows["sources a scene"] == "1 in 2, 2 in 1"
    assert rows["scenes through responses"] == "<hall> 1"
    names = dict(zip(texts(page, "dt"), [d.text for d in page.all("dd", class_="number")], strict=True))
    assert names["scenes"] == "3"
    assert names["simulated rooms"] == names["measured responses"] == names["free field"] == "33.3 %"


def test_every_scene_is_drawn_as_it_is(page: Any) -> None:
    headings = texts(page, "h3")
    assert {"Scene 0", "Scene 1", "Scene 2"} <= set(headings)
    soft = [found.text for found in page.all("p", class_="soft")]
    assert [text for text in soft if "RT60" in text] == [f"8.0 × 4.0 × 3.0 m, RT60 {ROOM.mid_rt60_s:.2f} s"]
    assert "free field" in soft
    assert "measured, <hall>" in soft
    places = [found.text for found in page.all("span", class_="where")]
    assert places[0] == "left, 1.5 m · +90°\u00a0/\u00a0+0°"
    assert places[3] == "back, distance not known · +180°\u00a0/\u00a0+0°"


def test_captions_are_shown_as_they_were_said_with_their_true_place(page: Any) -> None:
    cells = texts(page, "td")
    start = cells.index("0", cells.index("sources a scene"))
    rows = [cells[start + 5 * i : start + 5 * (i + 1)] for i in range(3)]
    assert [row[1] for row in rows] == ['A dog says "<woof>" & barks and rain falls.', CAPTION, CAPTION]
    for row, word in zip(rows[1:], ("front", "back"), strict=True):
        for sentence in row[2:]:
            # What is quoted within the caption is no place.
            found = parse_direction(sentence.replace('"<woof>" & ', ""))
            assert found is not None
            assert found.sector == word
    # Only the listener's words are the same in every phrasing.
    assert "left" in rows[0][2].lower()
    assert "right" in rows[0][2].lower()


def test_what_moves_and_what_is_around_is_said(parse_page: Callable[[str], Any]) -> None:
    path = [Waypoint(0.0, 90.0, 0.0, 1.0), Waypoint(1.0, 45.0, 0.0, 1.2), Waypoint(2.0, 0.0, 0.0, 2.0)]
    moving = Source.along(path, sound_id="car", caption="A car passes.")
    page = parse_page(markup_of([Scene(seed=0, sources=(moving,), ambience=Ambience(snr_db=-3.0, sound_id="<rain>"))]))
    assert "free field; <rain> around, −3 dB below" in texts(page, "p")
    cells = texts(page, "td")
    assert cells[cells.index("moving sources") + 1] == "1"
    assert any("moving from the left to the front" in cell for cell in cells)


def test_phrasings_follow_from_the_seed() -> None:
    assert markup_of(SCENES, 1) == markup_of(SCENES, 1)
    assert markup_of(SCENES, 1) != markup_of(SCENES, 2)


def test_common_captions_are_counted(page: Any) -> None:
    cells = texts(page, "td")
    at = cells.index(CAPTION, cells.index(CAPTION, len(cells) - 6))
    assert cells[at + 1] == "3"
    assert cells[cells.index("Rain falls.", at) + 1] == "1"


def test_what_is_not_there_is_said_and_not_drawn(parse_page: Callable[[str], Any]) -> None:
    page = parse_page(markup_of([Scene(seed=0, sources=(source(float(azimuth)),)) for azimuth in range(0, 90, 9)]))
    said = texts(page, "p")
    assert said.count("No scene is in a simulated room.") == 3
    assert "No scene has noise." in said
    assert "Every scene is as long as its sounds." in said
    assert "1.5 m in all 10." in said


def test_no_scenes_are_a_page_too(parse_page: Callable[[str], Any]) -> None:
    page = parse_page(scenes_page("none", {}, {}, summarise([]), []))
    assert "There are no scenes." in texts(page, "p")
    assert not page.all("article")


def test_sectors_are_all_named(page: Any) -> None:
    assert set(SECTORS) <= set(texts(page, "text"))

"""The demonstration's page, from results written by hand."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from salm.pictures.demo_page import Clip, demo_page

RATE_HZ = 24_000
CAPTION = 'A dog says "<woof>" & barks.'


def place(azimuth_deg: float, elevation_deg: float, **more: Any) -> dict[str, Any]:
    return {"azimuth_deg": azimuth_deg, "elevation_deg": elevation_deg, "sector": "-", **more}


def row(name: str, truth: tuple[float, float], model: tuple[float, float]) -> dict[str, Any]:
    return {
        "name": name,
        "file": f"library/{name}.flac",
        "kind": name,
        "caption": CAPTION,
        "duration_s": 1.0,
        "truth": place(*truth),
        "model": place(*model, error_deg=12.4, confidence=0.87),
        "intensity": place(-179.6, -0.2, error_deg=33.3),
    }


def hit(name: str, *, what: bool, where: bool, score: float = 0.75) -> dict[str, Any]:
    heard = {"azimuth_deg": 90.0, "elevation_deg": 40.0, "score": score, "what": 0.5, "where": 0.9}
    return {"name": name, "right_what": what, "right_where": where, "right": what and where, **heard}


def search(sentence: str, azimuth_deg: float | None, elevation: str | None) -> dict[str, Any]:
    query = {"what": "dog", "azimuth_deg": azimuth_deg, "sector": azimuth_deg and "left", "elevation": elevation}
    hits = [
        hit("dog", what=True, where=True),
        hit("rain", what=False, where=True),
        hit("bell", what=True, where=False),
        hit("bird", what=False, where=False),
    ]
    return {"text": sentence, "query": query, "hits": hits, "direction_blind": hits[1:2]}


def file(name: str, azimuth_deg: float) -> dict[str, Any]:
    return {
        "file": f"edit/{name}.flac",
        "binaural": f"edit/{name}-binaural.flac",
        "model": place(0.0, 0.0),
        "intensity": place(azimuth_deg, 0.0),
    }


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    names = ("dog", "rain", "bell", "bird")
    return {
        "salm": "0.1.0",
        "seed": 3,
        "model": {"name": "small", "digest": "abc123"},
        "summary": {
            "recordings": 4,
            "searches": 2,
            "model": {"median_deg": 4.24, "sector_accuracy": 0.75},
            "intensity": {"median_deg": 9.96, "sector_accuracy": 0.5},
            "hits_at_1": {"model": 1.0, "direction_blind": 0.5},
        },
        "searches": [search("<dog> on the left", 90.0, None), search("dog & above", None, "above")],
        "edit": {
            "name": "dog",
            "sentence": "move it to the <left>",
            "goal": "left",
            "description": "Turned everything.",
            "truth_before": place(0.0, 0.0),
            "before": file("before", -179.97),
            "after": file("after", 90.02),
        },
        "recordings": [row(name, (-90.0 + i, 10.0), (-80.0 + i, -4.0)) for i, name in enumerate(names)],
    }


@pytest.fixture(scope="module")
def markup(results: dict[str, Any]) -> str:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 1200)).astype(np.float32)
    names = [*(recording["name"] for recording in results["recordings"]), "before", "after"]
    return demo_page(results, {name: Clip(binaural=noise, omni=noise[0], rate_hz=RATE_HZ) for name in names})


@pytest.fixture(scope="module")
def page(markup: str, parse_page: Callable[[str], Any]) -> Any:
    return parse_page(markup)


def test_nothing_is_loaded_from_elsewhere(page: Any) -> None:
    for found in page.elements:
        for name, value in found.attributes.items():
            if name in ("src", "href", "action", "srcset", "poster", "data", "xlink:href"):
                assert re.match(r"data:|(library|edit)/[\w.-]+$|results\.json$", value), (found.tag, name)
            elif name != "xmlns":
                assert not re.search(r"https?:|//|url\(", value or ""), (found.tag, name, value)
    assert [e.attributes["http-equiv"] for e in page.all("meta") if "http-equiv" in e.attributes] == [
        "Content-Security-Policy"
    ]


def test_every_identifier_is_there_once(page: Any) -> None:
    ids = [found.attributes["id"] for found in page.elements if "id" in found.attributes]
    assert len(ids) == len(set(ids)) > 10
    named = [found.attributes["aria-labelledby"] for found in page.elements if "aria-labelledby" in found.attributes]
    assert {name for names in named for name in names.split()} <= set(ids)


def test_every_button_has_its_sound(page: Any) -> None:
    sounds = {sound.attributes["id"] for sound in page.all("audio")}
    played = [button.attributes["data-sound"] for button in page.all("button")]
    assert sounds == set(played) == {f"sound-{name}" for name in ("dog", "rain", "bell", "bird", "before", "after")}
    # Four rows of the table, twice four hits, before and after.
    assert len(played) == 14


def test_pictures_have_words(page: Any) -> None:
    assert all(image.attributes["alt"] for image in page.all("img"))
    for drawing in page.all("svg"):
        named = drawing.attributes.keys() & {"aria-labelledby", "aria-label"}
        assert bool(named) != (drawing.attributes.get("aria-hidden") == "true")


def test_what_people_said_is_shown_as_they_said_it(page: Any) -> None:
    quotes = [quote.text for quote in page.all("blockquote")]
    assert quotes == ["“<dog> on the left”", "“dog & above”", "“move it to the <left>”"]
    assert f"Play {CAPTION} (dog)" in [button.attributes["aria-label"] for button in page.all("button")]
    assert not [found.tag for found in page.elements if found.tag in ("dog", "left", "woof")]


def test_hits_are_judged_by_what_is_true(page: Any) -> None:
    verdicts = [e for e in page.all("span") if e.attributes.get("class") in ("good", "soft")]
    words = [verdict.text for verdict in verdicts[:4]]
    assert words == ["right", "other sound", "other place", "neither"]


def test_a_full_score_fills_the_meter(results: dict[str, Any], page: Any) -> None:
    """Of a search with a what and a where the highest score is 1.5, so 0.75 is half of 72 pixels."""
    filled = [r.attributes["width"] for r in page.all("rect") if "style" in r.attributes]
    assert filled == ["36"] * 8


def test_the_numbers_are_those_of_the_results(page: Any) -> None:
    assert [value.text for value in page.all("dd", class_="number")] == ["4.2°", "3 of 4", "2 of 2"]
    assert [value.text for value in page.all("dd", class_="beside")] == [
        "without learning 10.0°",
        "without learning 2",
        "by words for what alone 1",
    ]
    cells = [cell.text for cell in page.all("td")][:9]
    assert cells == ["", "", "dog", "−90 / +10", "−80 / −4", "12°", "+180 / +0", "33°", "87 %"]


def test_the_edit_is_measured_in_whole_circles(page: Any) -> None:
    assert "went from azimuth −180.0° to +90.0°" not in page.all("body")[0].text
    assert "went from azimuth +180.0° to +90.0°" in page.all("body")[0].text


def test_files_can_be_opened_from_the_page(page: Any) -> None:
    links = {link.attributes["href"] for link in page.all("a")}
    assert links == {
        *(f"library/{name}.flac" for name in ("dog", "rain", "bell", "bird")),
        *(f"edit/{name}{end}.flac" for name in ("before", "after") for end in ("", "-binaural")),
        "results.json",
    }


def test_the_verdict_follows_the_medians(results: dict[str, Any], page: Any) -> None:
    assert "The model is closer here than the un-learned direction" in page.all("body")[0].text
    worse = results | {"summary": results["summary"] | {"model": {"median_deg": 9.96, "sector_accuracy": 0.5}}}
    silence = np.zeros((2, 1200), np.float32)
    names = [*(recording["name"] for recording in results["recordings"]), "before", "after"]
    clips = {name: Clip(binaural=silence, omni=silence[0], rate_hz=RATE_HZ) for name in names}
    assert "the model is no closer than" in demo_page(worse, clips)


def test_how_to_make_it_again(page: Any) -> None:
    assert page.all("code")[0].text == "salm demo --seed 3"

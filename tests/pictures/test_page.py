"""Pages in one file: read back by the standard library's parser, their sounds by a decoder."""

import io
import re
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from salm.pictures.page import Sounds, document, figures, legend, table, write_page
from salm.pictures.svg import element, text

RATE_HZ = 24_000
NASTY = """<b>"dog"</b> & 'cat'"""


def stereo(level: float = 0.5) -> np.ndarray:
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    return (level * np.sin(2 * np.pi * np.array([[300.0], [700.0]]) * time_s)).astype(np.float32)


def heard(markup: str) -> np.ndarray:
    (source,) = re.findall('src="data:audio/mpeg;base64,([^"]+)"', markup)
    samples, rate_hz = soundfile.read(io.BytesIO(b64decode(source, validate=True)))
    assert rate_hz == RATE_HZ
    return samples.T


def pitch_hz(samples: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE_HZ / len(samples))


def test_a_sound_plays_back_in_stereo_at_its_level() -> None:
    sounds = Sounds()
    sounds.add("dog", stereo(), RATE_HZ)
    left, right = heard(sounds.markup())
    assert (pitch_hz(left), pitch_hz(right)) == pytest.approx((300, 700), abs=5)
    middle = slice(4000, 8000)
    assert (np.abs(left[middle]).max(), np.abs(right[middle]).max()) == pytest.approx((0.5, 0.5), abs=0.05)


def test_what_is_beyond_full_scale_is_turned_down() -> None:
    sounds = Sounds()
    sounds.add("dog", stereo(4.0), RATE_HZ)
    assert np.abs(heard(sounds.markup())[:, 4000:8000]).max() == pytest.approx(1.0, abs=0.05)


def test_a_sound_is_embedded_once_however_many_buttons_play_it(parse_page: Callable[[str], Any]) -> None:
    sounds = Sounds()
    sounds.add("dog", stereo(), RATE_HZ)
    page = parse_page(sounds.button("dog", label=NASTY) + sounds.button("dog", label="again") + sounds.markup())
    (sound,) = page.all("audio")
    buttons = page.all("button")
    assert [button.attributes["data-sound"] for button in buttons] == [sound.attributes["id"]] * 2
    assert [button.attributes["aria-label"] for button in buttons] == [f"Play {NASTY}", "Play again"]


def test_a_button_needs_its_sound() -> None:
    with pytest.raises(KeyError, match="cat"):
        Sounds().button("cat", label="the cat")


def test_a_document_is_whole_and_closed_to_the_outside(parse_page: Callable[[str], Any]) -> None:
    markup = document(NASTY, element("p", text("One.")), element("p", text("Two.")))
    page = parse_page(markup)
    assert markup.startswith("<!doctype html>")
    assert page.all("title")[0].text == NASTY
    assert [paragraph.text for paragraph in page.all("p")] == ["One.", "Two."]
    (policy,) = (e.attributes["content"] for e in page.all("meta") if "http-equiv" in e.attributes)
    rules = dict(rule.split(maxsplit=1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert {source for rule in rules.values() for source in rule.split()} == {"'none'", "'unsafe-inline'", "data:"}
    assert not re.search(r"url\(|@import|https?:", page.all("style")[0].text)
    assert not re.search(r"https?:|fetch|XMLHttpRequest|WebSocket|import\b|eval", page.all("script")[0].text)


def test_a_table_has_a_caption_headers_and_cells(parse_page: Callable[[str], Any]) -> None:
    rows = [(text(NASTY), "1"), (text("rain"), "2")]
    page = parse_page(table(("sound & more", "off by"), rows, caption=NASTY, figure_columns=(1,)))
    assert page.all("caption")[0].text == NASTY
    assert [(cell.text, cell.attributes.get("class")) for cell in page.all("th", scope="col")] == [
        ("sound & more", None),
        ("off by", "figure"),
    ]
    assert [cell.text for cell in page.all("td")] == [NASTY, "1", "rain", "2"]
    assert [cell.text for cell in page.all("td", class_="figure")] == ["1", "2"]
    assert page.all("div")[0].attributes["tabindex"] == "0"


def test_key_numbers_are_terms_with_their_values(parse_page: Callable[[str], Any]) -> None:
    page = parse_page(figures([(NASTY, "4.2°", "<9°")]))
    assert [e.text for e in page.elements if e.tag in ("dt", "dd")] == [NASTY, "4.2°", "<9°"]


def test_a_legend_names_its_swatches(parse_page: Callable[[str], Any]) -> None:
    page = parse_page(legend([(element("svg"), "truth"), (element("svg"), NASTY)]))
    assert [item.text for item in page.all("li")] == ["truth", NASTY]
    assert len(page.all("svg")) == 2


def test_a_page_is_written_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "new" / "index.html"
    assert write_page(path, "<p>−3°</p>") == path
    assert path.read_bytes() == b"<p>\xe2\x88\x923\xc2\xb0</p>"

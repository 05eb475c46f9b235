"""The site builds without a warning and without a network, and its drawings are today's."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from architecture import ORDER, drawing, used_rooms
from conventions import DRAWINGS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    done = subprocess.run([*command, str(DOCS), str(out)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


def test_every_page_is_there_and_in_the_table_of_contents(site: Path) -> None:
    pages = {path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md")}
    assert all((site / page).with_suffix(".html").exists() for page in pages)
    contents = (site / "index.html").read_text(encoding="utf-8")
    assert not [page for page in pages if f'href="{page}.html"' not in contents and page.parent == Path("guide")]


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    loads = re.compile(r"""<(?:script|img|link|iframe|source)[^>]+(?:src|href)=["'](https?:)?//""")
    for page in site.rglob("*.html"):
        assert not loads.search(page.read_text(encoding="utf-8")), page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//|@import", sheet.read_text(encoding="utf-8")), sheet


def test_the_reference_says_shapes_and_units(site: Path) -> None:
    page = (site / "api" / "audio.html").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    assert "locate_by_intensity" in text
    assert re.search(r"encode_plane_wave\(.{0,80}Float32\[ndarray, .{0,8}time.{0,40}azimuth_deg: float", text)


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_drawings_of_the_conventions_are_those_of_the_code(name: str) -> None:
    assert (DOCS / "figures" / name).read_text(encoding="utf-8") == DRAWINGS[name]() + "\n"


def test_the_drawing_of_the_rooms_has_a_dot_for_every_use() -> None:
    titles = [element.text for element in ElementTree.fromstring(drawing()).iter() if element.tag.endswith("circle")]
    used = used_rooms()
    assert len(titles) == sum(map(len, used.values()))
    assert used["audio"]["frame"] > 1
    assert all(ORDER.index(name) < ORDER.index(own) for own, row in used.items() for name in row)

"""Pages name files that are there: those for whoever changes the code by whatever they call them, all by full paths."""

import re
from pathlib import Path

import pytest

from architecture import ORDER, SOURCE

ROOT = Path(__file__).resolve().parents[2]
HOUSE = sorted((ROOT / "docs" / "house").glob("*.md"))
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md", *HOUSE]
EVERY = sorted({*PAGES, *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "guide").glob("*.md")})
FILE = re.compile(r"`((?:[\w.-]+/)*(?:[\w.-]+\.(?:py|sh|md|txt|yaml)|(?<=/)))`")
MODULE = re.compile(rf"`((?:{'|'.join(ORDER)})\.(?!py`)[a-z_]+)`")

FULL = re.compile(r"\b(?:benchmarks|configs|docs|src|tests|tools)/[\w/.-]+\.(?:csv|md|py|sh|svg|txt|yaml)\b")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {*FILE.findall(text), *(f"{module.replace('.', '/')}.py" for module in MODULE.findall(text))}
    # A page of a room names the room's own files without their folder.
    assert not [
        name for name in named if not any((home / name).exists() for home in (ROOT, SOURCE, SOURCE / page.stem))
    ]
    assert named or page.name == "index.md"


@pytest.mark.parametrize("page", EVERY, ids=lambda page: page.name)
def test_every_full_path_leads_somewhere(page: Path) -> None:
    named = set(FULL.findall(page.read_text(encoding="utf-8")))
    assert not [name for name in named if not (ROOT / name).exists()]

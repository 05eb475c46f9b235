"""The pages for those who change the code name files that are there."""

import re
from pathlib import Path

import pytest

from architecture import ORDER, SOURCE

ROOT = Path(__file__).resolve().parents[2]
HOUSE = sorted((ROOT / "docs" / "house").glob("*.md"))
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md", *HOUSE]
FILE = re.compile(r"`((?:[\w.-]+/)*(?:[\w.-]+\.(?:py|sh|md|txt|yaml)|(?<=/)))`")
MODULE = re.compile(rf"`((?:{'|'.join(ORDER)})\.(?!py`)[a-z_]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {*FILE.findall(text), *(f"{module.replace('.', '/')}.py" for module in MODULE.findall(text))}
    # A page of a room names the room's own files without their folder.
    assert not [
        name for name in named if not any((home / name).exists() for home in (ROOT, SOURCE, SOURCE / page.stem))
    ]
    assert named or page.name == "index.md"

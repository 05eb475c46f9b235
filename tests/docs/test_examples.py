"""Every example of the guide and of the README does what the page says, in a folder in which `salm demo` was run."""

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

import salm
from examples import PREFIX, differences, examples, matches, reasons
from salm.demo import run_demo

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
TAKES = ("alarm-1", "rain-1", "thunder-2")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `salm demo` leaves, made once however many processes the tests run in."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "salm-demo"
    with FileLock(shared / "salm-demo.lock"):
        if not (folder / "index.html").exists():
            run_demo(folder)
    return folder


@pytest.fixture
def folder(demo: Path) -> Iterator[Path]:
    """A folder with a name of known length, since names stand in tables."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as made:
        shutil.copytree(demo, Path(made, "salm-demo"))
        yield Path(made)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_says_what_the_page_shows(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page.name == "README.md":
        bring_own_recordings(folder)
    # A program that a page starts is the one of this checkout.
    monkeypatch.setenv("PYTHONPATH", str(Path(salm.__file__).parents[1]))
    found = list(differences(page.read_text(encoding="utf-8"), folder))
    lines = [
        line
        for example, said in found
        for line in ("", example.code, *difflib.ndiff(example.shown.splitlines(), said.splitlines()))
    ]
    assert not found, "\n".join(lines)


def bring_own_recordings(folder: Path) -> None:
    """What the README takes for granted: a recording, and a folder of them."""
    (folder / "recordings").mkdir()
    for name in TAKES:
        recording = salm.read(folder / "salm-demo" / "library" / f"{name}.flac")
        salm.write(folder / "recordings" / f"{name}.wav", recording.samples, recording.rate_hz)
    shutil.copy(folder / "recordings" / f"{TAKES[0]}.wav", folder / "take-1.wav")


def test_most_of_the_examples_are_run_and_the_others_say_why_not() -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    run = sum(len(list(examples(text))) for text in texts)
    left_out = [reason for text in texts for reason in reasons(text)]
    assert run > 3 * len(left_out)
    assert all(len(reason) > 4 for reason in left_out)


PAGE = """\
```console
$ echo one 2
one 2
$ cat <<END
> a line
> END
a line
```

<!-- not run: it would never end -->
```console
$ sleep 1000
```

```bash
false  # a comment
```

```python
three = 3
```

```python
>>> three + 1.004
4.00
>>> three
4
```

```text
$ not ours
```
"""


def test_a_page_is_read_in_order_and_what_differs_is_found(tmp_path: Path) -> None:
    found = list(differences(PAGE, tmp_path))
    assert [(example.code.strip(), said.strip()) for example, said in found] == [
        ("false  # a comment", ""),
        ("three", "3"),
    ]
    start, stop = found[1][0].span
    assert PAGE[start:stop] == "4\n"
    assert reasons(PAGE) == ["it would never end"]


@pytest.mark.parametrize(
    ("shown", "said", "same"),
    [
        ("azimuth +90, 2.51 s", "azimuth +91,  2.52 s\n", True),
        ("azimuth +90", "azimuth +92", False),
        ("azimuth +90", "azimuth -90", False),
        ("2.51 s", "2.53 s", False),
        ("67% of it", "66% of it", True),
        ("20 files", "21 files", False),
        ("20 files", "20 filed", False),
        ("it is ... files", "it is 3 or\n4 files", True),
        ("part-1.wav", "part-2.wav", False),
        ("", "anything", False),
        ("something", "", False),
    ],
)
def test_what_counts_as_the_same(shown: str, said: str, same: bool) -> None:
    assert matches(shown, said) is same

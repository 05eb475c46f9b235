"""Compiled loops where their code cannot be kept."""

import subprocess
import sys
from pathlib import Path

LOOP = """
from salm.compiled import compiled

@compiled
def total(count):
    found = 0
    for number in range(count):
        found += number
    return found

print(total(5), len(total.stats.cache_path or ""))
"""


def run(*arguments: str, cache: Path) -> list[str]:
    environment = {"PYTHONPATH": str(Path(__file__).parents[1] / "src"), "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_code_is_kept_where_that_can_be(tmp_path: Path) -> None:
    script = tmp_path / "loop.py"
    script.write_text(LOOP, encoding="utf-8")
    total, path = run(str(script), cache=tmp_path / "cache")
    assert total == "10"
    assert int(path) > 0
    assert list((tmp_path / "cache").rglob("*.nbi"))


def test_without_such_a_place_it_runs_all_the_same(tmp_path: Path) -> None:
    # numba finds no place for the code of what is no file, as for that of a file where nothing can be written.
    assert run("-c", LOOP, cache=tmp_path) == ["10", "0"]

"""`salm scenes show`: the numbers, the first scenes, and the page."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from salm.cli import main
from salm.scenes.corpora.base import Sound
from salm.scenes.sample import SceneRanges, draw_scene
from salm.scenes.scene import Scene
from salm.scenes.storage import SceneTable
from salm.scenes.summary import summarise


@pytest.fixture
def file(scene_file: Callable[..., Path]) -> Path:
    rng = np.random.default_rng(0)
    sound = Sound(id="dog", captions=("A dog barks.",), duration_s=1.0)
    scenes = [draw_scene(rng, sound, ranges=SceneRanges(anechoic=0.5)) for _ in range(40)]
    return scene_file("s.jsonl", {"train": scenes[:30], "val": scenes[30:]})


def test_the_numbers_and_the_first_scenes_are_printed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenes", "show", str(file), "--limit", "3"]) == 0
    out = capsys.readouterr().out
    free = sum(scene.room is None for scene in SceneTable(file))
    assert f"40 ({40 - free} simulated, {free} free field)" in out
    assert "train 30, val 10" in out
    assert sum(line.startswith("dog ") for line in out.splitlines()) == 3


def test_json_is_the_summary_of_the_library(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenes", "show", str(file), "--limit", "3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    table = SceneTable(file)
    assert document["scenes"] == [json.loads(json.dumps(scene.to_dict())) for scene in table[:3]]
    assert document["summary"] == json.loads(json.dumps(summarise(table).to_dict()))
    assert document["splits"] == {"train": 30, "val": 10}
    assert (document["head"]["layout"], document["out"]) == ("manifest", None)


def test_the_page_is_written_and_follows_from_the_seed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pages = []
    for seed in ("0", "0", "1"):
        out = file.parent / "new" / "page.html"
        assert main(["scenes", "show", str(file), "-o", str(out), "--limit", "5", "--seed", seed]) == 0
        assert f"drawn in {out}" in capsys.readouterr().out
        pages.append(out.read_text(encoding="utf-8"))
    assert pages[0] == pages[1] != pages[2]
    assert pages[0].count("<article") == 5


def test_rows_are_drawn_without_going_back(file: Path) -> None:
    table = SceneTable(file)
    rows = table.sample_rows(7, seed=3)
    assert rows == sorted(set(rows)) == table.sample_rows(7, seed=3)
    assert len(rows) == 7
    assert table.sample_rows(100, seed=0) == list(range(40))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read as scenes"),
        ("", "is empty"),
        ("RIFF\n", "line 1 is no JSON"),
        ('{"corpus": null, "split": "train"}\n{"schema": 1}\n', "line 2: the scene is not complete"),
    ],
)
def test_a_bad_file_is_one_line(
    tmp_path: Path, content: str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.jsonl"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert main(["scenes", "show", str(path), "-o", str(tmp_path / "page.html")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.startswith("salm: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "page.html").exists()


def test_scenes_are_not_overwritten_by_their_picture(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.read_bytes()
    assert main(["scenes", "show", str(file), "-o", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"salm: {file} is the input, which is never altered;")
    assert file.read_bytes() == before


def test_a_file_without_scenes_is_shown(scene_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    empty: list[Scene] = []
    path = scene_file("none.jsonl", {"train": empty})
    assert main(["scenes", "show", str(path), "-o", str(path.parent / "page.html")]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["scenes", "0"]

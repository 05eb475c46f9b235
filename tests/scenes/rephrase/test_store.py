"""Files of captions as training reads them."""

import json
import pickle
from pathlib import Path

import pytest

from salm.errors import InputError
from salm.scenes.rephrase.ask import Asker, AskSettings
from salm.scenes.rephrase.run import rephrase_scenes
from salm.scenes.rephrase.store import SpatialCaptions
from salm.scenes.storage import SceneTable

CAPTIONS = ["A dog barks", "Rain falls", "A bell rings"]


@pytest.fixture
def written(caption_scenes, tmp_path: Path) -> tuple[SceneTable, Path]:
    table = SceneTable(caption_scenes(CAPTIONS))
    rephrase_scenes(table.path, tmp_path / "c", Asker(backend=None, settings=AskSettings(vocabulary="listener")))
    return table, tmp_path / "c"


def test_captions_are_found_by_row(written: tuple[SceneTable, Path]) -> None:
    table, path = written
    captions = SpatialCaptions(path, scenes=table)
    assert captions.head["vocabulary"] == "listener"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    for row in (2, 0, 1):
        assert captions[row] == {CAPTIONS[row]: lines[row]["spatial_caption"]}


def test_several_captions_of_a_row_stand_together(written: tuple[SceneTable, Path]) -> None:
    table, path = written
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    more = [
        json.dumps(json.loads(line) | {"caption": "Ü", "spatial_caption": f"Ü {n}."}) for n, line in enumerate(lines)
    ]
    both = [line for pair in zip(lines, more, strict=True) for line in pair]
    path.write_text("\n".join([head, *both, ""]), encoding="utf-8")
    captions = pickle.loads(pickle.dumps(SpatialCaptions(path, scenes=table)))
    assert [list(captions[row]) for row in range(3)] == [[caption, "Ü"] for caption in CAPTIONS]
    assert captions[1]["Ü"] == "Ü 1."


def test_a_file_that_is_not_whole_is_refused(written: tuple[SceneTable, Path]) -> None:
    table, path = written
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(InputError, match="lacks the captions of 2 scenes, the first of them number 1; the same `salm"):
        SpatialCaptions(path, scenes=table)


def test_a_selection_needs_only_its_own(caption_scenes, scene_file, tmp_path: Path) -> None:
    scenes = list(SceneTable(caption_scenes(CAPTIONS)))
    table = SceneTable(scene_file("two.jsonl", {"train": scenes[:2], "test": scenes[2:]}))
    rephrase_scenes(table.path, tmp_path / "c", Asker(backend=None), limit=2)
    assert CAPTIONS[1] in SpatialCaptions(tmp_path / "c", scenes=table.select("train"))[1]
    with pytest.raises(InputError, match="lacks the captions of 1 scenes, the first of them number 2"):
        SpatialCaptions(tmp_path / "c", scenes=table.select("test"))


def test_captions_of_other_scenes_are_refused(written: tuple[SceneTable, Path], caption_scenes) -> None:
    other = SceneTable(caption_scenes(CAPTIONS, name="other.jsonl", azimuth_deg=-90.0))
    with pytest.raises(InputError, match=r"has captions of other scenes than .*other\.jsonl; make them anew"):
        SpatialCaptions(written[1], scenes=other)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read as captions"), (b"", "is empty"), (b"{}\n", "holds no spatial captions")],
)
def test_what_is_no_file_of_captions_is_refused(
    written: tuple[SceneTable, Path], tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match=message):
        SpatialCaptions(tmp_path / "x", scenes=written[0])

"""Scenes on disk: drawn and read back."""

import json
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.errors import InputError
from salm.scenes.corpora.procedural import ProceduralCorpus
from salm.scenes.make import make_scenes
from salm.scenes.scene import Scene, Source
from salm.scenes.storage import SceneTable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus of three short sounds in two splits."""
    corpus = tmp_path / "sounds"
    corpus.mkdir()
    for name in ("dog", "bell", "rain"):
        samples = np.random.default_rng(len(name)).uniform(-1, 1, 2400)
        soundfile.write(corpus / f"{name}.wav", samples, 24_000)
    (corpus / "manifest.csv").write_text(
        "file,caption,split\ndog.wav,A dog barks.,train\nbell.wav,A bell.,test\nrain.wav,Rain falls.,test\n",
        encoding="utf-8",
    )
    return corpus


@pytest.fixture
def made(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "scenes.jsonl"
    make_scenes(path, corpus=folder, split="test", count=3, seed=5)
    return path


def test_made_scenes_are_of_the_asked_corpus_and_split(made: Path, folder: Path) -> None:
    scenes = SceneTable(made)
    assert scenes.head == {"corpus": str(folder.resolve()), "split": "test", "layout": "manifest", "seed": 5}
    assert len(scenes) == 3
    assert {scene.sources[0].sound_id for scene in scenes} <= {"bell", "rain"}


def test_the_same_seed_makes_the_same_file(made: Path, folder: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again.jsonl", tmp_path / "other.jsonl"
    assert make_scenes(again, corpus=folder, split="test", count=3, seed=5) == 3
    make_scenes(other, corpus=folder, split="test", count=3, seed=6)
    assert again.read_bytes() == made.read_bytes()
    assert list(SceneTable(other)) != list(SceneTable(made))


def test_more_scenes_begin_with_the_fewer(made: Path, folder: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    make_scenes(more, corpus=folder, split="test", count=5, seed=5)
    assert SceneTable(more)[:3] == SceneTable(made)[:]


def test_without_a_corpus_scenes_are_of_procedural_sounds(tmp_path: Path) -> None:
    path = tmp_path / "new" / "scenes.jsonl"
    make_scenes(path, split="val", count=2)
    scenes = SceneTable(path)
    assert scenes.head == {"corpus": None, "split": "val", "layout": "manifest", "seed": 0}
    ids = {sound.id for sound in ProceduralCorpus(split="val").sounds}
    assert {scene.sources[0].sound_id for scene in scenes} <= ids


def test_no_temporary_file_is_left(made: Path) -> None:
    assert not list(made.parent.glob("*.part"))


DOG = Source(sound_id="dog", caption="A dog.", azimuth_deg=0.0, elevation_deg=0.0, distance_m=1.0)
SCENE = json.dumps(Scene(seed=0, sources=(DOG,)).to_dict())
NEWER = json.dumps(Scene(seed=0, sources=(DOG,)).to_dict() | {"schema": 99})
HEAD = '{"corpus": null, "split": "test"}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; `salm scenes make` writes such files"),
        (f"{SCENE}\n", "does not begin with the corpus"),
        ("RIFF....WAVE\n", "line 1 is no JSON"),
        ('{"corpus": 5, "split": "test"}\n', "line 1: the corpus is 5 but must be text or null"),
        (f"{HEAD}\n{SCENE}\n{SCENE[:-9]}\n", "line 3 is no JSON"),
        (f"{HEAD}\n[1, 2]\n", r"line 2 is no scene but \[1, 2\]"),
        (f"{HEAD}\n{SCENE.replace('distance_m', 'far_m')}\n", "line 2: the scene is not complete.*'far_m'"),
        (f"{HEAD}\n{NEWER}\n", "line 2: the scene has schema 99"),
    ],
)
def test_a_file_of_something_else_gives_one_clear_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}.*{message}") as caught:
        list(SceneTable(path))
    assert "\n" not in str(caught.value)


def test_a_file_of_bytes_gives_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "sound.flac"
    path.write_bytes(b"fLaC\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as scenes") as caught:
        list(SceneTable(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jsonl cannot be read as scenes"):
        SceneTable(tmp_path / "gone.jsonl")


SPLIT = {"train": [Scene(seed=n, sources=(DOG,)) for n in range(4)], "val": [Scene(seed=9, sources=(DOG,))]}


def test_a_table_is_a_sequence_of_scenes(scene_file: Callable[..., Path]) -> None:
    table = SceneTable(scene_file("a.jsonl", SPLIT))
    scenes = SPLIT["train"] + SPLIT["val"]
    assert len(table) == 5
    assert list(table) == scenes
    assert (table[-1], table[1:4:2]) == (scenes[-1], scenes[1:4:2])
    assert table.splits == ("train",) * 4 + ("val",)
    with pytest.raises(IndexError):
        table[5]


def test_splits_of_a_table_are_selected(scene_file: Callable[..., Path]) -> None:
    table = SceneTable(scene_file("a.jsonl", {"val": SPLIT["val"], **SPLIT, "test": []}))
    assert list(table.select("val")) == SPLIT["val"]
    assert list(table.select("val", "train")) == list(table)
    assert table.select("val").select("val").head == table.head
    with pytest.raises(InputError, match=r"a\.jsonl has no scenes of the split 'test'; it has train, val"):
        table.select("train", "test")


def test_scenes_that_say_no_split_are_of_that_of_the_head(made: Path) -> None:
    table = SceneTable(made)
    assert table.splits == ("test",) * 3
    assert list(table.select("test")) == list(table)


def test_a_table_goes_to_another_process(scene_file: Callable[..., Path]) -> None:
    selected = SceneTable(scene_file("a.jsonl", SPLIT)).select("train")
    sent = pickle.dumps(selected)
    assert list(pickle.loads(sent)) == SPLIT["train"]
    scene_file("a.jsonl", {"train": SPLIT["val"]})
    with pytest.raises(InputError, match=r"a\.jsonl is another file than when it was opened"):
        pickle.loads(sent)


def test_a_table_keeps_little_in_memory(scene_file: Callable[..., Path]) -> None:
    few, many = (
        len(pickle.dumps(SceneTable(scene_file(f"{count}.jsonl", {"train": SPLIT["train"] * count}))))
        for count in (100, 1100)
    )
    # Three numbers and a reference a scene, where a scene itself is more than a hundred bytes.
    assert (many - few) / 4000 < 40


def test_a_line_that_is_no_scene_is_named_when_it_is_asked_for(scene_file: Callable[..., Path]) -> None:
    path = scene_file("a.jsonl", SPLIT)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:3], lines[3][:-8], *lines[4:]]), encoding="utf-8")
    table = SceneTable(path)
    assert table[0] == SPLIT["train"][0]
    with pytest.raises(InputError, match=r"a\.jsonl, line 4 is no JSON"):
        table.select("train")[2]
    assert table.select("val")[0] == SPLIT["val"][0]


def test_sounds_are_checked_without_parsing(scene_file: Callable[..., Path]) -> None:
    odd = replace(DOG, sound_id='A "dog", \u00e9 \\.wav')
    table = SceneTable(scene_file("a.jsonl", {"train": [Scene(seed=0, sources=(DOG, odd))]}))
    table.check_sounds({"dog", odd.sound_id}, corpus="toy")
    with pytest.raises(InputError, match=r"a\.jsonl, line 2: the corpus toy has no sound 'A \"dog\", \u00e9 "):
        table.check_sounds({"dog"}, corpus="toy")


def test_what_is_no_text_or_nested_without_end_is_named(scene_file: Callable[..., Path]) -> None:
    path = scene_file("a.jsonl", SPLIT)
    head, *lines = path.read_bytes().splitlines()
    split = lines[0].replace(b'"split": "', b'"split": "\xe9', 1)
    path.write_bytes(b"\n".join([head, split, b"[" * 100_000, *lines]))
    table = SceneTable(path)
    with pytest.raises(InputError, match=r"a\.jsonl, line 2 cannot be read as scenes: it is no text"):
        table[0]
    with pytest.raises(InputError, match=r"a\.jsonl, line 3 is no JSON"):
        table[1]
    assert table[2]
    path.write_bytes(b"\n".join([head, lines[0].replace(b'"sound_id": "', b'"sound_id": "\\x', 1)]))
    with pytest.raises(InputError, match=r"a\.jsonl, line 2 is no JSON"):
        SceneTable(path).check_sounds({"dog"}, corpus="toy")

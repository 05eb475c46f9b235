"""Files of scenes to files of captions: order, cache, resumption."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from salm.errors import InputError
from salm.scenes.rephrase.ask import Asker, AskSettings
from salm.scenes.rephrase.run import rephrase_scenes
from salm.scenes.rephrase.server import ServerBackend

CAPTIONS = [f"Dog number {number} barks" for number in range(12)]


def read(path: Path) -> tuple[dict, list[dict]]:
    head, *lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return head, lines


def test_one_line_a_scene_says_how_it_came_about(caption_scenes, toy_model, told, tmp_path: Path) -> None:
    path, out = caption_scenes(["A dog barks.", "Rain falls"]), tmp_path / "c.jsonl"
    asker = Asker(backend=toy_model(lambda turn: told(turn) if "dog" in turn else "No."))
    done = rephrase_scenes(path, out, asker)
    head, (dog, rain) = read(out)
    assert (head["model"], head["prompt"], head["facing"], head["tries"]) == ("toy", "paper", "south", 3)
    assert dog == {
        "row": 0,
        "sound_id": "sound-0",
        "sector": 2,
        "caption": "A dog barks.",
        "direction": "east",
        "spatial_caption": "A dog barks is coming from the east.",
        "verdict": "accepted",
        "tries": 1,
        "seed": dog["seed"],
        "refused": [],
        "prompt": "paper",
        "model": "toy",
        "key": asker.key("A dog barks.", 2),
    }
    assert (rain["verdict"], rain["tries"], rain["seed"], rain["refused"][0]) == (
        "preface",
        3,
        None,
        ["No.", "preface"],
    )
    assert done.pop("captions_per_s") > 0
    assert done == {
        "out": str(out),
        "captions": 2,
        "accepted": 1,
        "templates": 1,
        "acceptance": 0.5,
        "acceptance_at_first": 0.5,
        "tries": 4,
        "refused": {"preface": 3},
        "new": 2,
    }


def test_equal_requests_are_made_once(caption_scenes, toy_model, told, tmp_path: Path) -> None:
    model = toy_model(told)
    rephrase_scenes(
        caption_scenes(["A dog barks", "Rain falls", "A dog barks"]),
        tmp_path / "c",
        Asker(backend=model),
        concurrency=3,
    )
    _, lines = read(tmp_path / "c")
    assert len(model.asked) == 2
    assert [line["row"] for line in lines] == [0, 1, 2]
    assert lines[0]["spatial_caption"] == lines[2]["spatial_caption"]
    assert lines[0]["seed"] == lines[2]["seed"]


def test_many_at_once_keep_the_order_and_change_nothing(caption_scenes, fake_server, told, tmp_path: Path) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def reply(body: dict) -> str:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        # The first are the slowest.
        time.sleep(0.05 if " 0 " in body["messages"][-1]["content"] else 0.01)
        with lock:
            at_once -= 1
        return told(body["messages"][-1]["content"])

    server = fake_server(reply)
    path, backend = caption_scenes(CAPTIONS), ServerBackend(server.url, model="x")
    rephrase_scenes(path, tmp_path / "four", Asker(backend=backend), concurrency=4)
    assert 1 < most <= 4
    rephrase_scenes(path, tmp_path / "one", Asker(backend=backend), concurrency=1)
    assert (tmp_path / "four").read_bytes() == (tmp_path / "one").read_bytes()
    assert [line["caption"] for line in read(tmp_path / "one")[1]] == CAPTIONS


@pytest.mark.parametrize("cut", ["whole lines", "half a line", "only the head"])
def test_a_killed_run_goes_on_as_if_it_had_not_been(caption_scenes, toy_model, told, tmp_path: Path, cut: str) -> None:
    path, whole, part = caption_scenes(CAPTIONS), tmp_path / "whole", tmp_path / "part"
    rephrase_scenes(path, whole, Asker(backend=toy_model(told)))
    lines = whole.read_bytes().splitlines(keepends=True)
    kept = {"whole lines": lines[:6], "half a line": [*lines[:6], lines[6][:40]], "only the head": lines[:1]}[cut]
    part.write_bytes(b"".join(kept))
    model = toy_model(told)
    done = rephrase_scenes(path, part, Asker(backend=model))
    assert part.read_bytes() == whole.read_bytes()
    assert (done["captions"], done["new"]) == (12, len(model.asked))
    assert done["new"] == (12 if cut == "only the head" else 7)
    assert rephrase_scenes(path, part, Asker(backend=toy_model(pytest.fail)))["new"] == 0


def test_what_was_answered_before_a_failure_is_kept(caption_scenes, toy_model, told, tmp_path: Path) -> None:
    def fail_at_the_fourth(turn: str) -> str:
        if "number 4 " in turn:
            raise InputError("the server is gone.")
        return told(turn)

    path, out = caption_scenes(CAPTIONS), tmp_path / "c"
    with pytest.raises(InputError, match="the server is gone"):
        rephrase_scenes(path, out, Asker(backend=toy_model(fail_at_the_fourth)), concurrency=2)
    assert [line["row"] for line in read(out)[1]] == [0, 1, 2, 3]
    rephrase_scenes(path, out, Asker(backend=toy_model(told)), concurrency=2)
    assert [line["caption"] for line in read(out)[1]] == CAPTIONS


def test_answers_of_an_earlier_run_are_remembered(caption_scenes, toy_model, told, tmp_path: Path) -> None:
    path, out = caption_scenes(["Rain falls", "A dog barks", "Rain falls"]), tmp_path / "c"
    rephrase_scenes(path, out, Asker(backend=toy_model(told)), limit=1)
    assert len(read(out)[1]) == 1
    model = toy_model(told)
    rephrase_scenes(path, out, Asker(backend=model))
    assert len(model.asked) == 1
    assert len(read(out)[1]) == 3


def test_another_run_s_file_is_left_alone(caption_scenes, toy_model, told, tmp_path: Path) -> None:
    path, out = caption_scenes(CAPTIONS), tmp_path / "c"
    rephrase_scenes(path, out, Asker(backend=toy_model(told)), limit=2)
    before = out.read_bytes()
    others = [
        (path, Asker(backend=toy_model(told, "other")), r"of other model \(toy, not other\); give a new file"),
        (path, Asker(backend=None), r"of other model \(toy, not None\)"),
        (
            path,
            Asker(backend=toy_model(told), settings=AskSettings(facing="north")),
            r"of other facing \(south, not north\)",
        ),
        (caption_scenes(CAPTIONS[:2], name="other.jsonl"), Asker(backend=toy_model(told)), r"of other scenes \("),
    ]
    for scenes, asker, message in others:
        with pytest.raises(InputError, match=f"{out} is there already, {message}"):
            rephrase_scenes(scenes, out, asker)
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"", b"precious\n", b"precious", b'{"corpus": null, "split": null}\n{"row": 1}', b'{"format": "salm spa'],
)
def test_a_file_of_something_else_is_left_alone(caption_scenes, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(InputError, match="is there but holds no spatial captions"):
        rephrase_scenes(caption_scenes(CAPTIONS), tmp_path / "c", Asker(backend=None))
    assert (tmp_path / "c").read_bytes() == content


def test_a_broken_line_is_named(caption_scenes, tmp_path: Path) -> None:
    path, out = caption_scenes(CAPTIONS), tmp_path / "c"
    rephrase_scenes(path, out, Asker(backend=None), limit=3)
    lines = out.read_bytes().splitlines(keepends=True)
    for broken, message in ((b"{\n", "line 3 is no JSON"), (b"[]\n", "line 3 is no caption")):
        out.write_bytes(b"".join([*lines[:2], broken, *lines[3:]]))
        with pytest.raises(InputError, match=message):
            rephrase_scenes(path, out, Asker(backend=None))


def test_the_head_of_the_scenes_is_of_no_matter(scene_file, caption_scenes, tmp_path: Path) -> None:
    path, out = caption_scenes(CAPTIONS[:3]), tmp_path / "c"
    rephrase_scenes(path, out, Asker(backend=None), limit=1)
    head, rest = path.read_text(encoding="utf-8").split("\n", 1)
    path.write_text(json.dumps(json.loads(head) | {"corpus": "/elsewhere"}) + "\n" + rest, encoding="utf-8")
    assert rephrase_scenes(path, out, Asker(backend=None))["captions"] == 3


def test_every_caption_of_a_sound(clotho_table, tones, tmp_path: Path) -> None:
    from salm.scenes.recipes import make_recipe

    clotho_table("development", ["dog.wav"])
    (tmp_path / "development").mkdir()
    tones({"development/dog.wav": 440.0})
    make_recipe("sclotho", tmp_path, tmp_path / "s.jsonl")
    done = rephrase_scenes(tmp_path / "s.jsonl", tmp_path / "c", Asker(backend=None), every_caption=True)
    _, lines = read(tmp_path / "c")
    assert done["captions"] == len(lines) == 15
    assert [line["row"] for line in lines] == [0] * 5 + [1] * 5 + [2] * 5
    assert len({line["caption"] for line in lines}) == 5
    assert len({(line["caption"], line["sector"]) for line in lines}) == 15


def test_a_folder_that_cannot_be_written_to(caption_scenes, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        rephrase_scenes(caption_scenes(CAPTIONS), tmp_path / "file" / "c", Asker(backend=None))


def test_sectors_follow_the_azimuth(scene_file: Callable[..., Path], tmp_path: Path) -> None:
    from salm.scenes.scene import Scene, Source

    azimuths = np.arange(8) * 45.0
    some = [
        Scene(seed=0, sources=(Source(sound_id="d", caption="A dog", azimuth_deg=a, elevation_deg=0, distance_m=1),))
        for a in azimuths
    ]
    rephrase_scenes(scene_file("s", {"train": some}), tmp_path / "c", Asker(backend=None))
    directions = ["south", "southeast", "east", "northeast", "north", "northwest", "west", "southwest"]
    assert [line["direction"] for line in read(tmp_path / "c")[1]] == directions


def test_scenes_of_more_than_one_place_are_refused(scene_file: Callable[..., Path], tmp_path: Path) -> None:
    from salm.scenes.scene import Scene, Source

    dog = Source(sound_id="d", caption="A dog", azimuth_deg=0.0, elevation_deg=0.0, distance_m=1.0)
    scenes = scene_file("s", {"train": [Scene(seed=0, sources=(dog,)), Scene(seed=0, sources=(dog, dog))]})
    with pytest.raises(InputError, match="scene 1: has several sources or one that moves"):
        rephrase_scenes(scenes, tmp_path / "c", Asker(backend=None))

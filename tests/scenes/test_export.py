"""Scenes as shards: the same bytes however they came about, what cannot be had is left out, nothing is half-written."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pyarrow import parquet

from salm.acoustics.room import Room
from salm.errors import InputError
from salm.frame import SECTORS
from salm.scenes import export, shards
from salm.scenes.export import export_scenes
from salm.scenes.scene import Scene, Source
from salm.scenes.shards import ShardTask, write_shard
from salm.scenes.storage import SceneTable
from salm.scenes.workers import ProcessPool

SOUNDS = ("dog", "bell", "rain")
ROOM = Room(size_m=(4.0, 3.0, 2.5), absorption=[[0.5] * 8] * 6, microphone_m=(2.0, 1.5, 1.2))
RATE_HZ = 24_000


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three short sounds."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    for name in SOUNDS:
        samples = np.random.default_rng(len(name)).uniform(-1, 1, RATE_HZ // 4)
        soundfile.write(folder / f"{name}.wav", samples, RATE_HZ)
    rows = [f"{name}.wav,A {name}.,{split}" for name, split in zip(SOUNDS, ("train", "test", "test"), strict=True)]
    (folder / "manifest.csv").write_text("\n".join(["file,caption,split", *rows]), encoding="utf-8")
    return folder


def scene(number: int) -> Scene:
    """The first three are of the dog, the next of the bell, then the rain, and so on; every other one in a room."""
    sound_id = SOUNDS[number // 3 % 3]
    source = Source(
        sound_id=sound_id,
        caption=f"A {sound_id}.",
        azimuth_deg=float(15 * number % 360 - 180),
        elevation_deg=10.0,
        distance_m=0.5 + number / 50,
        gain_db=-20.0,
    )
    return Scene(seed=number, sources=(source,), room=ROOM if number % 2 else None)


Made = Callable[..., Path]


@pytest.fixture
def made(corpus: Path, scene_file: Callable[..., Path]) -> Made:
    def build(scenes: int | Sequence[Scene] = 8, name: str = "scenes.jsonl") -> Path:
        drawn = [scene(number) for number in range(scenes)] if isinstance(scenes, int) else scenes
        return scene_file(name, {"train": drawn[:3], "val": drawn[3:]}, corpus=str(corpus))

    return build


class Here:
    """Writes shards in this process, and keeps which."""

    def __init__(self, *, stop_after: int | None = None) -> None:
        self.written: list[int] = []
        self.stop_after = stop_after

    def __call__(self, tasks: Sequence[ShardTask]) -> Iterator[dict[str, Any]]:
        for task in tasks:
            if len(self.written) == self.stop_after:
                raise KeyboardInterrupt
            yield write_shard(task)
            self.written.append(task.number)


def content(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_the_folder_is_what_the_documentation_says(made: Made, tmp_path: Path) -> None:
    done = export_scenes(made(8), tmp_path / "out", shard_scenes=3, workers=Here())
    assert (done.out, done.shards, done.recordings, done.skipped) == (tmp_path / "out", 3, 8, ())
    shard_files = [f"00000{number}.{suffix}" for number in range(3) for suffix in ("json", "tar")]
    assert list(content(tmp_path / "out")) == [*shard_files, "export.json", "manifest.parquet"]


def test_the_manifest_has_every_recording_by_row(made: Made, tmp_path: Path) -> None:
    path = made(8)
    export_scenes(path, tmp_path / "out", shard_scenes=3, workers=Here())
    rows = parquet.read_table(tmp_path / "out" / "manifest.parquet").to_pylist()
    assert [row["row"] for row in rows] == list(range(8))
    for number, (row, drawn) in enumerate(zip(rows, SceneTable(path), strict=True)):
        (source,) = drawn.sources
        assert (row["shard"], row["key"]) == (f"{number // 3:06d}.tar", f"{number:08d}")
        assert row["split"] == ("train" if number < 3 else "val")
        assert (row["caption"], row["sound_id"]) == (source.caption, source.sound_id)
        assert (row["azimuth_deg"], row["elevation_deg"]) == (source.azimuth_deg, source.elevation_deg)
        assert (row["distance_m"], row["sector"]) == (source.distance_m, SECTORS[source.sector])
        assert row["room_size_m"] == (list(ROOM.size_m) if drawn.room else None)
        assert row["rt60_s"] == (ROOM.mid_rt60_s if drawn.room else None)
        assert (row["sources"], row["duration_s"], row["gain_db"]) == (1, 0.25, 0.0)


def test_any_number_of_workers_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    path = made(6)
    export_scenes(path, tmp_path / "here", shard_scenes=2, workers=Here())
    export_scenes(path, tmp_path / "two", shard_scenes=2, workers=ProcessPool(2))
    assert content(tmp_path / "two") == content(tmp_path / "here")


def test_an_interrupted_export_goes_on_and_renders_nothing_twice(made: Made, tmp_path: Path) -> None:
    path, out = made(8), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        export_scenes(path, out, shard_scenes=2, workers=Here(stop_after=2))
    assert not (out / "manifest.parquet").exists()
    (out / "000002.tar.0123abcd.part").write_bytes(b"half")
    rest = Here()
    export_scenes(path, out, shard_scenes=2, workers=rest)
    assert rest.written == [2, 3]
    export_scenes(path, tmp_path / "whole", shard_scenes=2, workers=Here())
    assert content(out) == content(tmp_path / "whole")
    again = Here()
    assert export_scenes(path, out, shard_scenes=2, workers=again).recordings == 8
    assert again.written == []


@pytest.mark.parametrize("damage", ["gone", "cut", "no record", "odd record"])
def test_a_shard_that_is_not_whole_is_rendered_again(made: Made, tmp_path: Path, damage: str) -> None:
    path, out = made(4), tmp_path / "out"
    export_scenes(path, out, shard_scenes=2, workers=Here())
    before = content(out)
    tar, record = out / "000001.tar", out / "000001.json"
    if damage == "gone":
        tar.unlink()
    elif damage == "cut":
        os.truncate(tar, 1000)
    elif damage == "no record":
        record.unlink()
    else:
        record.write_text("[]", encoding="utf-8")
    again = Here()
    export_scenes(path, out, shard_scenes=2, workers=again)
    assert again.written == [1]
    assert content(out) == before


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_interruption_is_one_line_and_leaves_nothing_half_written(made: Made, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "salm", "scenes", "export", str(made(200)), "-o", str(out), "--workers", "2"]
    command += ["--shard-scenes", "100"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    # A part of a shard, not of the record of the export, which is written first.
    while process.poll() is None and not [part for part in out.glob("*.part") if ".tar" in part.name]:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate()[1] == "salm: stopped.\n"
    assert process.returncode == 130
    assert list(content(out)) == ["export.json"]


@pytest.mark.parametrize("damage", ["corrupt", "missing"])
def test_a_sound_that_cannot_be_read_is_named_once(made: Made, corpus: Path, tmp_path: Path, damage: str) -> None:
    path, out, bell = made(9), tmp_path / "out", corpus / "bell.wav"
    sound = bell.read_bytes()
    bell.write_bytes(b"RIFF" + b"\xff" * 40) if damage == "corrupt" else bell.unlink()
    done = export_scenes(path, out, shard_scenes=4, workers=Here())
    assert (done.recordings, done.scenes_skipped) == (6, 3)
    (item,) = done.skipped
    assert (item.sound_id, item.rows) == ("bell", (3, 4, 5))
    assert item.reason == f"{corpus / 'manifest.csv'}, line 3: {bell} is no audio file that can be read."
    rows = parquet.read_table(out / "manifest.parquet").to_pylist()
    assert [row["row"] for row in rows] == [0, 1, 2, 6, 7, 8]
    # As long as it cannot be read nothing is tried again; once it can, the shards that lack it are.
    still = Here()
    assert export_scenes(path, out, shard_scenes=4, workers=still).skipped == done.skipped
    assert still.written == []
    bell.write_bytes(sound)
    mended = Here()
    assert export_scenes(path, out, shard_scenes=4, workers=mended).scenes_skipped == 0
    assert mended.written == [0, 1]
    export_scenes(path, tmp_path / "whole", shard_scenes=4, workers=Here())
    assert content(out) == content(tmp_path / "whole")


def test_a_scene_that_cannot_be_rendered_is_left_out(made: Made, tmp_path: Path) -> None:
    outside = Source(sound_id="dog", caption="A dog.", azimuth_deg=0.0, elevation_deg=0.0, distance_m=9.0)
    path = made([scene(0), Scene(seed=1, sources=(outside,), room=ROOM), scene(2)])
    done = export_scenes(path, tmp_path / "out", workers=Here())
    (item,) = done.skipped
    assert (done.recordings, item.sound_id, item.rows) == (2, None, (1,))
    assert "is outside the room" in item.reason


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = made(6), tmp_path / "out"
    written = 0
    write = shards._Hashed.write

    def full(file: Any, data: bytes) -> int:
        nonlocal written
        written += len(data)
        if written > 200_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(shards._Hashed, "write", full)
        with pytest.raises(InputError, match=r"00000\d\.tar cannot be written: No space left on device; ") as caught:
            export_scenes(path, out, shard_scenes=2, workers=Here())
    assert "\n" not in str(caught.value)
    left = content(out)
    assert "manifest.parquet" not in left
    assert not [name for name in left if name.endswith(".part")]
    assert len([name for name in left if name.endswith(".tar")]) < 3
    export_scenes(path, out, shard_scenes=2, workers=Here())
    export_scenes(path, tmp_path / "whole", shard_scenes=2, workers=Here())
    assert content(out) == content(tmp_path / "whole")


def test_a_folder_of_something_else_is_refused(made: Made, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(InputError, match="out holds something else than an export; give a new folder"):
        export_scenes(made(), tmp_path / "out", workers=Here())


def test_a_folder_of_other_scenes_is_refused(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = made(2), tmp_path / "out"
    export_scenes(path, out, shard_scenes=2, workers=Here())
    before = content(out)
    with pytest.raises(InputError, match="is the export of another file of scenes"):
        export_scenes(made(3, "other.jsonl"), out, shard_scenes=2, workers=Here())
    with pytest.raises(InputError, match="was begun with shards of another size than 1"):
        export_scenes(path, out, shard_scenes=1, workers=Here())
    monkeypatch.setattr(export, "version", lambda name: "99")
    with pytest.raises(InputError, match="was begun with other versions of the libraries"):
        export_scenes(path, out, shard_scenes=2, workers=Here())
    assert content(out) == before


def test_two_exports_do_not_write_into_one_folder(made: Made, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path, out = made(2), tmp_path / "out"

    def another(tasks: Sequence[ShardTask]) -> Iterator[dict[str, Any]]:
        with pytest.raises(InputError, match="another export is writing into"):
            export_scenes(path, out, workers=Here())
        yield from Here()(tasks)

    assert export_scenes(path, out, workers=another).recordings == 2


def test_shards_that_do_not_arrive_are_noticed(made: Made, tmp_path: Path) -> None:
    def elsewhere(tasks: Sequence[ShardTask]) -> Iterator[dict[str, Any]]:
        return ({"shard": task.tar.name} for task in tasks)

    with pytest.raises(InputError, match="give a folder that all machines share"):
        export_scenes(made(2), tmp_path / "out", workers=elsewhere)


def test_no_scenes_are_an_empty_table(made: Made, tmp_path: Path) -> None:
    done = export_scenes(made(0), tmp_path / "out", workers=Here())
    assert (done.shards, done.recordings) == (0, 0)
    table = parquet.read_table(tmp_path / "out" / "manifest.parquet")
    assert (len(table), table.column_names[:2]) == (0, ["row", "shard"])


def test_a_line_that_is_no_scene_ends_the_export(made: Made, tmp_path: Path) -> None:
    path = made(3)
    path.write_text(path.read_text(encoding="utf-8")[:-9] + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"scenes\.jsonl, line 4 is no JSON"):
        export_scenes(path, tmp_path / "out", workers=Here())


def test_a_missing_package_is_named(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r'an export needs pyarrow, not installed here; pip install "salm\[data\]"'):
        export_scenes(made(2), tmp_path / "out", workers=Here())
    assert not (tmp_path / "out").exists()


def test_a_shard_has_a_scene_or_more(made: Made, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shard_scenes is 0 but must be at least 1"):
        export_scenes(made(2), tmp_path / "out", shard_scenes=0, workers=Here())

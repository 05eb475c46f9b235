"""Without what the extras bring: the core works, and what needs one says in one line which to install."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from salm.audio.formats import encode_plane_wave
from salm.audio.recording import write
from salm.errors import InputError
from salm.extras import needed
from salm.scenes.make import make_scenes

ROOT = Path(__file__).resolve().parents[1]
MODULES = {"faiss-cpu": "faiss", "python-multipart": "python_multipart"}
"""Names by which packages are imported, where those are not the names by which they are installed."""

ALONE = """
import contextlib, io, json, sys

class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            return None
        return self.finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self.finder, name)

BLOCKED, runs = json.loads(sys.argv[1])
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
from salm.cli import main
said = []
for arguments in runs:
    error = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(error):
        status = main(arguments)
    said.append([status, error.getvalue()])
print(json.dumps([said, sorted(set(BLOCKED) & set(sys.modules))]))
"""


def blocked() -> list[str]:
    """Every module that an extra brings."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    packages = [one.partition(">")[0] for name, ones in extras.items() if name not in ("test", "lint") for one in ones]
    assert len(packages) > 10
    return [MODULES.get(package, package.replace("-", "_")) for package in packages]


def alone(*runs: list[str | Path], **environment: str) -> list[tuple[int, str]]:
    """Status and standard error of commands, one after the other in one process that has the core alone."""
    plain = json.dumps([blocked(), [list(map(str, run)) for run in runs]])
    done = subprocess.run(
        [sys.executable, "-c", ALONE, plain], capture_output=True, text=True, env=os.environ | environment, check=False
    )
    assert done.returncode == 0, done.stderr
    said, loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded == []
    return [(status, error) for status, error in said]


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    noise = 0.1 * np.random.default_rng(0).standard_normal(24_000).astype(np.float32)
    folder = tmp_path_factory.mktemp("takes")
    write(folder / "left.wav", encode_plane_wave(noise, 90.0), 24_000)
    return folder


def test_the_first_module_is_returned_and_the_others_are_asked_for() -> None:
    assert needed("json", "csv", extra="data", by="a test") is json
    with pytest.raises(InputError) as caught:
        needed("json", "no_such_module.inside", extra="data", by="a test")
    assert str(caught.value) == 'a test needs no_such_module, not installed here; pip install "salm[data]".'


def test_the_core_locates_searches_and_edits(takes: Path, tmp_path: Path) -> None:
    take, library, edited = takes / "left.wav", tmp_path / "library", tmp_path / "edited.wav"
    said = alone(
        ["locate", take],
        ["index", "add", takes, "--to", library],
        ["search", library, "noise from the left"],
        ["edit", take, "move it to the right", "-o", edited],
        ["scan", take, "-o", tmp_path / "events.csv"],
        ["doctor", take],
    )
    assert [status for status, _ in said] == [0] * 6, said
    assert edited.is_file()


def test_what_needs_an_extra_says_which(takes: Path, tmp_path: Path) -> None:
    library, scenes, matlab = tmp_path / "library", tmp_path / "scenes.jsonl", tmp_path / "matlab"
    make_scenes(scenes, count=1)
    library.mkdir()
    matlab.mkdir()
    for name in ("rirdata.mat", "rirs_01_bomb_shelter.mat"):
        (matlab / name).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    (tmp_path / "one.sofa").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    made = ["scenes", "make", "-o", tmp_path / "made.jsonl", "--responses"]
    runs: dict[str, list[list[str | Path]]] = {
        "app": [["serve", "--port", "0"]],
        "search": [["search", library, "noise", "--method", "faiss"], ["search", "http://localhost:9/takes", "noise"]],
        "export": [["export", "small", "-o", tmp_path / "onnx"]],
        "data": [
            ["scenes", "export", scenes, "-o", tmp_path / "shards"],
            ["scenes", "export", scenes, "-o", tmp_path / "shards", "--ray", "auto"],
            [*made, tmp_path / "one.sofa", "--responses-layout", "sofa"],
            [*made, matlab, "--responses-layout", "tau-srir"],
        ],
        "train": [["train", ROOT / "configs" / "procedural.yaml", "-o", tmp_path / "run"]],
    }
    flat = [(extra, run) for extra, several in runs.items() for run in several]
    said = alone(*(run for _, run in flat), WORLD_SIZE="2")
    for (extra, run), (status, error) in zip(flat, said, strict=True):
        assert (status, error.count("\n")) == (2, 1), (run, error)
        assert f'not installed here; pip install "salm[{extra}]".' in error, (run, error)
    for name in ("onnx", "shards", "made.jsonl", "run"):
        assert not (tmp_path / name).exists(), name

"""A writer that is killed at any moment, and readers beside one that writes."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the system has no SIGKILL")

# Each child kills itself at the next moment at which it opens, renames or removes something, until one comes through.
KILLED = """
import os, runpy, shutil, signal, sys
from pathlib import Path

toy = runpy.run_path(sys.argv[1])
from salm.library import adding, storage
from salm.library.index import Library

adding.FILES_A_PART, storage.MAX_PARTS = 1, 2
home = Path(sys.argv[2])
folder = toy["four_recordings"](home / "sounds")
model = toy["ToyModel"]()
left = {"at": None}


def moment(event, arguments):
    if left["at"] is None or event not in ("open", "os.rename", "os.remove"):
        return
    if str(home / "torn") in str(arguments[0]):
        if left["at"] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left["at"] -= 1


sys.addaudithook(moment)
# The library before: two of the files, of which one will have changed and one will be gone.
start = Library(home / "start")
os.rename(folder / "bell-left.flac", home / "bell")
start.add([folder / "dog-left.wav", folder / "dog-right.wav"], model)
os.rename(folder / "dog-right.wav", folder / "moved.wav")
toy["write"](folder / "dog-left.wav", toy["placed"]("horn", 0), 8000)
os.rename(home / "bell", folder / "bell-left.flac")


def found(library):
    return {(hit.file, hit.what) for hit in library.search("horn", model, limit=99).hits}


before = found(start)
shutil.copytree(home / "start", home / "whole")
Library(home / "whole").add(folder, model)
after = found(Library(home / "whole"))
possible = before | after
kills = saved = 0
while True:
    shutil.rmtree(home / "torn", ignore_errors=True)
    shutil.copytree(home / "start", home / "torn")
    child = os.fork()
    if not child:
        left["at"] = kills
        Library(home / "torn").add(folder, model)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == 0:
        break
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, status
    kills += 1
    reader = Library(home / "torn")
    assert found(reader) <= possible and len(found(reader)) >= 2, found(reader)
    model.heard.clear()
    reader.add(folder, model)
    saved += len(model.heard) < 3
    assert found(reader) == found(Library(home / "torn")) == after
    parts = {path.name.split(".")[0] for path in (home / "torn").glob("part-*")}
    assert parts == set(reader._backend.storage.manifest().parts), parts
print(kills, saved)
"""

READING = """
import os, runpy, sys
from pathlib import Path

toy = runpy.run_path(sys.argv[1])
from salm.library.index import Library

model, home = toy["ToyModel"](), Path(sys.argv[2])
reader, counts = Library(home / "library"), []
while not (home / "done").exists():
    hits = reader.search("dog", model, limit=99).hits
    assert all((hit.what > 0.9) == ("dog" in hit.file) for hit in hits), hits
    counts.append(len(hits))
    (home / f"ready-{os.getpid()}").touch()
    assert len({hit.file for hit in Library(home / "library").search("dog", model, limit=99).hits}) >= 1
print(len(counts), len(set(counts)), max(counts))
"""


def run(script: str, home: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", script, str(Path(__file__).with_name("conftest.py")), str(home)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_kill_at_any_moment_leaves_a_library_that_goes_on(tmp_path: Path) -> None:
    killed = run(KILLED, tmp_path)
    out, err = killed.communicate()
    assert killed.returncode == 0, err
    kills, saved = map(int, out.split())
    assert kills > 20
    assert saved > 5


def test_readers_beside_a_writer_see_whole_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model, toy) -> None:  # type: ignore[no-untyped-def]
    from salm.library import adding, storage
    from salm.library.index import Library

    monkeypatch.setattr(adding, "FILES_A_PART", 1)
    monkeypatch.setattr(storage, "MAX_PARTS", 2)
    folder = toy.four_recordings(tmp_path / "sounds")
    library = Library(tmp_path / "library")
    library.add(folder, model)
    readers = [run(READING, tmp_path) for _ in range(2)]
    while len(list(tmp_path.glob("ready-*"))) < 2 and all(reader.poll() is None for reader in readers):
        time.sleep(0.01)
    for number in range(4):
        (folder / "dog-left.wav").rename(folder / f"dog-{number}.wav")
        library.add(folder, model)
        (folder / f"dog-{number}.wav").rename(folder / "dog-left.wav")
        library.add(folder, model)
    (tmp_path / "done").touch()
    for reader in readers:
        out, err = reader.communicate()
        assert reader.returncode == 0, err
        searches, _, most = map(int, out.split())
        assert searches >= 1
        assert most <= 4

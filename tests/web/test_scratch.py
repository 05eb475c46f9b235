"""A server's temporary files are in one folder, which goes with the server or with the next one."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from salm.web.scratch import scratch_folder

# A server that is killed while it holds an upload.
KILLED = """
import os, signal, sys, tempfile
tempfile.tempdir = sys.argv[1]
from salm.web.scratch import scratch_folder
from salm.web.uploads import Upload
with scratch_folder():
    upload = Upload("take.wav")
    upload.path.write_bytes(b"half of it")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_everything_temporary_is_in_it_and_goes_with_it(place: Path) -> None:
    with scratch_folder() as folder:
        assert folder.parent == place
        assert folder.stat().st_mode & 0o077 == 0
        assert Path(tempfile.mkdtemp()).parent == folder
    assert tempfile.gettempdir() == str(place)
    assert not list(place.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no SIGKILL")
def test_what_a_killed_server_left_is_deleted_by_the_next(place: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(place)], check=False)
    (left,) = place.iterdir()
    assert list(left.glob("*/upload.wav"))
    with scratch_folder() as folder:
        assert list(place.iterdir()) == [folder]


def test_a_server_that_lives_keeps_its_own(place: Path) -> None:
    with scratch_folder() as first:
        # A lock within one process would let the same process in again.
        script = "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        script += "from salm.web.scratch import scratch_folder\nwith scratch_folder(): pass"
        subprocess.run([sys.executable, "-c", script, str(place)], check=True)
        assert list(place.iterdir()) == [first]


def test_what_others_laid_there_stays(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    mine = tmp_path_factory.mktemp("mine")
    (mine / "lock").touch()
    (mine / "take.wav").touch()
    (place / "salm-serve-link").symlink_to(mine)
    (place / "salm-serve-other").mkdir()
    (place / "salm-serve-file").touch()
    with scratch_folder():
        pass
    assert (mine / "take.wav").exists()
    assert {path.name for path in place.iterdir()} == {"salm-serve-link", "salm-serve-other", "salm-serve-file"}

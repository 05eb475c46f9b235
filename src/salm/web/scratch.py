"""Where a server keeps its temporary files: a folder of its own, which the next server deletes if it was killed.

The folder is locked as long as its server lives; the lock ends with the process, however that ends. It becomes visible
under its name when it is locked, so that no other server takes it for one that was left.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["scratch_folder"]

_PREFIX, _LOCK = "salm-serve-", "lock"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for everything temporary that this process makes meanwhile; what killed servers left is deleted."""
    place = Path(tempfile.gettempdir())
    _sweep(place)
    # Only for this user, as its name is.
    folder = Path(tempfile.mkdtemp(prefix=".salm-", dir=place))
    lock = FileLock(folder / _LOCK)
    before = tempfile.tempdir
    try:
        lock.acquire()
        folder = folder.rename(place / f"{_PREFIX}{folder.name.removeprefix('.salm-')}")
        tempfile.tempdir = str(folder)
        yield folder
    finally:
        tempfile.tempdir = before
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Delete the folders of this user's servers that are gone."""
    for folder in place.glob(f"{_PREFIX}*"):
        if not _is_own(folder) or not (folder / _LOCK).exists():
            continue
        lock = FileLock(folder / _LOCK, timeout=0)
        try:
            lock.acquire()
        except (Timeout, OSError):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _is_own(folder: Path) -> bool:
    """Whether it is a folder of this user, and not a link that somebody else has laid there."""
    about = folder.lstat()
    return stat.S_ISDIR(about.st_mode) and (not hasattr(os, "getuid") or about.st_uid == os.getuid())

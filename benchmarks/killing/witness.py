"""What a command did to files before it died, and dying at one such event."""

import mmap
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"})
_COUNT_BYTES = 8
_LATEST_BYTES = 248


class Witness:
    """What a command last did to files in a folder, in memory that outlives it: how many events, and the latest."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, _COUNT_BYTES + _LATEST_BYTES)

    def begin(self) -> None:
        self._shared[:] = bytes(len(self._shared))

    @property
    def count(self) -> int:
        return int.from_bytes(self._shared[:_COUNT_BYTES], "little")

    @property
    def latest(self) -> str:
        return self._shared[_COUNT_BYTES:].rstrip(b"\0").decode()

    def watch(self, folder: Path, at: int | None) -> None:
        """From now on, note what this process does there, and die at an event by its number."""
        process, inside = os.getpid(), f"{folder}{os.sep}"

        def note(event: str, arguments: tuple[Any, ...]) -> None:
            # A process that this one forks has the hook too.
            if event not in _EVENTS or os.getpid() != process or not f"{arguments[0]}".startswith(inside):
                return
            # Only opening to write: the second argument is the mode, the third the flags.
            if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
                return
            target = arguments[1] if event == "os.rename" else arguments[0]
            # A folder is asked for before each file in it, and mostly there.
            if event == "os.mkdir" and os.path.isdir(target):
                return
            latest = f"{event.removeprefix('os.')} {alike(Path(target).name)}".encode()[:_LATEST_BYTES]
            self._shared[_COUNT_BYTES:] = latest.ljust(_LATEST_BYTES, b"\0")
            if self.count == at:
                os.kill(process, signal.SIGKILL)
            self._shared[:_COUNT_BYTES] = (self.count + 1).to_bytes(_COUNT_BYTES, "little")

        sys.addaudithook(note)


def alike(name: str) -> str:
    """A name without the numbers and digests in which runs differ."""
    return re.sub(r"\d{6}(-[0-9a-f]{8})?(?=\.)|(?<=\.)[0-9a-f]{8}(?=\.part)", "*", name)

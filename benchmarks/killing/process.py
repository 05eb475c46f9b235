"""`python -m salm` as a process that can be waited for and killed, and the processes that it starts."""

import os
import runpy
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 300.0
LEAVING_S = 30.0
"""How long processes may take to notice that the one that started them is gone."""


@dataclass(frozen=True)
class Started:
    """A command at work, the first process of its group."""

    process: int
    output: Path

    def ended(self, within_s: float = PATIENCE_S) -> int | None:
        """Its exit status, negative for a signal; None if it is still at work after so long."""
        watched = select.poll()
        handle = os.pidfd_open(self.process)
        try:
            watched.register(handle, select.POLLIN)
            if not watched.poll(max(0.0, 1000 * within_s)):
                return None
        finally:
            os.close(handle)
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status)

    def succeed(self) -> None:
        """Leave it alone until it has ended well."""
        if (status := self.ended()) != 0:
            raise SystemExit(f"undisturbed it ends with {status}: {self.complaint()}")

    def complaint(self) -> str:
        return _errors(self.output).read_text(encoding="utf-8").strip()

    def kill(self, *, group: bool) -> None:
        (os.killpg if group else os.kill)(self.process, signal.SIGKILL)


def start(words: list[str], output: Path, *, prepare: Callable[[], None]) -> Started:
    """`python -m salm` with these words, forked from this process and prepared."""
    output.write_bytes(b"")
    process = os.fork()
    if process:
        os.setpgid(process, process)
        return Started(process, output)
    status = 70
    try:
        os.setpgid(0, 0)
        for stream, path in ((1, output), (2, _errors(output))):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        prepare()
        sys.argv[1:] = words
        runpy.run_module("salm", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # What this process would do at its end is not the command's.
        os._exit(status)


def start_anew(words: list[str], output: Path) -> Started:
    """The same in a new process."""
    with output.open("wb") as told, _errors(output).open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "salm", *words], stdout=told, stderr=errors, start_new_session=True
        )
    process.returncode = 0  # It is waited for by its number.
    return Started(process.pid, output)


def _errors(output: Path) -> Path:
    return Path(f"{output}.err")


def staying(groups: list[int]) -> list[int]:
    """The groups that have not left in time; they are killed."""
    deadline = time.monotonic() + LEAVING_S
    while (groups := [group for group in groups if _lives(group)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    for group in groups:
        os.killpg(group, signal.SIGKILL)
    return groups


def _lives(group: int) -> bool:
    """Whether a group has processes; those that only wait to be waited for do not count."""
    for about in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = about.read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            return True
    return False

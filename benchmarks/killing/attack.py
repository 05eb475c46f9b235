"""Kills one command, again and again, and compares."""

import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from killing.case import Case, Wrong
from killing.process import Started, start, start_anew, staying
from killing.witness import Witness, alike

COLD = 10
"""Every so manieth kill is of a new process, while it starts."""


class Attack:
    """Rounds, each in a new folder: a command is killed and started again until it comes to its end."""

    def __init__(self, case: Case, home: Path, rng: random.Random) -> None:
        self.case, self.rng = case, rng
        self.there, self.said = home / "there", home / "said"
        self.witness = Witness()
        self.phases: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.groups: list[int] = []

    def told(self, times: int) -> dict[str, Any]:
        """What comes of so many kills."""
        self._undisturbed()
        rounds = 0
        while self.kills < times:
            self._round(times)
            rounds += 1
        if left := staying(self.groups):
            self.wrong.append(f"{len(left)} commands left processes behind")
        return {
            "kills": self.kills,
            "rounds": rounds,
            "undisturbed_s": round(self.lasts_s, 2),
            "file_events": self.events,
            "phases": dict(self.phases.most_common()),
            "wrong": self.wrong,
        }

    @property
    def kills(self) -> int:
        return self.phases.total()

    def _undisturbed(self) -> None:
        began = time.perf_counter()
        out = self._fresh()
        self._start(out).succeed()
        self.lasts_s, self.events = time.perf_counter() - began, self.witness.count
        self.case.learn(out)
        self.expected = self.case.result(out)

    def _round(self, times: int) -> None:
        out = self._fresh()
        done = self.case.look(out)
        while self.kills < times:
            phase = self._killed(out)
            if phase is None:
                break
            self.phases[phase] += 1
            done = self._looked(out, done, phase)
        else:
            last = self._start(out)
            self._judge(last, last.ended())
        self._compare(out)

    def _fresh(self) -> Path:
        # The path is the same in all rounds, since some files tell it.
        shutil.rmtree(self.there, ignore_errors=True)
        self.there.mkdir()
        out = self.there / "out"
        self.case.begin(out)
        return out

    def _start(self, out: Path, at: int | None = None) -> Started:
        def prepare() -> None:
            self.case.prepare()
            self.witness.watch(self.there, at)

        self.witness.begin()
        self.began_ns = time.time_ns()
        return self._noted(start(self.case.words(out), self.said, prepare=prepare))

    def _noted(self, started: Started) -> Started:
        self.groups.append(started.process)
        return started

    def _killed(self, out: Path) -> str | None:
        """Where a command was killed; None if it came to its end before that."""
        if self.kills % COLD == COLD - 1:
            started = self._noted(start_anew(self.case.words(out), self.said))
            status = started.ended(self.rng.uniform(0, 1.0))
            phase = "while Python starts"
        elif self.kills % 2:
            started = self._start(out, at=self.rng.randrange(self.events))
            status = started.ended()
            phase = f"at {self.witness.latest}"
        else:
            started = self._start(out)
            status = started.ended(self.rng.uniform(0, 1.1 * self.lasts_s))
            phase = self._after(out)
        if status is None:
            started.kill(group=self.rng.random() < 0.5)
            status = started.ended()
        if status == -signal.SIGKILL:
            return phase
        self._judge(started, status)
        return None

    def _after(self, out: Path) -> str:
        """Where a command is, by the clock."""
        # Not what an earlier kill left.
        written = [path for path in out.glob("*.part") if _changed_ns(path) >= self.began_ns]
        if parts := sorted(alike(path.name) for path in written):
            return f"while {parts[0].removesuffix('.part').removesuffix('.*')} is written"
        latest = self.witness.latest
        return f"after {latest}" if latest else "before the first file"

    def _judge(self, started: Started, status: int | None) -> None:
        if status != 0:
            self.wrong.append(f"started again it ends with {status}: {started.complaint()[-300:]}")

    def _looked(self, out: Path, before: int, phase: str) -> int:
        try:
            done = self.case.look(out)
            if done < before:
                raise Wrong(f"{before} were done, and now {done}")
        except Wrong as error:
            self.wrong.append(f"killed {phase}: {error}")
            return before
        # What a command says, it says at its end.
        if self.said.stat().st_size:
            self._compare(out)
        return done

    def _compare(self, out: Path) -> None:
        try:
            found = self.case.result(out)
        except (Wrong, OSError, ValueError) as error:
            self.wrong.append(f"in the end: {error}")
            return
        if found != self.expected:
            names = [name for name in {*found, *self.expected} if found.get(name) != self.expected.get(name)]
            self.wrong.append(f"in the end {', '.join(sorted(names))} differ from the undisturbed run")


def _changed_ns(path: Path) -> int:
    """Zero if it has gone since it was seen."""
    return path.stat().st_mtime_ns if path.exists() else 0

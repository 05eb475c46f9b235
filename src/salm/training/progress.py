"""How fast a run goes, for its log and for people: a bar in a terminal, a line every so often elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO, TypeVar

from tqdm import tqdm

__all__ = ["Pace", "Progress"]

T = TypeVar("T")

LINE_S = 30.0
"""Seconds from line to line where there is no terminal."""


class Pace:
    """Speed since it was last asked for, apart from validation and checkpoints.

    Parameters
    ----------
    clips
        In a step, over all processes.
    """

    def __init__(self, clips: int) -> None:
        self.clips = clips
        self._waited_s, self._worked_s, self._steps = 0.0, 0.0, 0

    def waiting(self, batches: Iterable[T]) -> Iterator[T]:
        """The batches; while they are not there yet, the run waits."""
        iterator = iter(batches)
        while True:
            begun = time.perf_counter()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            self._waited_s += time.perf_counter() - begun
            yield batch

    @contextmanager
    def working(self) -> Iterator[None]:
        """A context in which a step is done."""
        begun = time.perf_counter()
        yield
        self._worked_s += time.perf_counter() - begun
        self._steps += 1

    def taken(self) -> dict[str, float]:
        """Clips a second, and the share of the time that was spent on waiting for clips; then it counts anew."""
        elapsed_s = max(self._waited_s + self._worked_s, 1e-9)
        found = {"clips_s": self.clips * self._steps / elapsed_s, "waiting": self._waited_s / elapsed_s}
        self._waited_s, self._worked_s, self._steps = 0.0, 0.0, 0
        return {name: round(value, 3) for name, value in found.items()}


class Progress:
    """How far a run is, on standard error.

    Parameters
    ----------
    start, steps
        Steps that were done before, and in all.
    clips
        In a step.
    quiet
        Say nothing: another process does.
    """

    def __init__(self, *, start: int, steps: int, clips: int, quiet: bool, stream: TextIO | None = None) -> None:
        self.start, self.done, self.steps, self.clips = start, start, steps, clips
        self.stream = stream or sys.stderr
        in_terminal = self.stream.isatty()
        self._bar = tqdm(
            total=steps, initial=start, unit="step", file=self.stream, disable=quiet or not in_terminal, leave=True
        )
        self._lines = not quiet and not in_terminal
        self._begun = self._said = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def step(self, record: Mapping[str, float]) -> None:
        """One more step is done, and its record is this."""
        self.done += 1
        self._bar.set_postfix_str(", ".join(self._figures(record)), refresh=False)
        self._bar.update()
        now = time.monotonic()
        if self._lines and (now - self._said >= LINE_S or self.done == self.steps):
            self._said = now
            self.stream.write(f"step {self.done} of {self.steps}: {', '.join(self._figures(record))}, {self._left()}\n")
            self.stream.flush()

    def _figures(self, record: Mapping[str, float]) -> Iterator[str]:
        yield f"loss {record['loss']:.3f}"
        if "angle_deg" in record:
            yield f"{record['angle_deg']:.1f}° off"
        yield f"{self.clips / self._step_s():.1f} clips/s"

    def _step_s(self) -> float:
        return max(time.monotonic() - self._begun, 1e-9) / max(self.done - self.start, 1)

    def _left(self) -> str:
        left_s = round(self._step_s() * (self.steps - self.done))
        hours, minutes, seconds = left_s // 3600, left_s // 60 % 60, left_s % 60
        return f"{hours}:{minutes:02}:{seconds:02} left"

"""Speed and progress by a clock that the tests turn."""

import io

import pytest

from salm.training import progress
from salm.training.progress import Pace, Progress


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now

    monotonic = perf_counter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def test_waiting_and_working_are_told_apart(clock: Clock) -> None:
    def batches():
        for _ in range(4):
            clock.now += 1.0
            yield "batch"

    pace = Pace(clips=8)
    for _ in pace.waiting(batches()):
        with pace.working():
            clock.now += 3.0
        # Validation: neither.
        clock.now += 50.0
    assert pace.taken() == {"clips_s": 2.0, "waiting": 0.25}
    assert pace.taken()["clips_s"] == 0.0


def run(stream: io.StringIO, clock: Clock, *, start: int = 0, quiet: bool = False) -> None:
    with Progress(start=start, steps=10, clips=8, quiet=quiet, stream=stream) as shown:
        for _ in range(start, 10):
            clock.now += 20.0
            shown.step({"loss": 1.25, "angle_deg": 7.0})


def test_without_a_terminal_there_is_a_line_every_so_often(clock: Clock) -> None:
    stream = io.StringIO()
    run(stream, clock)
    lines = stream.getvalue().splitlines()
    # Every 30 s, which is every second step of 20 s, and the last.
    assert [line.split(":")[0] for line in lines] == [f"step {step} of 10" for step in (2, 4, 6, 8, 10)]
    assert lines[0] == "step 2 of 10: loss 1.250, 7.0° off, 0.4 clips/s, 0:02:40 left"
    assert lines[-1].endswith("0:00:00 left")


def test_steps_of_an_earlier_start_do_not_count_for_the_speed(clock: Clock) -> None:
    stream = io.StringIO()
    run(stream, clock, start=6)
    assert stream.getvalue().splitlines()[0] == "step 8 of 10: loss 1.250, 7.0° off, 0.4 clips/s, 0:00:40 left"


def test_in_a_terminal_there_is_a_bar(clock: Clock) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    run(stream, clock)
    assert "10/10" in stream.getvalue()
    assert "loss 1.250" in stream.getvalue()
    assert "step 2 of 10" not in stream.getvalue()


def test_only_one_process_talks(clock: Clock) -> None:
    stream = io.StringIO()
    run(stream, clock, quiet=True)
    assert stream.getvalue() == ""

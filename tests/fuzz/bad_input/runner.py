"""Cases by the thousand in processes of their own, so that one that hangs or dies is found, named, and written down."""

import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings

from bad_input.outcome import WALL_S, Case, Outcome, limited, outcome_of
from bad_input.surfaces import CASES, SURFACES

__all__ = ["Batch", "Told", "batches", "drawn", "run"]

BATCH = 50


class Batch(NamedTuple):
    """Some cases of a surface, drawn by a seed of their own."""

    surface: str
    seed: int
    cases: int


class Told(NamedTuple):
    """What came of one case."""

    surface: str
    outcome: Outcome
    case: Path | None
    """Where a failing one was written down."""


def batches(surface: str, *, cases: int, seed: int) -> list[Batch]:
    """So many cases of a surface."""
    starts = range(0, cases, BATCH)
    return [Batch(surface, 1_000_000 * seed + start, min(BATCH, cases - start)) for start in starts]


def drawn(batch: Batch) -> list[Case]:
    """The cases of a batch; the same batch is the same cases."""
    cases: list[Case] = []
    quiet = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}

    @seed(batch.seed)
    @settings(max_examples=batch.cases, phases=[Phase.generate], **quiet)
    @given(CASES[batch.surface])
    def collect(case: Case) -> None:
        cases.append(case)

    collect()
    return cases[: batch.cases]


@dataclass(eq=False)
class _Running:
    batch: Batch
    process: ForkProcess
    current: Path
    since: float
    done: int = 0


def run(todo: Sequence[Batch], *, failures: Path, workers: int = 1) -> Iterator[Told]:
    """Feed cases in so many processes at once; failing ones are written to a folder.

    A process that ends, or that cannot be interrupted, is one failure, and the rest of its batch is not fed.
    """
    waiting, running = list(todo), dict[Connection, _Running]()
    while waiting or running:
        while waiting and len(running) < workers:
            said, one = _started(waiting.pop(0), failures)
            running[said] = one
        for ready in wait(list(running), timeout=1.0):
            one = running[ready]
            try:
                outcome = ready.recv()
            except EOFError:
                one.process.join()
                del running[ready]
                if one.process.exitcode:
                    yield _told(one, Outcome(kind="failure", said=f"the process ended with {one.process.exitcode}"))
                shutil.rmtree(one.current, ignore_errors=True)
                continue
            yield _told(one, outcome)
            one.done, one.since = one.done + 1, time.monotonic()
        for said, one in list(running.items()):
            if time.monotonic() - one.since > 3 * WALL_S:
                one.process.kill()
                del running[said]
                yield _told(one, Outcome(kind="failure", said="it hangs and cannot be interrupted"))


def _started(batch: Batch, failures: Path) -> tuple[Connection, _Running]:
    # A fork need not load anything anew.
    context = multiprocessing.get_context("fork")
    said, say = context.Pipe(duplex=False)
    current = failures / f"running-{batch.surface}-{batch.seed}"
    process = context.Process(target=_feed, args=(batch, current, say), daemon=True)
    process.start()
    say.close()
    return said, _Running(batch, process, current, time.monotonic())


def _told(one: _Running, outcome: Outcome) -> Told:
    if outcome.kind != "failure":
        return Told(one.batch.surface, outcome, None)
    kept = one.current.with_name(f"{one.batch.surface}-{one.batch.seed}-{one.done}")
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    case = one.current / str(one.done)
    if case.is_dir():
        shutil.copytree(case, kept, dirs_exist_ok=True)
    (kept / "outcome.json").write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    return Told(one.batch.surface, outcome, kept)


def _feed(batch: Batch, current: Path, say: Connection) -> None:
    # What libraries in C write goes nowhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        cases = drawn(batch)
    except Exception as error:
        say.send(Outcome(kind="failure", said=f"no cases can be drawn: {error!r}"))
        os._exit(0)
    with limited():
        for number, case in enumerate(cases):
            case.save(current / str(number))
            outcome = outcome_of(case, SURFACES[case.surface])
            if outcome.kind != "failure":
                shutil.rmtree(current / str(number))
            say.send(outcome)
    say.close()
    os._exit(0)

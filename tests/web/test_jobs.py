"""Jobs go on step by step, let others in between, end, fail, and are stopped."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import pytest

from salm.errors import InputError
from salm.web.jobs import FAULT, Job, Jobs, TooManyJobs
from salm.web.scanning import Progress
from salm.web.worker import Worker

Steps = Generator[Progress, None, dict[str, Any]]


def counting(count: int, *, seen: list[int] | None = None) -> Steps:
    for number in range(1, count + 1):
        if seen is not None:
            seen.append(number)
        yield Progress(number, count)
    return {"count": count}


def failing(error: Exception) -> Steps:
    yield Progress(1, 2)
    raise error


async def ended(job: Job) -> Job:
    while not job.is_finished:
        await asyncio.sleep(0)
    return job


def test_a_job_goes_through_and_lets_go() -> None:
    async def story() -> tuple[Job, list[str]]:
        let_go: list[str] = []
        held = ExitStack()
        held.callback(let_go.append, "file")
        jobs = Jobs(Worker(), most=1, remembered=4)
        job = await ended(jobs.start(counting(3), held))
        await jobs.close()
        return job, let_go

    job, let_go = asyncio.run(story())
    assert (job.state, job.done_s, job.total_s, job.result) == ("done", 3, 3, {"count": 3})
    assert let_go == ["file"]


@pytest.mark.parametrize(("error", "said"), [(InputError("it is empty."), "it is empty."), (RuntimeError("x"), FAULT)])
def test_a_job_that_fails_says_why(error: Exception, said: str) -> None:
    async def story() -> Job:
        jobs = Jobs(Worker(), most=1, remembered=4)
        return await ended(jobs.start(failing(error), ExitStack()))

    job = asyncio.run(story())
    assert (job.state, job.error, job.done_s) == ("failed", said, 1)


def test_a_job_stops_between_two_steps() -> None:
    async def story() -> tuple[Job, int]:
        seen: list[int] = []
        jobs = Jobs(Worker(), most=1, remembered=4)
        job = jobs.start(counting(10**9, seen=seen), ExitStack())
        while not seen:
            await asyncio.sleep(0)
        jobs.cancel(job.id)
        await jobs.close()
        return job, len(seen)

    job, steps = asyncio.run(story())
    assert job.state == "cancelled"
    assert steps < 10**9


def test_a_job_that_waits_is_cancelled_without_a_step() -> None:
    async def story() -> tuple[Job, list[int], list[str]]:
        worker, seen, let_go = Worker(), list[int](), list[str]()
        busy = threading.Event()
        first = asyncio.create_task(worker.run(busy.wait))
        jobs = Jobs(worker, most=1, remembered=4)
        held = ExitStack()
        held.callback(let_go.append, "file")
        job = jobs.start(counting(3, seen=seen), held)
        await asyncio.sleep(0)
        jobs.cancel(job.id)
        busy.set()
        await first
        await jobs.close()
        return job, seen, let_go

    job, seen, let_go = asyncio.run(story())
    assert (job.state, seen, let_go) == ("cancelled", [], ["file"])


def test_others_are_served_between_the_steps() -> None:
    async def story() -> str:
        worker = Worker()
        jobs = Jobs(worker, most=1, remembered=4)
        job = jobs.start(counting(10**9), ExitStack())
        answer = await worker.run(lambda: "served")
        assert not job.is_finished
        await jobs.close()
        return answer

    assert asyncio.run(story()) == "served"


def test_there_are_only_so_many() -> None:
    async def story() -> None:
        jobs = Jobs(Worker(), most=2, remembered=1)
        running = [jobs.start(counting(10**9), ExitStack()) for _ in range(2)]
        with pytest.raises(TooManyJobs, match="2 scans run or wait"):
            jobs.start(counting(1), ExitStack())
        jobs.cancel(running[0].id)
        jobs.cancel(running[1].id)
        third = jobs.start(counting(1), ExitStack())
        with pytest.raises(KeyError):
            jobs.get(running[0].id)
        await ended(third)
        await jobs.close()

    asyncio.run(story())

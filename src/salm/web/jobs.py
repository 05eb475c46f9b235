"""Work that takes long: started, asked about, stopped.

A job is a generator. Each of its steps takes its turn in the one queue, as requests do: nobody waits for a whole job,
and between two steps it can be stopped. There is no time limit; what nobody wants any more is cancelled.
"""

import asyncio
import logging
import secrets
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

from salm.errors import InputError
from salm.web.scanning import Progress
from salm.web.worker import Worker

__all__ = ["Job", "Jobs", "TooManyJobs"]

log = logging.getLogger(__name__)

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Steps = Generator[Progress, None, dict[str, Any]]

FAULT = "something went wrong here that is no fault of yours; the server's own output says what."


class TooManyJobs(Exception):  # noqa: N818
    """As many jobs as there may be are not finished."""


@dataclass(eq=False)
class Job:
    """One scan."""

    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: State = "waiting"
    done_s: float = 0.0
    total_s: float | None = None
    result: dict[str, Any] | None = None
    error: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will change."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody stopped it, which may happen during any step."""
        return self.state == "cancelled"

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        return dict(vars(self))


class Jobs:
    """All jobs of a server.

    Parameters
    ----------
    most
        Jobs that may be unfinished at once.
    remembered
        Finished jobs whose results can still be asked for.
    """

    def __init__(self, worker: Worker, *, most: int, remembered: int) -> None:
        self._worker, self._most, self._remembered = worker, most, remembered
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def check_room(self) -> None:
        """Refuse another job if there are too many.

        Raises
        ------
        TooManyJobs
            If so.
        """
        unfinished = sum(not job.is_finished for job in self._jobs.values())
        if unfinished >= self._most:
            raise TooManyJobs(f"{unfinished} scans run or wait; wait for one of them, or cancel it.")

    def start(self, steps: Steps, held: ExitStack) -> Job:
        """Start a job; what is held is let go when it ends.

        Raises
        ------
        TooManyJobs
            If there are as many as there may be.
        """
        self.check_room()
        finished = [key for key, job in self._jobs.items() if job.is_finished]
        for key in finished[: max(0, len(finished) - self._remembered + 1)]:
            del self._jobs[key]
        job = Job()
        self._jobs[job.id] = job
        task = asyncio.create_task(self._drive(job, steps, held))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def get(self, key: str) -> Job:
        """A job by its id.

        Raises
        ------
        KeyError
            If there is none.
        """
        return self._jobs[key]

    def cancel(self, key: str) -> Job:
        """Stop a job: after the step that is at work, before one that waits; a finished job stays as it is."""
        job = self.get(key)
        if not job.is_finished:
            job.state = "cancelled"
        return job

    async def close(self) -> None:
        """Stop all."""
        for key in self._jobs:
            self.cancel(key)
        await asyncio.gather(*self._tasks)

    async def _drive(self, job: Job, steps: Steps, held: ExitStack) -> None:
        with held:
            try:
                while not job.is_cancelled:
                    progress, result = await self._worker.run(lambda: _next(job, steps))
                    if job.is_cancelled:
                        break
                    job.state = "running"
                    if progress is None:
                        job.state, job.result = "done", result
                        break
                    job.done_s, job.total_s = progress
            except InputError as error:
                job.state, job.error = "failed", str(error)
            except Exception:
                log.exception("a scan failed")
                job.state, job.error = "failed", FAULT
            finally:
                steps.close()


def _next(job: Job, steps: Steps) -> tuple[Progress | None, dict[str, Any] | None]:
    """The next step, or the result; nothing if the job was cancelled while the step waited for its turn."""
    if job.is_cancelled:
        return None, None
    try:
        return next(steps), None
    except StopIteration as stop:
        return None, stop.value

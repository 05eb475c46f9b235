"""Who writes shards: processes of this machine, or a Ray cluster. Both do the same work on one thread each."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from salm.errors import InputError
from salm.extras import needed
from salm.scenes.shards import ShardTask, write_shard

__all__ = ["ProcessPool", "RayCluster", "Workers"]

# The last bits of a matrix product may depend on how many threads share it.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_LOST = "a worker was lost, perhaps for want of memory; take fewer workers, and start again to go on."


class Workers(Protocol):
    """Writes shards in any order."""

    def __call__(self, tasks: Sequence[ShardTask]) -> Iterator[dict[str, Any]]:
        """Record of each shard when it is finished.

        Raises
        ------
        salm.errors.InputError
            If a shard cannot be written; those that are finished stay.
        """


class ProcessPool:
    """Processes of this machine. They end when the process that started them is killed.

    Parameters
    ----------
    workers
        How many; None is one for each processor.

    Raises
    ------
    InputError
        If there are fewer than one.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = (os.cpu_count() or 1) if workers is None else workers
        if self.workers < 1:
            raise InputError(f"workers is {workers} but must be at least 1.")

    def __call__(self, tasks: Sequence[ShardTask]) -> Iterator[dict[str, Any]]:
        """Record of each shard when it is finished."""
        # A fork would copy locks that other threads hold, and none of the threads.
        context = multiprocessing.get_context("spawn")
        # Only this process holds the end that says so: it closes however this process ends, and workers go with it.
        # The pool's own queue would let them wait forever.
        told, stop = context.Pipe(duplex=False)
        workers = min(self.workers, max(1, len(tasks)))
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_when_told, initargs=(told,))
        with told, stop:
            try:
                with _for_new_processes():
                    futures = [pool.submit(write_shard, task) for task in tasks]
                for future in as_completed(futures):
                    yield future.result()
                pool.shutdown()
            except BrokenProcessPool as error:
                raise InputError(_LOST) from error
            finally:
                stop.close()
                pool.shutdown(cancel_futures=True)


class RayCluster:
    """A Ray cluster, whose machines must share the folders of the scenes, the sounds and the shards.

    Parameters
    ----------
    address
        ``auto`` is the cluster that this machine belongs to, ``local`` a new one on this machine alone.

    Raises
    ------
    InputError
        If Ray is not installed, or when it is used, if there is no such cluster.
    """

    def __init__(self, address: str = "auto") -> None:
        self.address = address
        self._ray = needed("ray", extra="data", by="a Ray cluster")

    def __call__(self, tasks: Sequence[ShardTask]) -> Iterator[dict[str, Any]]:
        """Record of each shard when it is finished."""
        ray = self._ray
        was_there = ray.is_initialized()
        if not was_there:
            try:
                ray.init(address=self.address, log_to_driver=False, logging_level="error")
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise InputError(
                    f"there is no Ray cluster at {self.address!r}; start one with `ray start --head`."
                ) from error
        try:
            # A task of one processor is one thread: Ray itself sets OMP_NUM_THREADS by num_cpus.
            write = ray.remote(num_cpus=1)(write_shard)
            pending = [write.remote(task) for task in tasks]
            while pending:
                (done,), pending = ray.wait(pending, num_returns=1)
                yield ray.get(done)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, InputError):
                raise error.cause from error
            raise
        except ray.exceptions.WorkerCrashedError as error:
            raise InputError(_LOST) from error
        finally:
            if not was_there:
                ray.shutdown()


@contextmanager
def _for_new_processes() -> Iterator[None]:
    """What processes that are started meanwhile inherit: one thread each, which libraries decide when they are loaded.

    And deaf ears for the interruption of a command, which reaches its workers too: the command tells them.
    """
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _end_when_told(told: Connection) -> None:
    threading.Thread(target=_leave_when_closed, args=(told,), daemon=True).start()


def _leave_when_closed(told: Connection) -> None:
    wait([told])
    os._exit(1)

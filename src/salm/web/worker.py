"""The one thread in which everything is read and computed, one thing after the other in the order it was asked for.

So no more than one recording is in memory at a time, and answers are those of the commands, bit for bit.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["Worker"]

T = TypeVar("T")


class Worker:
    """A queue with one thread behind it."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="salm-worker")

    async def run(self, call: Callable[[], T]) -> T:
        """What a call returns, when its turn has come."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def close(self) -> None:
        """Finish what is at work, forget what waits."""
        self._executor.shutdown(wait=True, cancel_futures=True)

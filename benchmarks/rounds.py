"""Interleaved rounds in one process, and what their ratios say."""

import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from salm.evaluation.intervals import Figure, quantile

WARM_UP = 2

Result = TypeVar("Result")


def interleaved_ms(jobs: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, np.ndarray]:
    """Milliseconds of every job in every round; each round runs all jobs once, after two that do not count."""
    times_ms: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(WARM_UP + rounds):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if turn >= WARM_UP:
                times_ms[name].append(1000 * (time.perf_counter() - start))
    return {name: np.array(values) for name, values in times_ms.items()}


def cpu_ms(job: Callable[[], Result]) -> tuple[float, Result]:
    """Milliseconds of processor time that a job takes, all threads together, and what it returns.

    What others do on the machine is not in it, except that they share its caches.
    """
    start = time.process_time()
    result = job()
    return 1000 * (time.process_time() - start), result


def ratio(above_ms: np.ndarray, below_ms: np.ndarray) -> dict[str, float]:
    """Median of the ratios round by round, with the bounds of its 95 % bootstrap interval."""
    figure = Figure(above_ms / below_ms, quantile(0.5))
    low, high = figure.interval()
    return {"median": round(figure.value, 3), "low": round(low, 3), "high": round(high, 3)}


def processor() -> str:
    """What the processor calls itself."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def medians(times_ms: Mapping[str, np.ndarray], *, digits: int = 1) -> dict[str, float]:
    """Median of the rounds of every job."""
    return {name: round(float(np.median(values)), digits) for name, values in times_ms.items()}

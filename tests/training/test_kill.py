"""A run that is killed again and again, wherever it happens to be, ends with the bits of one that is left alone."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("killed_process.py")
CLOCK = ("time_s", "clips_s", "waiting")
PATIENCE_S = 300


def started(out: Path) -> subprocess.Popen[bytes]:
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    # Threads that spin while they wait take the processor from whoever they wait for.
    environment["OMP_WAIT_POLICY"] = "passive"
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(out)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def finished(out: Path) -> None:
    assert started(out).wait(timeout=PATIENCE_S) == 0


def logged(out: Path) -> list[dict[str, Any]]:
    """The whole lines of a log, without what the clock says."""
    path = out / "log.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [{name: value for name, value in line.items() if name not in CLOCK} for line in lines]


def killed_after(out: Path, step: int, delay_s: float) -> int:
    """Kill a run a moment after a step is logged; the last step that it logged."""
    process = started(out)
    deadline = time.monotonic() + PATIENCE_S
    while max((line["step"] for line in logged(out)), default=0) < step:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return max(line["step"] for line in logged(out))


def test_killed_wherever_it_is_a_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finished(whole)
    chance = random.Random(7)
    # Before the first checkpoint, soon after one, and between the others.
    reached = [killed_after(killed, step, chance.uniform(0, 0.3)) for step in (2, chance.randint(5, 6), 8)]
    assert not (killed / "model.safetensors").exists()
    assert reached[0] < reached[-1] < 13
    finished(killed)
    for name in ("model.safetensors", "checkpoint.safetensors", "best.safetensors", "config.json"):
        hashes = {hashlib.sha256((folder / name).read_bytes()).hexdigest() for folder in (whole, killed)}
        assert len(hashes) == 1, name
    assert logged(killed) == logged(whole)
    assert len([line for line in logged(whole) if "loss" in line]) == 13
    assert not list(killed.glob("*.part"))

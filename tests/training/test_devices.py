"""Two processes find the loss and the gradients that one finds, at once and in micro-batches."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from salm.training.devices import OneProcess, open_devices

SCRIPT = Path(__file__).with_name("toy_process.py")
Results = dict[str, np.ndarray]


def run_processes(out: Path, count: int) -> list[Results]:
    """The results of so many processes that know of each other through gloo."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = []
    for rank in range(count):
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
        environment = os.environ | {key: str(value) for key, value in (place | address).items()}
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(out)], env=environment, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
    for process in running:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    return [dict(np.load(f"{out}-{rank}-of-{count}.npz")) for rank in range(count)]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Results]]:
    """What one process says, and what two say."""
    out = tmp_path_factory.mktemp("gloo") / "toy"
    return {count: run_processes(out, count) for count in (1, 2)}


def assert_equal(found: Results, expected: Results) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert value.dtype == np.float64
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_two_processes_find_what_one_finds(results: dict[int, list[Results]]) -> None:
    (alone,), together = results[1], results[2]
    # Every weight has a gradient, and none is nothing.
    gradients = {name: value for name, value in alone.items() if "/loss/" not in name}
    assert len(gradients) == 3 * 22
    assert all(np.abs(value).max() > 1e-8 for value in gradients.values())
    for found in together:
        # Of the log, the median angle is each process's own.
        terms = {name for name in alone if not name.endswith("angle_deg")}
        assert_equal({name: found[name] for name in terms}, {name: alone[name] for name in terms})


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("micro", [3, 1])
def test_micro_batches_change_nothing(results: dict[int, list[Results]], count: int, micro: int) -> None:
    for found in results[count]:
        whole = {name.removeprefix("None/"): value for name, value in found.items() if name.startswith("None/")}
        pieces = {
            name.removeprefix(f"{micro}/"): value for name, value in found.items() if name.startswith(f"{micro}/")
        }
        assert_equal(pieces, whole)


def test_a_run_by_itself_needs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    devices = open_devices("cpu")
    assert isinstance(devices, OneProcess)
    assert (devices.rank, devices.count, devices.is_first) == (0, 1, True)
    own = torch.randn(3, 2)
    assert devices.gathered(own) is own
    devices.wait()

"""Five kills of each command that writes, as `benchmarks/kill.py` does them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "kill.py"

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="processes are waited for as Linux does"),
    pytest.mark.skipif(not SCRIPT.exists(), reason="benchmarks are not in this distribution"),
]


@pytest.mark.parametrize("what", ["train", "export", "index", "edit", "scan", "serve"])
def test_what_is_killed_goes_on_to_the_same_end(what: str) -> None:
    words = [sys.executable, str(SCRIPT), "--what", what, "--times", "5", "--seed", "1"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    command = json.loads(done.stdout.splitlines()[-1])["commands"][what]
    assert command["wrong"] == []
    assert sum(command["phases"].values()) == command["kills"] == 5
    assert done.returncode == 0

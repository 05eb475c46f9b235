"""The locked file of continuous integration: every pinned version has hashes, and nothing else is installed there."""

import os
import re
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# torch's build differs by machine, salm is this folder, and the others came with the environment.
UNLOCKED = {"torch", "salm", "pip", "setuptools"}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {normalised(name): version for name, version in pairs}


def locked() -> dict[str, tuple[str, list[str]]]:
    entries = re.sub(r" \\\n *", " ", (ROOT / "locked.txt").read_text(encoding="utf-8")).splitlines()
    split = [entry.split(" --hash=sha256:") for entry in entries if not entry.startswith("#")]
    pairs = [(entry[0].split("=="), entry[1:]) for entry in split]
    return {normalised(name): (version, hashes) for (name, version), hashes in pairs}


def test_what_is_pinned_is_locked_at_the_same_version() -> None:
    # After a change of constraints.txt, tools/lock.sh writes the other file.
    versions = {name: version for name, (version, _) in locked().items()}
    assert versions == {name: version for name, version in pinned().items() if name != "torch"}


def test_every_file_has_a_whole_hash() -> None:
    for name, (_, hashes) in locked().items():
        assert hashes, name
        assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in hashes), name


@pytest.mark.skipif("SALM_LOCKED" not in os.environ, reason="only .ci/run installs what is locked and nothing else")
def test_nothing_is_installed_that_is_not_locked() -> None:
    installed = {normalised(one.name): one.version for one in distributions()}
    versions = {name: version for name, (version, _) in locked().items()}
    others = {name: version for name, version in installed.items() if name not in UNLOCKED}
    assert {name: version for name, version in others.items() if versions.get(name) != version} == {}

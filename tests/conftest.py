"""Fixtures shared by all tests."""

import os
from pathlib import Path

# One thread a process: the suite runs in parallel workers, and spinning threads slow each other down.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder of reference material beside the checkout; tests that need it skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the reference material is not beside this checkout")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20250724)

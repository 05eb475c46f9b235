"""Ambisonic files of known directions, and tables as they are published."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.audio.formats import encode_plane_wave

Foa = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], None]:
    """Writer of tables: ``write("metadata_dev/a.csv", "0,1,2,30,10\\n")``."""

    def write_text(name: str, text: str) -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    return write_text


@pytest.fixture
def foa(tmp_path: Path) -> Foa:
    """Writer of noise from directions, one after another, each for some seconds, in W, Y, Z, X or another order."""

    def write_foa(
        name: str,
        *places: tuple[float, float],
        each_s: float = 0.5,
        rate_hz: int = 24_000,
        order: tuple[int, int, int, int] = (0, 1, 2, 3),
        gains: tuple[float, float, float, float] = (1, 1, 1, 1),
    ) -> Path:
        rng = np.random.default_rng(len(name))
        length = round(each_s * rate_hz)
        pieces = [
            encode_plane_wave(0.1 * rng.standard_normal(length, dtype=np.float32), *place)
            for place in places or ((0.0, 0.0),)
        ]
        samples = np.concatenate(pieces, axis=1)[list(order)] * np.array(gains)[:, None]
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, samples.T, rate_hz, subtype="PCM_16")
        return tmp_path / name

    return write_foa

"""Fixtures shared by all tests."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

# One thread a process: the suite runs in parallel workers, and spinning threads slow each other down.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import soundfile
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import RobertaProcessing


@pytest.fixture(scope="session", autouse=True)
def _can_be_interrupted() -> None:
    # Who starts the tests in the background has it ignored, and so would the commands that tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture
def response_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writer of measured responses, plane waves: ``response_folder("hall", [("left.wav", 90.0, 0.0, "room")])``."""
    from salm.audio.formats import encode_plane_wave

    def write(name: str, places: Sequence[tuple[str, float, float, str]]) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        click = np.zeros(400, np.float32)
        click[50] = 0.5
        rows = ["file,azimuth_deg,elevation_deg,room"]
        for file, azimuth_deg, elevation_deg, room in places:
            wave = encode_plane_wave(click, azimuth_deg, elevation_deg)
            soundfile.write(folder / file, wave.T, 24_000, subtype="FLOAT")
            rows.append(f"{file},{azimuth_deg},{elevation_deg},{room}")
        (folder / "responses.csv").write_text("\n".join(rows), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def eight_words() -> Tokenizer:
    """A tokenizer of eight words, the special ones where RoBERTa has them."""
    numbers = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "dog": 4, "barks": 5, "rain": 6, "left": 7}
    words = Tokenizer(WordLevel(numbers, unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    words.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
    return words

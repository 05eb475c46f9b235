"""A corpus of arrays, for tests that need to know every sample; files of scenes; copies of the paper's corpora."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.scenes.corpora.base import Corpus, Sound
from salm.scenes.scene import Scene

CLOTHO_COLUMNS = ("file_name", *(f"caption_{number}" for number in range(1, 6)))
AUDIOCAPS_COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


@dataclass(frozen=True, kw_only=True)
class ToyCorpus:
    """Sounds that are arrays; they come out as they went in, at whatever rate."""

    arrays: Mapping[str, np.ndarray]
    captions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    name: str = "toy"

    @property
    def sounds(self) -> tuple[Sound, ...]:
        return tuple(
            Sound(id=name, captions=self.captions.get(name, (f"A {name}.",)), duration_s=len(samples) / 24_000)
            for name, samples in self.arrays.items()
        )

    def audio(self, sound_id: str, *, rate_hz: int = 24_000) -> np.ndarray:
        return self.arrays[sound_id].astype(np.float32)


@pytest.fixture
def toy_corpus() -> Callable[..., Corpus]:
    """Builder of corpora: ``toy_corpus({"dog": samples})``."""

    def build(arrays: Mapping[str, np.ndarray], captions: Mapping[str, tuple[str, ...]] | None = None) -> Corpus:
        return ToyCorpus(arrays=arrays, captions=captions or {})

    return build


@pytest.fixture
def scene_file(tmp_path: Path) -> Callable[..., Path]:
    """Builder of files of scenes: ``scene_file("a.jsonl", {"train": scenes, "val": scenes})``."""

    def build(name: str, scenes: Mapping[str, Sequence[Scene]], **head: object) -> Path:
        rows = [{"corpus": None, "split": None, **head}]
        rows += [{"split": split, **scene.to_dict()} for split, some in scenes.items() for scene in some]
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return tmp_path / name

    return build


@pytest.fixture
def clotho_table(tmp_path: Path) -> Callable[..., None]:
    """Writer of a caption table: ``clotho_table("development", ["dog.wav"])``."""

    def write(part: str, names: Sequence[str], *, folder: str = "") -> None:
        rows = [[name, *(f"{name} is heard, {number}." for number in range(1, 6))] for name in names]
        write_csv(tmp_path / folder / f"clotho_captions_{part}.csv", CLOTHO_COLUMNS, rows)

    return write


@pytest.fixture
def audiocaps_table(tmp_path: Path) -> Callable[..., None]:
    """Writer of a caption table: ``audiocaps_table("val", [(7, "abc", 30, "A dog.")])``."""

    def write(split: str, rows: Sequence[tuple[object, str, object, str]], *, folder: str = "") -> None:
        write_csv(tmp_path / folder / f"{split}.csv", AUDIOCAPS_COLUMNS, rows)

    return write


@pytest.fixture
def touch(tmp_path: Path) -> Callable[..., None]:
    """Maker of empty files in a folder."""

    def make(*names: str, folder: str = "") -> None:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            (tmp_path / folder / name).touch()

    return make


@pytest.fixture
def tones(tmp_path: Path) -> Callable[[Mapping[str, float]], None]:
    """Writer of sines by path and frequency, which tell the files apart."""

    def write(frequencies_hz: Mapping[str, float]) -> None:
        for name, hz in frequencies_hz.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / name, 0.5 * np.sin(2 * np.pi * hz * np.arange(4410) / 44_100), 44_100)

    return write

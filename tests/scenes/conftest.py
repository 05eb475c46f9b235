"""A corpus of arrays, for tests that need to know every sample, and files of scenes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from salm.scenes.corpora.base import Corpus, Sound
from salm.scenes.scene import Scene


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

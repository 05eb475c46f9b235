"""A corpus of arrays, for tests that need to know every sample."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from salm.scenes.corpora.base import Corpus, Sound


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

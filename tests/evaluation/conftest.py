"""A small corpus, and a model that knows its sounds and hears directions exactly, or is made to cheat."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from salm.audio.recording import Recording
from salm.errors import InputError
from salm.evaluation.bench import Bench, set_up
from salm.evaluation.protocol import evaluate
from salm.frame import SECTORS, azimuth_elevation, parse_direction, sector_index
from salm.model.inference import AudioEmbeddings, Heard, Location
from salm.scenes.corpora.base import Sound
from salm.scenes.sample import SceneRanges

RATE_HZ = 8000
CAPTIONS = (
    "A dog barks",
    "Rain falls",
    "A bell rings",
    "An engine idles",
    "Glass breaks",
    "A bird sings",
    "A horn honks",
    "People clap",
)
FREE_FIELD = SceneRanges(anechoic=1.0, noise_db=None)


class ToyCorpus:
    """Short bursts of noise, each another; every caption has as many."""

    name = "toy"

    def __init__(self, count: int = 96) -> None:
        self._rows = {
            f"toy-{number}": np.random.default_rng(number).standard_normal(1500).astype(np.float32)
            for number in range(count)
        }
        self.sounds = tuple(
            Sound(id=name, captions=(CAPTIONS[i % len(CAPTIONS)],), duration_s=1500 / RATE_HZ, split="test")
            for i, name in enumerate(self._rows)
        )

    def audio(self, sound_id: str, *, rate_hz: int = RATE_HZ) -> np.ndarray:
        assert rate_hz == RATE_HZ
        return self._rows[sound_id]


class Oracle:
    """What :mod:`salm.evaluation` needs of a model, without weights: knows what by W alone, and where by intensity.

    ``where`` and ``silence`` take the place of how it finds a direction and of what it says to silence, ``hard_of``
    are words that make a sentence mean nothing to it.
    """

    def __init__(
        self,
        corpus: ToyCorpus,
        *,
        where: Callable[[str, np.ndarray], np.ndarray] | None = None,
        silence: Callable[[int], np.ndarray] | None = None,
        joint_weight: float = 1.0,
        hard_of: tuple[str, ...] = (),
    ) -> None:
        self.corpus = corpus
        self.config = SimpleNamespace(
            name="oracle", facing="north", features=SimpleNamespace(rate_hz=RATE_HZ, window_samples=1500), cone=()
        )
        self.digest = "0123"
        self.heard: list[np.ndarray] = []
        self._ids = [sound.id for sound in corpus.sounds]
        self._dry = np.stack([corpus.audio(name) for name in self._ids])
        self._where = where or by_intensity
        self._silence = silence or (lambda _: np.zeros(self._width, np.float32))
        self._hard_of = hard_of
        self.network = SimpleNamespace(joint_weight=torch.full((self._width,), joint_weight), has_direction=True)
        self._silences = 0

    @property
    def _width(self) -> int:
        return len(CAPTIONS) + len(self._ids) + 8

    @property
    def direction_sentences(self) -> np.ndarray:
        return np.eye(self._width, dtype=np.float32)[-8:]

    def hear(self, recording: Recording) -> Heard:
        assert recording.rate_hz == RATE_HZ
        samples = recording.samples
        self.heard.append(samples)
        semantic, spatial, direction = (np.zeros(size, np.float32) for size in (self._width, self._width, 3))
        if samples.any():
            number = int(np.argmax(self._dry[:, : samples.shape[1]] @ samples[0, :1500]))
            semantic[[number % len(CAPTIONS), len(CAPTIONS) + number]] = 1.0, 0.1
            direction = self._where(self._ids[number], samples).astype(np.float32)
            spatial[sector_index(float(azimuth_elevation(direction)[0])) - 8] = 1.0
        else:
            semantic = self._silence(self._silences)
            self._silences += 1
        joint = semantic + self.network.joint_weight.numpy() * spatial
        return Heard(
            recording=recording,
            start_s=[0.0],
            end_s=[recording.duration_s],
            embeddings=AudioEmbeddings(joint[None], semantic[None], spatial[None]),
            direction=direction[None],
            length=np.ones(1, np.float32),
        )

    def cones(self, heard: Heard) -> list[dict[float, float]]:
        return [{} for _ in heard.start_s]

    def places(self, heard: Heard, *, widest_deg: float) -> list[Location]:
        assert widest_deg == 180.0
        azimuth_deg, elevation_deg = (float(angle[0]) for angle in azimuth_elevation(heard.direction))
        (found,) = heard.by_intensity
        place = Location(
            start_s=0.0,
            end_s=heard.recording.duration_s,
            azimuth_deg=azimuth_deg,
            elevation_deg=elevation_deg,
            sector=SECTORS[sector_index(azimuth_deg)],
            confidence=found.confidence,
            ambiguity=None,
            reason=None,
        )
        return [place]

    def embed_text(self, sentences: list[str]) -> np.ndarray:
        return np.stack([self._said(sentence) for sentence in sentences])

    def _said(self, sentence: str) -> np.ndarray:
        vector = np.zeros(self._width, np.float32)
        if any(words in sentence for words in self._hard_of):
            return vector
        for number, caption in enumerate(CAPTIONS):
            vector[number] = caption.lower() in sentence.lower()
        for sector in self._sectors(sentence):
            vector[SECTORS.index(sector) - 8] = 1.0
        return vector / max(np.linalg.norm(vector), np.finfo(np.float32).tiny)

    def _sectors(self, sentence: str) -> list[str]:
        """Sectors that a sentence names; where there are two sounds, part by part."""
        try:
            places = [parse_direction(sentence)]
        except InputError:
            places = [parse_direction(part) for part in sentence.split(" and ")]
        return [place.sector for place in places if place is not None and place.sector is not None]


def by_intensity(_: str, samples: np.ndarray) -> np.ndarray:
    """Exact for one plane wave; without X, Y and Z a guess that depends on W."""
    vector = samples[[3, 1, 2]].astype(np.float64) @ samples[0].astype(np.float64)
    if not vector.any():
        vector = np.random.default_rng(np.frombuffer(samples[0, :8].tobytes(), np.uint32)).standard_normal(3)
    return vector / np.linalg.norm(vector)


@pytest.fixture(scope="session")
def toy_corpus() -> ToyCorpus:
    return ToyCorpus()


@pytest.fixture
def make_oracle(toy_corpus: ToyCorpus) -> Callable[..., Oracle]:
    return lambda **parts: Oracle(toy_corpus, **parts)


@pytest.fixture
def make_bench(toy_corpus: ToyCorpus) -> Callable[..., Bench]:
    """The bench of a stub on plane waves in the free field, each sound once at most."""
    return lambda model, scenes=96: set_up(model, toy_corpus, scenes=scenes, seed=3, ranges=FREE_FIELD)


@pytest.fixture(scope="session")
def paper_report() -> dict:
    """The report of the same model by the paper's protocol, on eight clips."""
    corpus = ToyCorpus(8)
    return evaluate(Oracle(corpus), corpus, protocol="paper", seed=3)


@pytest.fixture(scope="session")
def oracle_report(toy_corpus: ToyCorpus) -> dict:
    """The report of a perfect model."""
    return evaluate(Oracle(toy_corpus), toy_corpus, scenes=40, seed=3, rows={"kind": "noise"}, ranges=FREE_FIELD)

"""A toy model and a small folder of recordings; also run by path in processes that are killed."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from salm.audio.formats import encode_plane_wave
from salm.audio.intensity import locate_by_intensity
from salm.audio.recording import Recording, write
from salm.frame import unit_vector
from salm.library.index import Library
from salm.model.inference import AudioEmbeddings, Heard, Location

RATE_HZ = 8000
WINDOW_S = 1.0
PITCHES_HZ = {"dog": 300.0, "bell": 700.0, "rain": 1500.0, "horn": 2500.0}
WIDTH = 8


def tone(kind: str, seconds: float = 1.0) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * PITCHES_HZ[kind] * time_s)).astype(np.float32)


def placed(kind: str, azimuth_deg: float, elevation_deg: float = 0.0, seconds: float = 1.0) -> np.ndarray:
    return encode_plane_wave(tone(kind, seconds), azimuth_deg, elevation_deg)


class ToyModel:
    """What a library needs of a model, in few lines: it hears one of four pitches, and locates by intensity."""

    four_recordings = staticmethod(lambda home: four_recordings(home))

    def __init__(self, digest: str = "toy-1") -> None:
        self.digest = digest
        self.config = SimpleNamespace(name="toy")
        self.network = SimpleNamespace(joint_weight=torch.full((WIDTH,), 0.5))
        self.heard: list[str | None] = []

    def hear(self, recording: Recording) -> Heard:
        self.heard.append(recording.path)
        step = round(WINDOW_S * recording.rate_hz)
        starts = range(0, recording.samples.shape[1], step)
        parts = [recording.samples[:, start : start + step] for start in starts]
        semantic = np.stack([self._semantic(part, recording.rate_hz) for part in parts])
        where = [self._vector(recording, part) for part in parts]
        spatial = np.stack([np.r_[np.zeros(4), vector, 0] for vector in where]).astype(np.float32)
        joint = semantic if recording.ambiguity else semantic + np.float32(0.5) * spatial
        return Heard(
            recording=recording,
            start_s=[start / recording.rate_hz for start in starts],
            end_s=[(start + part.shape[1]) / recording.rate_hz for start, part in zip(starts, parts, strict=True)],
            embeddings=AudioEmbeddings(joint, semantic, spatial),
            direction=np.stack(where).astype(np.float32),
            length=np.ones(len(where), np.float32),
        )

    def places(self, heard: Heard) -> list[Location]:
        found = locate_by_intensity(heard.recording)
        return [
            Location(
                start_s=start_s,
                end_s=end_s,
                azimuth_deg=found.azimuth_deg,
                elevation_deg=found.elevation_deg,
                sector=None,
                confidence=0.9 if found.azimuth_deg is not None else 0.0,
                ambiguity=found.ambiguity,
                reason=found.reason,
            )
            for start_s, end_s in zip(heard.start_s, heard.end_s, strict=True)
        ]

    def embed_audio(self, recordings: list[Recording]) -> AudioEmbeddings:
        parts = [self.hear(recording).embeddings for recording in recordings]
        return AudioEmbeddings(*(np.stack([part[i].mean(axis=0) for part in parts]) for i in range(3)))

    def embed_text(self, sentences: list[str]) -> np.ndarray:
        rows = []
        for sentence in sentences:
            what = np.array([float(kind in sentence) for kind in PITCHES_HZ])
            where = np.zeros(3) if "left" not in sentence else unit_vector(90.0, 0.0)
            rows.append(np.r_[what, where, 0.1])
        stacked = np.array(rows, np.float32)
        return stacked / np.linalg.norm(stacked, axis=1, keepdims=True)

    def _semantic(self, part: np.ndarray, rate_hz: int) -> np.ndarray:
        spectrum = np.abs(np.fft.rfft(part[0]))
        peak_hz = spectrum.argmax() * rate_hz / part.shape[1]
        return np.r_[[3.0 * (abs(peak_hz - hz) < 20) for hz in PITCHES_HZ.values()], np.zeros(4)].astype(np.float32)

    def _vector(self, recording: Recording, part: np.ndarray) -> np.ndarray:
        intensity = np.array([(part[0] * part[channel]).sum() for channel in (3, 1, 2)])
        return intensity / max(1e-9, float(np.linalg.norm(intensity)))


@pytest.fixture
def toy() -> type[ToyModel]:
    return ToyModel


@pytest.fixture
def model() -> ToyModel:
    return ToyModel()


@pytest.fixture
def sound() -> Callable[..., np.ndarray]:
    """Samples of one of the toy's sounds from a direction."""
    return placed


def four_recordings(home: Path) -> Path:
    """Two dogs, and two sounds on the left."""
    (home / "deeper").mkdir(parents=True)
    write(home / "dog-left.wav", placed("dog", 80, 10), RATE_HZ)
    write(home / "dog-right.wav", placed("dog", -100, -5), RATE_HZ)
    write(home / "bell-left.flac", placed("bell", 95, 0), RATE_HZ)
    write(home / "deeper" / "rain-up.wav", placed("rain", 60, 50), RATE_HZ)
    (home / "notes.txt").write_text("dog", encoding="utf-8")
    (home / "._dog-left.wav").write_bytes(b"not audio")
    return home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return four_recordings(tmp_path / "sounds")


@pytest.fixture
def library(tmp_path: Path, folder: Path, model: ToyModel) -> Library:
    made = Library(tmp_path / "library")
    made.add(folder, model)
    return made

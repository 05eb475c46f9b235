"""Small sound files of every kind that is read: what is spoilt afterwards."""

import io
import json
import os
import struct
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import numpy as np
import soundfile
import torch

from salm.audio.formats import encode_plane_wave
from salm.library.index import Library
from salm.model import hub
from salm.model.inference import Model
from salm.model.presets import preset
from salm.scenes.make import make_scenes
from salm.scenes.sample import SceneRanges

__all__ = ["RATE_HZ", "TAKES", "audio", "audio_bytes", "built", "indexed", "scene_lines", "tiny", "weights"]

RATE_HZ = 24_000
TAKES = str(Path(gettempdir()) / "salm-bad-input-takes")
_KINDS = (
    *(
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("WAV", "FLOAT"),
        ("WAV", "PCM_U8"),
        ("WAVEX", "PCM_24"),
        ("WAVEX", "FLOAT"),
    ),
    *(
        ("RF64", "PCM_16"),
        ("W64", "FLOAT"),
        ("FLAC", "PCM_16"),
        ("FLAC", "PCM_24"),
        ("CAF", "PCM_16"),
        ("CAF", "ALAC_24"),
    ),
    *(
        ("AIFF", "PCM_16"),
        ("AIFF", "FLOAT"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
        ("AU", "PCM_16"),
    ),
)


def wave(channels: int, seconds: float = 0.15, azimuth_deg: float = 90.0) -> np.ndarray:
    """Noise from a direction, in so many channels."""
    noise = 0.1 * np.random.default_rng(channels).standard_normal(round(seconds * RATE_HZ))
    foa = encode_plane_wave(noise.astype(np.float32), azimuth_deg)
    return np.concatenate([foa] * (channels // 4 + 1))[:channels]


@cache
def audio() -> dict[str, bytes]:
    """A file of each kind with one, two and four channels, by a name with its ending."""
    files = {}
    with TemporaryDirectory() as folder:
        for form, subtype in _KINDS:
            for channels in (1, 2, 4):
                if form == "MP3" and channels == 4:
                    continue
                path = Path(folder) / "file"
                soundfile.write(path, wave(channels).T, RATE_HZ, format=form, subtype=subtype)
                ending = "wav" if form in ("WAVEX", "RF64") else form.lower()
                files[f"{form}-{subtype}-{channels}.{ending}"] = path.read_bytes()
    return files


def audio_bytes(samples: np.ndarray, rate_hz: int = RATE_HZ) -> bytes:
    """A WAV file in 16 bits."""
    file = io.BytesIO()
    soundfile.write(file, samples.T, rate_hz, format="WAV", subtype="PCM_16")
    return file.getvalue()


@cache
def tiny() -> Model:
    """A model of the smallest size with random weights, and the tower that reads for it."""
    torch.manual_seed(0)
    config = replace(preset("tiny"), confidence=(0.1, 0.2, 0.3, 0.4))
    return Model(hub.build_frozen(config), config, digest="tiny")


@cache
def weights() -> dict[str, bytes]:
    """Folder of a model of the smallest size."""
    with TemporaryDirectory() as folder:
        hub.save(tiny().network, tiny().config, folder)
        return _content(Path(folder))


@cache
def indexed() -> dict[str, bytes]:
    """Folder of a library of two takes, which stay where they are: it knows them by their paths."""
    takes = Path(TAKES)
    takes.mkdir(parents=True, exist_ok=True)
    for name, azimuth_deg in (("left.wav", 90.0), ("right.wav", -90.0)):
        content = audio_bytes(wave(4, 1.2, azimuth_deg))
        if not (takes / name).exists() or (takes / name).read_bytes() != content:
            # Under a name of its own first: other processes may do the same.
            part = takes / f"{name}.{os.getpid()}"
            part.write_bytes(content)
            part.replace(takes / name)
    with TemporaryDirectory() as folder:
        Library(folder).add([takes / "left.wav", takes / "right.wav"], tiny())
        return {name: content for name, content in _content(Path(folder)).items() if not name.endswith(".lock")}


@cache
def scene_lines() -> tuple[dict[str, Any], ...]:
    """The head of a file of scenes and four scenes: one, two and three sources, moving and still, with ambience."""
    ranges = SceneRanges(sources=(1.0, 1.0, 1.0), moving=0.5, ambience=0.5, anechoic=0.2)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scenes.jsonl"
        make_scenes(path, count=4, seed=3, ranges=ranges)
        return tuple(map(json.loads, path.read_text(encoding="utf-8").splitlines()))


def built(*, channels: int, rate_hz: int, frames: int, data: bytes, bits: int = 16) -> bytes:
    """A WAV file whose header says what it is told to, whatever follows."""
    block = channels * bits // 8
    size = frames * block
    form = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * block % 2**32, block % 2**16, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size % 2**32) + data
    return b"RIFF" + struct.pack("<I", (len(body) + size - len(data)) % 2**32) + body


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

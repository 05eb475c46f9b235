"""Files in one word each, to be compared."""

import hashlib
from pathlib import Path
from typing import BinaryIO

import soundfile

Digests = dict[str, str]


def digest(path: Path) -> str:
    """Of a file, and of the samples of a WAV file, whose header tells when it was written."""
    if path.suffix == ".wav":
        return samples_digest(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def samples_digest(sound: Path | BinaryIO) -> str:
    return hashlib.sha256(soundfile.read(sound, dtype="float32")[0].tobytes()).hexdigest()


def digests(folder: Path) -> Digests:
    """Of the files under their final names."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part")
    return {str(path.relative_to(folder)): digest(path) for path in paths}

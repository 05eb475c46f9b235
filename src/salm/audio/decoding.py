"""Audio files as the channels that stand in them, whole or a block at a time, whatever the channels mean."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from jaxtyping import Float32

from salm.errors import InputError

__all__ = [
    "BLOCK",
    "HIGHEST_RATE_HZ",
    "Decoded",
    "Decoder",
    "counted_channels",
    "decode",
    "header_text",
    "opened",
    "reason",
]

BLOCK = 1 << 18
"""Samples a channel that are read at once."""
HIGHEST_RATE_HZ = 1_000_000
"""Filters are as long as a rate is high: a header that claims 2 GHz would take gigabytes."""

# How libsndfile says that a file holds less than its header promises.
_PROMISED = re.compile(r"(?:RIFF|riff|FORM|data|SSND|Riff size)\s*:\s*(?P<said>\d+) \(should be (?P<held>\d+)\)")
_SLACK_BYTES = 64


@contextmanager
def opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """A file to look into.

    Raises
    ------
    InputError
        If there is no such file, it is no audio or damaged, or is empty.
    """
    with _open(path) as file:
        try:
            yield file
        except (soundfile.LibsndfileError, OSError) as error:
            raise _unreadable(path, error) from error


def header_text(file: soundfile.SoundFile) -> str:
    """What libsndfile tells of a header, its texts included; the first line is the format of the samples."""
    return "\n".join([file.subtype, file.extra_info, *file.copy_metadata().values()])


def counted_channels(channels: int) -> str:
    """``1 channel``, ``4 channels``."""
    return f"{channels} channel{'' if channels == 1 else 's'}"


class Decoder:
    """A file that libsndfile reads, open to be read once; to be used in a ``with`` block.

    Raises
    ------
    InputError
        If there is no such file, it is no audio or damaged, or is empty.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, _open(path)
        self.channels: int = self._file.channels
        self.rate_hz: int = self._file.samplerate
        self.promised: int = self._file.frames
        """Samples a channel, by the header."""
        self.read = 0
        """Samples a channel that were read so far."""
        self.notes: tuple[str, ...] = ()
        """That the file is cut short, if it is; known after the last block."""
        self._gave_up = False

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def header(self) -> str:
        """As :func:`header_text`."""
        return header_text(self._file)

    def blocks(self, size: int = BLOCK) -> Iterator[Float32[np.ndarray, "time channel"]]:
        """What is there, in blocks of so many samples; a decoder that gives up on the way ends the file.

        Raises
        ------
        InputError
            If there is nothing that can be read.
        """
        while len(block := self._block(size)):
            self.read += len(block)
            yield block
        if not self.read:
            raise InputError(f"{self._path} holds no samples.")
        if self._gave_up or self.read < self.promised or _holds_less(self._file.extra_info):
            held_s = self.read / self.rate_hz
            self.notes = (f"The file is cut short: its header promises more than the {held_s:.3f} s it holds.",)

    def _block(self, size: int) -> Float32[np.ndarray, "time channel"]:
        try:
            return np.asarray(self._file.read(size, dtype="float32", always_2d=True))
        except (soundfile.LibsndfileError, OSError) as error:
            if not self.read:
                raise _unreadable(self._path, error) from error
            self._gave_up = True
            return np.zeros((0, self.channels), np.float32)


class Decoded(NamedTuple):
    """The channels of a file as they stand in it."""

    samples: Float32[np.ndarray, "channel time"]
    rate_hz: int
    notes: tuple[str, ...]
    """That the file is cut short, if it is."""
    header: str
    """As :func:`header_text`."""


def decode(path: Path) -> Decoded:
    """All samples of a file.

    Raises
    ------
    InputError
        If there is no such file, it is no audio or damaged, or is empty.
    """
    with Decoder(path) as file:
        samples = np.concatenate(list(file.blocks()))
        return Decoded(np.ascontiguousarray(samples.T), file.rate_hz, file.notes, file.header)


def reason(error: Exception) -> str:
    """What libsndfile or the system says was wrong, as the end of a sentence."""
    if isinstance(error, soundfile.LibsndfileError):
        return str(error.error_string).strip().rstrip(".").lower()
    return str(error)


def _open(path: Path) -> soundfile.SoundFile:
    if not path.exists():
        raise InputError(f"{path} does not exist.")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give audio files.")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty.")
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise _unreadable(path, error) from error
    if file.samplerate > HIGHEST_RATE_HZ:
        rate_hz = file.samplerate
        file.close()
        raise InputError(f"{path} says that its rate is {rate_hz} Hz, above {HIGHEST_RATE_HZ}; mend its header.")
    return file


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} is no audio file that can be read, or is damaged: {reason(error)}.")


def _holds_less(log: str) -> bool:
    if "Calculated frame count" in log:
        return True
    return any(int(match["said"]) > int(match["held"]) + _SLACK_BYTES for match in _PROMISED.finditer(log))

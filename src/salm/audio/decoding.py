"""Audio files as the channels that stand in them, whole or a block at a time, whatever the channels mean."""

import os
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
    "MOST_VALUES",
    "Decoded",
    "Decoder",
    "counted_channels",
    "decode",
    "header_text",
    "opened",
    "reason",
    "system_name",
]

BLOCK = 1 << 18
"""Samples a channel that are read at once."""
MOST_VALUES = 1 << 30
"""Samples of all channels together that are held at once: 4 GiB, an hour and a half of four channels at 48 kHz. A file
of a few bytes can claim, or decompress to, any number."""

HIGHEST_RATE_HZ = 1_000_000
"""Filters are as long as a rate is high: a header that claims 2 GHz would take gigabytes."""

_UNKNOWN = 1 << 62

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
        self.path, self._file = path, _open(path)
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
            raise InputError(f"{self.path} holds no samples.")
        if self._gave_up or self.read < self.promised or _holds_less(self._file.extra_info):
            held_s = self.read / self.rate_hz
            self.notes = (f"The file is cut short: its header promises more than the {held_s:.3f} s it holds.",)

    def _block(self, size: int) -> Float32[np.ndarray, "time channel"]:
        try:
            return np.asarray(self._file.read(size, dtype="float32", always_2d=True))
        except (soundfile.LibsndfileError, OSError) as error:
            if not self.read:
                raise _unreadable(self.path, error) from error
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
        If there is no such file, it is no audio or damaged, is empty, or has more samples than `MOST_VALUES` or than
        there is memory for.
    """
    with Decoder(path) as file:
        # A stream that was written to a pipe does not say how long it is.
        if file.promised * file.channels > MOST_VALUES and file.promised < _UNKNOWN:
            raise _too_long(file)
        try:
            blocks = []
            for block in file.blocks():
                blocks.append(block)
                if file.read * file.channels > MOST_VALUES:
                    raise _too_long(file)
            samples = np.ascontiguousarray(np.concatenate(blocks).T)
        except MemoryError as error:
            raise _too_long(file) from error
        return Decoded(samples, file.rate_hz, file.notes, file.header)


def reason(error: Exception) -> str:
    """What libsndfile or the system says was wrong, as the end of a sentence."""
    if isinstance(error, soundfile.LibsndfileError):
        return str(error.error_string).strip().rstrip(".").lower()
    return str(error)


def _open(path: Path) -> soundfile.SoundFile:
    try:
        if not path.exists():
            raise InputError(f"{path} does not exist.")
        if path.is_dir():
            raise InputError(f"{path} is a folder; give audio files.")
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty.")
        file = soundfile.SoundFile(system_name(path))
    except (soundfile.LibsndfileError, OSError) as error:
        raise _unreadable(path, error) from error
    if file.samplerate < 1 or file.channels < 1:
        file.close()
        raise InputError(f"{path} says that it has {file.channels} channels at {file.samplerate} Hz; mend its header.")
    if file.samplerate > HIGHEST_RATE_HZ:
        rate_hz = file.samplerate
        file.close()
        raise InputError(f"{path} says that its rate is {rate_hz} Hz, above {HIGHEST_RATE_HZ}; mend its header.")
    return file


def system_name(path: Path) -> str | bytes:
    """A path as soundfile has to be given it: outside Windows names are bytes and need not be Unicode."""
    return str(path) if os.name == "nt" else os.fsencode(path)


def _too_long(file: Decoder) -> InputError:
    hours = max(file.promised if file.promised < _UNKNOWN else 0, file.read) / file.rate_hz / 3600
    return InputError(
        f"{file.path} has {counted_channels(file.channels)} of {hours:.1f} h, more than fits into memory; salm "
        "scan reads recordings of any length, and everything else a part of it."
    )


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} is no audio file that can be read, or is damaged: {reason(error)}.")


def _holds_less(log: str) -> bool:
    if "Calculated frame count" in log:
        return True
    return any(int(match["said"]) > int(match["held"]) + _SLACK_BYTES for match in _PROMISED.finditer(log))

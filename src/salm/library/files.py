"""Which files a library looks at, and how it notices that one has changed."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from salm.errors import InputError

__all__ = ["AUDIO_SUFFIXES", "audio_files", "content_digest", "is_under", "stamp"]

AUDIO_SUFFIXES = frozenset(
    {".aif", ".aifc", ".aiff", ".amb", ".au", ".bwf", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".rf64"}
    | {".snd", ".w64", ".wav", ".wave", ".wavex"}
)
"""Endings of the files that are looked at in a folder; a file that is named itself may end in anything."""


def audio_files(paths: Sequence[Path]) -> list[str]:
    """Absolute paths of the files, and of everything in the folders that ends like audio; each once, in a fixed order.

    Hidden files and folders, whose names begin with a dot, are left out, and so is what is no file: pipes, links to
    folders and devices.

    Raises
    ------
    InputError
        If a path does not exist.
    """
    if missing := next((path for path in paths if not path.exists()), None):
        raise InputError(f"{missing} does not exist; give files or folders with recordings.")
    return list(dict.fromkeys(file for path in paths for file in _walk(path)))


def is_under(file: str, paths: Sequence[Path]) -> bool:
    """Whether a file is one of the paths or in one of them."""
    return any(Path(file).is_relative_to(os.path.abspath(path)) for path in paths)


def stamp(file: str) -> tuple[int, int]:
    """Size in bytes and time of the last change in nanoseconds; minus one each if there is no such file."""
    try:
        status = os.stat(file)
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def content_digest(file: str) -> str:
    """Digest of all bytes of a file, by which it is known again under another name.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _walk(path: Path) -> Iterator[str]:
    start = os.path.abspath(path)
    if path.is_file():
        yield start
        return
    for folder, folders, names in os.walk(start):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = os.path.join(folder, name)
            # A pipe, or a link to a device, would be read for ever.
            if not name.startswith(".") and Path(name).suffix.lower() in AUDIO_SUFFIXES and os.path.isfile(file):
                yield file

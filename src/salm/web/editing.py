"""Edits by a sentence, kept for a while so that they can be heard and fetched."""

import secrets
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from salm.audio.binaural import to_binaural
from salm.audio.recording import Recording, write
from salm.editing.sound import edit
from salm.errors import InputError

__all__ = ["Results", "edited"]

NAMES = ("edited.wav", "headphones.wav")


class Results:
    """Files of the latest edits, in a folder that is deleted in the end."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._folder = TemporaryDirectory(prefix="salm-results-")
        self._kept: list[str] = []

    def new(self) -> Path:
        """A folder for the files of one edit; the oldest goes if there are too many."""
        while len(self._kept) >= self._most:
            shutil.rmtree(Path(self._folder.name) / self._kept.pop(0), ignore_errors=True)
        self._kept.append(secrets.token_urlsafe(12))
        folder = Path(self._folder.name) / self._kept[-1]
        folder.mkdir()
        return folder

    def path(self, key: str, name: str) -> Path:
        """A file of an edit.

        Raises
        ------
        InputError
            If it is not, or no longer, there.
        """
        if key not in self._kept or name not in NAMES:
            raise InputError("this edit is no longer kept; edit again.")
        return Path(self._folder.name) / key / name

    def close(self) -> None:
        """Delete everything."""
        self._folder.cleanup()


def edited(recording: Recording, sentence: str, folder: Path, *, facing: str) -> dict[str, Any]:
    """Edit a recording and write it and its preview for headphones into a folder; as ``salm edit`` answers.

    Raises
    ------
    InputError
        If the edit is not understood or cannot be done.
    """
    done = edit(recording, sentence, facing=facing)
    made = done.recording
    for name, samples in zip(NAMES, (made.samples, to_binaural(made.samples, made.rate_hz)), strict=True):
        write(folder / name, samples, made.rate_hz)
    out, binaural = (f"/api/results/{folder.name}/{name}" for name in NAMES)
    return {"out": out, "binaural": binaural, **done.to_dict()}

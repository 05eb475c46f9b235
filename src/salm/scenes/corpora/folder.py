"""A corpus in a folder: audio files and a CSV table that says what they are.

``file`` and ``caption`` are all a table needs. The other columns that are understood are ``id``, ``alt_captions``
(separated by ``|``), ``category``, ``split``, ``group``, ``licence``, ``licence_class``, ``attribution`` and
``duration_s``; any further column can be selected by::

    FolderCorpus("sounds").select(split="test", rows={"licence_class": "permissive"})
"""

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float32

from salm.audio.decoding import system_name
from salm.errors import InputError
from salm.scenes.corpora.base import Sound, check_known
from salm.scenes.corpora.files import SoundFiles
from salm.table import read_rows

__all__ = ["FolderCorpus"]

_REQUIRED = ("file", "caption")


class FolderCorpus:
    """Sounds of a folder, listed by a CSV table in it.

    Parameters
    ----------
    folder
        Where the table is; the paths in its ``file`` column are relative to the folder.
    manifest
        Name of the table within the folder, UTF-8 with a header line.
    keep_in_memory
        Decode each sound once; see :class:`~salm.scenes.corpora.memory.SoundMemory`.
    check_files
        Look at every file now. Otherwise a missing or damaged one is found when it is asked for, and a duration that
        the table does not say is 0.

    Raises
    ------
    InputError
        If the folder or table is missing or not readable; if the table has no rows, lacks a column, or has a row
        without file or caption; if an audio file does not exist; if an id occurs twice; if a group is in two splits.

    Notes
    -----
    Without an ``id`` the file's path without its ending is the id, without a ``group`` every sound is its own,
    and without a ``split`` every sound is in ``train``.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        manifest: str = "manifest.csv",
        keep_in_memory: bool = False,
        check_files: bool = True,
    ) -> None:
        self.folder = Path(folder)
        self.name = self.folder.resolve().name
        table = self.folder / manifest
        self._rows = read_rows(table, required=_REQUIRED)
        self.sounds: tuple[Sound, ...] = tuple(
            _sound(row, self.folder, f"{table}, line {line}", check_file=check_files) for line, row in self._rows
        )
        self._where = {
            sound.id: f"{table}, line {line}" for sound, (line, _) in zip(self.sounds, self._rows, strict=True)
        }
        lines = [line for line, _ in self._rows]
        _check_unique(self.sounds, lines, table)
        _check_splits(self.sounds, lines, table)
        files = {sound.id: self.folder / row["file"] for sound, (_, row) in zip(self.sounds, self._rows, strict=True)}
        self._files = SoundFiles(files, corpus=self.name, keep_in_memory=keep_in_memory)

    def select(self, *, split: str | None = None, rows: Mapping[str, str] | None = None) -> "FolderCorpus":
        """Corpus of those sounds that are in a split and have the given values in the given columns of the table.

        Raises
        ------
        InputError
            If the table has no such column, or no remaining sound has the value; the message lists those there are.
        """
        kept = list(zip(self.sounds, self._rows, strict=True))
        if split is not None:
            check_known("split", split, [sound.split for sound, _ in kept], corpus=self.name)
            kept = [(sound, row) for sound, row in kept if sound.split == split]
        for column, value in (rows or {}).items():
            check_known("column", column, self._rows[0][1], corpus=self.name)
            check_known(column, value, [row[column] for _, (_, row) in kept], corpus=self.name)
            kept = [(sound, (line, row)) for sound, (line, row) in kept if row[column] == value]
        selected = copy.copy(self)
        selected.sounds = tuple(sound for sound, _ in kept)
        selected._rows = [row for _, row in kept]
        return selected

    def audio(self, sound_id: str, *, rate_hz: int = 24_000) -> Float32[np.ndarray, " time"]:
        """Samples of one sound, channels averaged, resampled, its peak at -3 dBFS.

        Raises
        ------
        InputError
            If the corpus has no such sound, or its file cannot be decoded, is empty or holds what is no number.
        """
        try:
            return self._files.audio(sound_id, rate_hz=rate_hz)
        except InputError as error:
            if sound_id not in self._where:
                raise
            raise InputError(f"{self._where[sound_id]}: {error}") from error

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table."""
        return tuple(self._rows[0][1])


def _sound(row: Mapping[str, str], folder: Path, where: str, *, check_file: bool) -> Sound:
    if empty := next((column for column in _REQUIRED if not row[column]), None):
        raise InputError(f"{where}: the {empty} is empty; every sound needs one.")
    path = folder / row["file"]
    if check_file and not os.path.isfile(path):
        raise InputError(f"{where}: the audio file {path} does not exist; correct the path or delete the row.")
    sound_id = row.get("id") or Path(row["file"]).with_suffix("").as_posix()
    alternatives = [caption.strip() for caption in row.get("alt_captions", "").split("|")]
    return Sound(
        id=sound_id,
        captions=(row["caption"], *filter(None, alternatives)),
        duration_s=_duration_s(row.get("duration_s", ""), path if check_file else None, where),
        category=row.get("category", ""),
        split=row.get("split") or "train",
        group=row.get("group") or sound_id,
        licence=row.get("licence", ""),
        licence_class=row.get("licence_class", ""),
        attribution=row.get("attribution", ""),
    )


def _duration_s(text: str, path: Path | None, where: str) -> float:
    try:
        if text or path is None:
            return float(text or 0)
        return float(soundfile.info(system_name(path)).duration)
    except ValueError as error:
        raise InputError(f"{where}: the duration_s is {text!r} but must be a number of seconds.") from error
    except soundfile.LibsndfileError as error:
        raise InputError(f"{where}: {path} is no audio file that can be read.") from error


def _check_unique(sounds: Sequence[Sound], lines: Sequence[int], table: Path) -> None:
    seen: dict[str, int] = {}
    for sound, line in zip(sounds, lines, strict=True):
        if sound.id in seen:
            raise InputError(
                f"{table}, line {line}: the id {sound.id!r} occurs twice, first in line {seen[sound.id]}; ids name one "
                "sound each. Several captions of one file go into one row, under alt_captions."
            )
        seen[sound.id] = line


def _check_splits(sounds: Sequence[Sound], lines: Sequence[int], table: Path) -> None:
    split_of: dict[str, str] = {}
    for sound, line in zip(sounds, lines, strict=True):
        other = split_of.setdefault(sound.group, sound.split)
        if other != sound.split:
            raise InputError(
                f"{table}, line {line}: the group {sound.group!r} is in the splits {other} and {sound.split}; "
                "keep a recording in one split, or tests measure memory."
            )

"""Tables of labels and the Ambisonic files that belong to them, found in copies of the published data sets."""

import csv
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from salm.errors import InputError
from salm.scenes.corpora.files import AudioListing

__all__ = ["Cells", "Table", "find_tables", "number", "read_cells"]

Cells = list[str]

# The same names are in the folders of the microphone signals, which are no Ambisonics.
_NO_FOA = frozenset({"mic", "stereo", "video", "binaural"})
_WORDS = re.compile(r"[^a-z0-9]+")
_PART = re.compile(r"(?:ov|split)\d+")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of labels and its recording."""

    path: Path
    words: frozenset[str]
    """Of the names of the folders that it is in, in small letters."""
    audio: Path | None
    """None if it is not there."""


def find_tables(root: Path, *, name: str, expected: str, tables_in: str, audio_in: str) -> tuple[list[Table], int]:
    """All tables below a folder, each with the Ambisonic file of its name; how many such files have no table.

    Where folders are told apart by words such as ov1 and split2, table and file have the same.

    Parameters
    ----------
    root
        The folder.
    name, expected
        Of the data set, and its layout in words, for messages.
    tables_in
        Word in the names of the folders with tables.
    audio_in
        Word in the names of the folders with Ambisonic files: one in such a folder is preferred. One in a folder of
        microphone signals is none.

    Raises
    ------
    InputError
        If there is no table, or of no table the recording.
    """
    listing = AudioListing(root)
    tables = [
        Table(path=path, words=words, audio=_audio(listing, path.stem, words, audio_in=audio_in))
        for path, words in _csv_files(root)
        if tables_in in words
    ]
    if not tables:
        what = "holds no labels" if root.is_dir() else "is no folder"
        raise InputError(f"{root} {what}; of {name} is expected: {expected}.")
    labelled = {table.audio for table in tables if table.audio}
    if not labelled:
        raise InputError(f"{root} has the audio of none of {len(tables)} tables; of {name} is expected: {expected}.")
    there = {
        Path(path)
        for stem in listing.stems
        for words, path in listing.named(stem)
        if _is_foa(words) and audio_in in words
    }
    return tables, len(there - labelled)


def read_cells(path: Path) -> list[tuple[str, Cells]]:
    """Rows of a table, stripped, each with where it is; empty lines are none.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in cells] for cells in csv.reader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV table in UTF-8: {error}.") from error
    return [(f"{path}, line {line}", cells) for line, cells in enumerate(rows, 1) if any(cells)]


def number(text: str, what: str, where: str) -> float:
    """A cell as a number.

    Raises
    ------
    InputError
        If it is none, or not finite.
    """
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f"{where}: the {what} is {text!r} but must be a number.") from error
    if not math.isfinite(value):
        raise InputError(f"{where}: the {what} is {text!r} but must be finite.")
    return value


def _csv_files(root: Path) -> Iterator[tuple[Path, frozenset[str]]]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        words = frozenset(_WORDS.split(os.path.relpath(folder, root).lower()))
        for name in sorted(names):
            if name.lower().endswith(".csv") and not name.startswith("."):
                yield Path(folder, name), words


def _audio(listing: AudioListing, stem: str, words: frozenset[str], *, audio_in: str) -> Path | None:
    # An evaluation set numbers its recordings as another may.
    found = [
        (own, path)
        for own, path in listing.named(stem)
        if _parts(own) == _parts(words) and _is_foa(own) and ("eval" in own) == ("eval" in words)
    ]
    best = next((path for own, path in found if audio_in in own), None)
    return Path(best or found[0][1]) if found else None


def _is_foa(words: frozenset[str]) -> bool:
    return "foa" in words or words.isdisjoint(_NO_FOA)


def _parts(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words if _PART.fullmatch(word))

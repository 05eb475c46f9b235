"""What the captioned corpora of others have in common: tables of clips, and audio that may be there or not."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Float32

from salm.errors import InputError
from salm.scenes.corpora.base import Sound, check_known
from salm.scenes.corpora.files import AudioListing, SoundFiles

__all__ = ["SELECTABLE", "Clip", "ClipCorpus", "find_table"]

SELECTABLE = ("category", "licence", "licence_class")
"""What clips can be selected by."""

_TABLE_FOLDERS = ("", "dataset", "csv", "captions", "clotho_csv_files")


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A sound of a table, and what its file may be called."""

    sound: Sound
    stems: tuple[str, ...]
    """Names without ending, the surest first."""


class ClipCorpus(ABC):
    """Clips of a partial or full copy of a corpus; a clip whose audio is missing is left out and counted.

    Nothing is read of the audio files until they are asked for.

    Parameters
    ----------
    root
        Folder with the tables, and with the audio at any depth.
    split
        Only clips of this split; None is all.
    keep_in_memory
        Decode each sound once; see :class:`~salm.scenes.corpora.memory.SoundMemory`.

    Raises
    ------
    InputError
        If there are no clips, none of the split or none with audio.
    """

    name: ClassVar[str]
    """What reports call it."""
    folders: ClassVar[Mapping[str, Sequence[str]]]
    """Words in the names of the folders that hold each split's audio. A file in a folder of another split is none of a
    clip's."""
    expected: ClassVar[str]
    """The layout in words, for messages."""

    def __init__(self, root: str | Path, *, split: str | None = None, keep_in_memory: bool = False) -> None:
        root = Path(root)
        clips = list(self._clips(root))
        expected = f"of {self.name} is expected: {self.expected}."
        if not clips:
            raise InputError(f"{root} {'holds none of its tables' if root.is_dir() else 'is no folder'}; {expected}")
        asked = [clip for clip in clips if split in (None, clip.sound.split)]
        if not asked:
            there = ", ".join(dict.fromkeys(clip.sound.split for clip in clips))
            raise InputError(f"{root} has no table of the split {split!r} of {self.name}; it has {there}.")
        files = _located(AudioListing(root), asked, self.folders)
        if not files:
            raise InputError(f"{root} has the audio of none of {len(asked)} clips; {expected}")
        self.sounds: tuple[Sound, ...] = tuple(clip.sound for clip in asked if clip.sound.id in files)
        self.missing = len(asked) - len(self.sounds)
        """Clips of the tables whose audio is not there."""
        self._files = SoundFiles(files, corpus=self.name, keep_in_memory=keep_in_memory)

    @abstractmethod
    def _clips(self, root: Path) -> Iterator[Clip]:
        """All clips of the tables that there are."""

    def select(self, rows: Mapping[str, str]) -> "ClipCorpus":
        """Corpus of those clips that have given values of `SELECTABLE`, such as ``licence_class``: ``permissive``.

        Raises
        ------
        InputError
            If something else is asked for, or no remaining clip has the value; the message lists those there are.
        """
        kept = self.sounds
        for column, value in rows.items():
            if column not in SELECTABLE:
                raise InputError(
                    f"{self.name} has no manifest with a column {column!r}; of it {', '.join(SELECTABLE)} are known."
                )
            check_known(column, value, [getattr(sound, column) for sound in kept], corpus=self.name)
            kept = tuple(sound for sound in kept if getattr(sound, column) == value)
        selected = copy.copy(self)
        selected.sounds = kept
        return selected

    def audio(self, sound_id: str, *, rate_hz: int = 24_000) -> Float32[np.ndarray, " time"]:
        """Samples of one sound, channels averaged, resampled, its peak at -3 dBFS.

        Raises
        ------
        InputError
            If the corpus has no such sound, or its file cannot be decoded, is empty or holds what is no number.
        """
        return self._files.audio(sound_id, rate_hz=rate_hz)


def find_table(root: Path, name: str, *, folders: Sequence[str] = _TABLE_FOLDERS) -> Path | None:
    """A table in one of the folders, within another, that are usual for it; None if it is in none."""
    places = (root / folder / name for folder in folders)
    return next((place for place in places if place.is_file()), None)


def _located(listing: AudioListing, clips: Sequence[Clip], folders: Mapping[str, Sequence[str]]) -> dict[str, Path]:
    all_words = frozenset(word for words in folders.values() for word in words)
    places = {
        clip.sound.id: listing.find(clip.stems, near=folders[clip.sound.split], not_near=all_words) for clip in clips
    }
    return {sound_id: path for sound_id, path in places.items() if path is not None}

"""Audio files of a corpus: found by listing a folder once, decoded on demand."""

import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr
from jaxtyping import Float32

from salm.audio.decoding import system_name
from salm.errors import InputError
from salm.scenes.corpora.base import peak_normalised
from salm.scenes.corpora.memory import SoundMemory

__all__ = ["AudioListing", "SoundFiles"]

_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff"})
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")


class AudioListing:
    """Audio files anywhere below a folder, by name without ending.

    Folders are listed once and no file is looked at, so that fifty thousand take a fraction of a second. Links to
    folders are followed. Names are compared in Unicode's composed form, since copies through macOS decompose them, and
    without surrounding blanks.
    """

    def __init__(self, root: str | Path) -> None:
        self._places: dict[str, list[tuple[frozenset[str], str]]] = {}
        listed: set[str] = set()
        for folder, folders, names in os.walk(root, followlinks=True):
            if (real := os.path.realpath(folder)) in listed:
                folders.clear()
                continue
            listed.add(real)
            folders.sort()
            words = frozenset(_BETWEEN_WORDS.split(os.path.relpath(folder, root).lower()))
            for name in sorted(names):
                stem, suffix = os.path.splitext(name)
                if suffix.lower() in _SUFFIXES:
                    self._places.setdefault(_key(stem), []).append((words, os.path.join(folder, name)))

    def find(self, stems: Iterable[str], *, near: Collection[str], not_near: Collection[str] = ()) -> Path | None:
        """The file with the first of some names that there is, or None.

        Of several, one is preferred in a folder whose path has one of the words ``near``; a folder whose path has a
        word ``not_near`` and none of the others does not count.
        """
        for stem in stems:
            places = self.named(stem)
            for words, path in places:
                if not words.isdisjoint(near):
                    return Path(path)
            for words, path in places:
                if words.isdisjoint(not_near):
                    return Path(path)
        return None

    @property
    def stems(self) -> tuple[str, ...]:
        """All names, without ending, in the order in which they were listed."""
        return tuple(self._places)

    def named(self, stem: str) -> Sequence[tuple[frozenset[str], str]]:
        """Path of every file with a name, each with the words of the folders that it is in, in small letters."""
        return self._places.get(_key(stem), [])


class SoundFiles:
    """Sounds that are files, decoded when they are asked for.

    Parameters
    ----------
    files
        Path of each sound by its id.
    corpus
        What messages call the corpus.
    keep_in_memory
        Decode each file once; see :class:`~salm.scenes.corpora.memory.SoundMemory`.
    """

    def __init__(self, files: Mapping[str, Path], *, corpus: str, keep_in_memory: bool = False) -> None:
        self._files, self._corpus = files, corpus
        self._audio = SoundMemory(self._decoded) if keep_in_memory else self._decoded

    def audio(self, sound_id: str, *, rate_hz: int = 24_000) -> Float32[np.ndarray, " time"]:
        """Samples of one sound, channels averaged, resampled, its peak at -3 dBFS.

        Raises
        ------
        InputError
            If there is no such sound, or its file cannot be decoded, is empty or holds what is no number.
        """
        if sound_id not in self._files:
            raise InputError(f"the corpus {self._corpus} has no sound {sound_id!r}; its ids are in its tables.")
        return self._audio(sound_id, rate_hz=rate_hz)

    def _decoded(self, sound_id: str, *, rate_hz: int) -> Float32[np.ndarray, " time"]:
        path = self._files[sound_id]
        try:
            samples, file_rate_hz = soundfile.read(system_name(path), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise InputError(f"{path} is no audio file that can be read.") from error
        mono = samples.mean(axis=1)
        if not mono.size or not np.isfinite(mono).all():
            raise InputError(f"{path} {'holds values that are no numbers' if mono.size else 'holds no samples'}.")
        resampled: Float32[np.ndarray, " time"] = soxr.resample(mono, file_rate_hz, rate_hz)
        return peak_normalised(resampled)


def _key(stem: str) -> str:
    return unicodedata.normalize("NFC", stem).strip()

"""Hearing files for a library: a model's windows of each, kept a part at a time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from salm.audio.recording import Recording, read
from salm.errors import InputError
from salm.library.files import stamp
from salm.library.storage import IndexedFile, Manifest, Storage, Vectors, Window
from salm.model.inference import Model

__all__ = ["FILES_A_PART", "Failure", "Noted", "Writer"]

FILES_A_PART = 64
"""Files after which what was heard is kept, whatever happens next."""


class Failure(NamedTuple):
    """A file that could not be indexed."""

    file: str
    reason: str


class Noted(NamedTuple):
    """What was converted in a file, or cannot be known of it."""

    file: str
    note: str


class Writer:
    """Hears files and hands them to the storage a part at a time."""

    def __init__(self, storage: Storage, manifest: Manifest, *, layout: str | None = None) -> None:
        self._layout = layout
        self.manifest = manifest
        self.added: list[str] = []
        self.removed: list[str] = []
        self.failed: list[Failure] = []
        self.noted: list[Noted] = []
        self._storage = storage
        self._files: list[IndexedFile] = []
        self._vectors: list[Vectors] = []

    def forget(self, files: Sequence[str]) -> None:
        """Take files out of the library."""
        self._files += [IndexedFile(file=file) for file in files]
        self.removed += files

    def hear(self, file: str, model: Model, *, known: bool) -> None:
        """Hear one file; one that cannot be read is reported, and forgotten if it is in the library."""
        size, changed_ns = stamp(file)
        try:
            recording = read(file, layout=self._layout)
            windows, vectors = _heard(recording, model)
        except (InputError, OSError) as error:
            self.failed.append(Failure(file, str(error)))
            self.forget([file] if known else [])
            return
        self._files.append(IndexedFile(file=file, size=size, changed_ns=changed_ns, windows=windows))
        self._vectors.append(vectors)
        self.added.append(file)
        self.noted += [Noted(file, note) for note in recording.notes]
        if len(self._vectors) >= FILES_A_PART:
            self.flush()

    def flush(self) -> None:
        """Keep what was heard so far."""
        if self._files:
            vectors = Vectors(*map(np.concatenate, zip(*self._vectors, strict=True))) if self._vectors else None
            self.manifest = self._storage.append(self.manifest, self._files, vectors)
            self._files, self._vectors = [], []


def _heard(recording: Recording, model: Model) -> tuple[tuple[Window, ...], Vectors]:
    heard = model.hear(recording)
    windows = tuple(
        Window(
            start_s=place.start_s,
            end_s=place.end_s,
            azimuth_deg=place.azimuth_deg,
            elevation_deg=place.elevation_deg,
            ambiguity=place.ambiguity,
            confidence=place.confidence,
        )
        for place in model.places(heard)
    )
    kept = heard.embeddings.semantic, heard.embeddings.spatial
    return windows, Vectors(*(part.astype(np.float16) for part in kept))

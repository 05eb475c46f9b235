"""What becomes of files that are added: heard, known again under another name, or as they were."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from salm.audio.recording import Recording, read
from salm.errors import InputError
from salm.library.backend import Backend
from salm.library.files import content_digest, stamp
from salm.library.question import joint_weight
from salm.library.storage import IndexedFile, Mark
from salm.library.windows import AMBIGUITIES, Windows, joined
from salm.model.inference import Model

__all__ = ["FILES_A_PART", "Failure", "Moved", "Noted", "Writer"]

FILES_A_PART = 64
"""Files after which what was heard is kept, whatever happens next."""


class Failure(NamedTuple):
    """A file that could not be indexed."""

    file: str
    reason: str


class Moved(NamedTuple):
    """A file that has another name or place than before."""

    file: str
    was: str


class Noted(NamedTuple):
    """What was converted in a file, or cannot be known of it."""

    file: str
    note: str


class Writer:
    """Hears files and hands them to the library a part at a time.

    Parameters
    ----------
    backend
        Where the library is.
    model
        Hears the files.
    layout
        What the channels of all files are, if that is known.
    """

    def __init__(self, backend: Backend, model: Model, *, layout: str | None = None) -> None:
        self.added: list[str] = []
        self.same: list[str] = []
        self.moved: list[Moved] = []
        self.removed: list[str] = []
        self.failed: list[Failure] = []
        self.noted: list[Noted] = []
        self._layout = layout
        self._backend = backend
        self._model = model
        self._known = backend.files()
        self._by_digest: dict[str, list[IndexedFile]] = {}
        for file in self._known.values():
            self._by_digest.setdefault(file.digest, []).append(file)
        self._files: dict[str, IndexedFile] = {}
        self._windows: list[Windows] = []

    def unchanged(self, file: str) -> bool:
        """Whether a file is in the library with its size and time of change."""
        return file in self._known and self._known[file].stamp == stamp(file)

    def take(self, file: str) -> None:
        """Bring one file into the library; one that cannot be read is reported, and taken out if it was there."""
        size, changed_ns = stamp(file)
        try:
            found = IndexedFile(file=file, size=size, changed_ns=changed_ns, digest=content_digest(file))
            if self._recognised(found):
                return
            recording = read(file, layout=self._layout)
            windows = _heard(recording, self._model)
        except (InputError, OSError) as error:
            self.failed.append(Failure(file, str(error)))
            if file in self._known:
                self._forget(file)
            return
        self._put(found, windows)
        self.added.append(file)
        self.noted += [Noted(file, note) for note in recording.notes]

    def forget_missing(self, files: Iterable[str]) -> None:
        """Take files out of the library that are not there any more, unless they were found elsewhere."""
        elsewhere = {moved.was for moved in self.moved}
        for file in files:
            if file not in elsewhere:
                self._forget(file)

    def missing(self) -> list[str]:
        """Files of the library that are not there any more."""
        return [file for file in self._known if stamp(file) == (-1, -1)]

    def flush(self) -> None:
        """Keep what was heard so far."""
        if self._files:
            windows = joined(self._windows) if self._windows else None
            mark = Mark(self._model.digest, self._model.config.name)
            weight = joint_weight(self._model)
            self._backend.put(mark, list(self._files.values()), windows, joint_weight=weight)
            self._files, self._windows = {}, []

    def _recognised(self, found: IndexedFile) -> bool:
        """Whether the library knows the content of a file, which then need not be heard."""
        twins = self._by_digest.get(found.digest, [])
        itself = [twin for twin in twins if twin.file == found.file]
        missing = [twin for twin in twins if stamp(twin.file) == (-1, -1)]
        source = next(iter(itself + missing + twins), None)
        windows = None if source is None else self._backend.windows_of(source)
        if source is None or windows is None:
            return False
        has_moved = bool(missing) and not itself
        self._put(found, windows, instead_of=source.file if has_moved else None)
        if itself:
            self.same.append(found.file)
        elif has_moved:
            twins.remove(source)
            self.moved.append(Moved(found.file, source.file))
        else:
            self.added.append(found.file)
        return True

    def _forget(self, file: str) -> None:
        self._put(IndexedFile(file=file), None)
        self.removed.append(file)

    def _put(self, file: IndexedFile, windows: Windows | None, *, instead_of: str | None = None) -> None:
        """Keep a file, and take another one out at the same moment."""
        gone = [] if instead_of is None else [IndexedFile(file=instead_of)]
        if windows is not None:
            file = replace(file, windows=len(windows.start_s))
        # A part has every file once.
        if any(one.file in self._files for one in (file, *gone)):
            self.flush()
        self._files |= {one.file: one for one in (file, *gone)}
        self._windows += [] if windows is None else [windows]
        if len(self._files) >= FILES_A_PART:
            self.flush()


def _heard(recording: Recording, model: Model) -> Windows:
    heard = model.hear(recording)
    places = model.places(heard)
    columns = {name: np.array([getattr(place, name) for place in places], np.float64) for name in Windows._fields[:5]}
    return Windows(
        **columns,
        ambiguity=np.array([AMBIGUITIES.index(place.ambiguity) for place in places], np.uint8),
        semantic=heard.embeddings.semantic.astype(np.float16),
        spatial=heard.embeddings.spatial.astype(np.float16),
    )

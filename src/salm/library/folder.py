"""A library in a folder, searched exactly: conditions first, then everything that is left."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from salm.errors import InputError
from salm.library._cosines import cosines
from salm.library.backend import Found
from salm.library.filters import Facts
from salm.library.question import Branch, Question
from salm.library.scoring import UNKNOWN_PLACE, KnownPlaces, Scores, scored
from salm.library.storage import Contents, IndexedFile, Manifest, Mark, Part, Storage
from salm.library.windows import Windows

__all__ = ["FolderBackend", "Loaded", "Rows", "best_of", "known", "known_places"]

Vector = Float32[np.ndarray, " width"]
Rows = Int64[np.ndarray, " row"]


class Loaded(NamedTuple):
    """One part of a library, ready to be searched."""

    part: Part
    windows: Windows
    facts: Facts
    current: Rows
    """Windows that no later part replaces."""

    def order(self, row: int) -> tuple[str, float]:
        """What equal windows are sorted by."""
        return self.facts.names[self.facts.file[row]], float(self.windows.start_s[row])

    def directed(self) -> np.ndarray:
        """1 for windows whose joint embedding knows where."""
        return np.asarray(self.windows.ambiguity == 0, np.float32)


class FolderBackend:
    """A library in a folder, exact.

    Parameters
    ----------
    folder
        It is made when something is added.
    """

    def __init__(self, folder: Path) -> None:
        self.storage = Storage(folder)
        self._loaded: tuple[Manifest, list[Loaded]] | None = None
        self._before: Contents | None = None

    def mark(self) -> Mark | None:
        """The model that made the embeddings; None as long as there are none."""
        manifest = self.storage.manifest()
        return None if manifest is None else manifest.mark

    def files(self) -> dict[str, IndexedFile]:
        """Every file in the library, by its path."""
        contents = self.storage.contents()
        return {} if contents is None else contents.files

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one who writes; what is written is tidied up in the end."""
        with self.storage.writing():
            self._before = self.storage.contents()
            yield
            self.storage.tidy()

    def windows_of(self, file: IndexedFile) -> Windows | None:
        """The windows of a file as they were before this writing began."""
        return None if self._before is None else self._before.windows_of(file.file)

    def put(self, mark: Mark, files: Sequence[IndexedFile], windows: Windows | None, *, joint_weight: Vector) -> None:
        """Keep files, each once, and their windows in order; one without windows is taken out."""
        del joint_weight  # Joint embeddings are composed when they are compared.
        manifest = self.storage.manifest() or Manifest(model=mark.digest, model_name=mark.name)
        self.storage.append(manifest, files, windows)

    def best(self, question: Question, *, limit: int) -> list[Found]:
        """The windows that fit best, best first; equal ones by file and time."""
        found = [
            hit
            for loaded in self._parts()
            for branch in question.branches
            for hit in self._in(loaded, branch, question, limit)
        ]
        return best_of(found, limit)

    def candidates(self, loaded: Loaded, branch: Branch, question: Question, rows: Rows, limit: int) -> Rows:
        """Which of the rows may be among the best: here all of them."""
        del loaded, branch, question, limit
        return rows

    def _in(self, loaded: Loaded, branch: Branch, question: Question, limit: int) -> Iterator[Found]:
        rows = self.candidates(loaded, branch, question, _kept(loaded, branch), limit)
        scores = _scores(loaded, branch, question, rows)
        # Looking at every embedding before would read all of a library that is mapped.
        if not np.isfinite(scores.score).all():
            raise InputError(f"{loaded.part.path} has an embedding that is none; delete the library and index anew.")
        for at in _largest(scores.score, limit, lambda at: loaded.order(rows[at])):
            yield Found(
                file=loaded.facts.names[loaded.facts.file[rows[at]]],
                windows=loaded.windows,
                row=int(rows[at]),
                score=float(scores.score[at]),
                what=None if scores.what is None else float(scores.what[at]),
                where=known(scores.place, int(at)),
            )

    def _parts(self) -> list[Loaded]:
        manifest = self.storage.manifest()
        if manifest is None:
            return []
        if self._loaded is None or self._loaded[0] != manifest:
            contents = self.storage.contents()
            if contents is None:
                return []
            parts = [_loaded(part, part.windows) for part in contents.parts if part.windows is not None]
            self._loaded = contents.manifest, parts
        return self._loaded[1]


def best_of(found: Sequence[Found], limit: int) -> list[Found]:
    """The best of windows that may have been found several times; equal ones by file and time."""
    best: dict[tuple[str, float], Found] = {}
    for hit in found:
        key = hit.file, float(hit.windows.start_s[hit.row])
        if key not in best or hit.score > best[key].score:
            best[key] = hit
    return [best[key] for key in sorted(best, key=lambda key: (-best[key].score, key))[:limit]]


def known(place: Float64[np.ndarray, " window"] | None, row: int) -> float | None:
    """An agreement with a place, or None if there is none."""
    return None if place is None or place[row] == UNKNOWN_PLACE else float(place[row])


def known_places(windows: Windows) -> KnownPlaces:
    """Where windows are."""
    return KnownPlaces(
        azimuth_deg=np.asarray(windows.azimuth_deg),
        elevation_deg=np.asarray(windows.elevation_deg),
        folded=np.asarray(windows.ambiguity == 1),
        confidence=np.asarray(windows.confidence),
    )


def _loaded(part: Part, windows: Windows) -> Loaded:
    counts = [file.windows for file in part.files]
    starts = np.cumsum([0, *counts])[:-1]
    heard = np.array(counts) > 0
    durations_s = np.zeros(len(counts))
    durations_s[heard] = np.maximum.reduceat(windows.end_s, starts[heard])
    file = np.repeat(np.arange(len(counts)), counts)
    facts = Facts(known_places(windows), durations_s[file], file, [file.file for file in part.files])
    return Loaded(part, windows, facts, np.flatnonzero(part.rows))


def _kept(loaded: Loaded, branch: Branch) -> Rows:
    """The rows that meet the conditions."""
    if not branch.conditions:
        return loaded.current
    kept = loaded.part.rows.copy()
    for condition, negated in branch.conditions:
        kept &= condition.met(loaded.facts) ^ negated
    return np.flatnonzero(kept)


def _scores(loaded: Loaded, branch: Branch, question: Question, rows: Rows) -> Scores:
    windows = loaded.windows
    similar = cosines(
        windows.semantic,
        windows.spatial,
        loaded.directed(),
        rows,
        what=branch.whats,
        joint=branch.joints,
        joint_weight=question.joint_weight,
    )
    places = KnownPlaces(*(column[rows] for column in loaded.facts.places))
    return scored(branch, places, *(cosine.astype(np.float64) for cosine in similar))


def _largest(values: Float64[np.ndarray, " window"], count: int, order: Callable[[int], Any]) -> list[int]:
    """Where the largest values are; among equal ones those that come first in an order."""
    if len(values) <= count:
        return list(range(len(values)))
    least = np.partition(values, -count)[-count]
    above = np.flatnonzero(values > least).tolist()
    equal = sorted(np.flatnonzero(values == least).tolist(), key=order)
    return above + equal[: count - len(above)]

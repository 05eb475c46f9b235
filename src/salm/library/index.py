"""A searchable library of recordings: add folders, search by words, by example, by direction.

Every window of the model is one row: its embeddings, where its sound is, and how sure that is. Search is exact, over
all rows at once; :mod:`salm.library.scoring` has the formula and :mod:`salm.library.storage` the files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from salm.audio.recording import Recording
from salm.errors import InputError
from salm.frame import ABOVE_DEG, BELOW_DEG
from salm.library.adding import Failure, Noted, Writer
from salm.library.files import audio_files, is_under, stamp
from salm.library.query import Query, parse_query
from salm.library.rows import Rows, cosines, load_rows
from salm.library.scoring import UNKNOWN_PLACE, Stated, blended, place_agreement
from salm.library.storage import Manifest, Storage
from salm.model.edit import edit_embeddings
from salm.model.inference import Model

__all__ = ["AddReport", "Failure", "Hit", "Library", "Noted", "SearchResult"]

BANDS_DEG = {"above": (ABOVE_DEG, 90.0), "level": (BELOW_DEG, ABOVE_DEG), "below": (-90.0, BELOW_DEG)}
"""Elevations that a word for the height stands for."""

Vector = Float32[np.ndarray, " width"]


@dataclass(frozen=True, kw_only=True)
class AddReport:
    """What became of every file."""

    added: tuple[str, ...]
    """Heard and now in the library, new or because they had changed."""
    skipped: tuple[str, ...]
    """Already there with the same size and time of change."""
    removed: tuple[str, ...]
    """Were in the library, but are no longer on disk or can no longer be read."""
    failed: tuple[Failure, ...]
    """Could not be read, and why."""
    noted: tuple[Noted, ...] = ()
    """What was converted, or cannot be known, of those that were added."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One window that fits a query."""

    file: str
    start_s: float
    end_s: float
    score: float
    """Larger is better; comparable within one search."""
    azimuth_deg: float | None
    elevation_deg: float | None
    what: float | None
    """Cosine similarity of what is heard with the words for it, or the example; None if only a place is asked for."""
    where: float | None
    """How well the place agrees, 0 to 1; None if no place is asked for, or the window's is not known."""
    ambiguity: str | None
    confidence: float


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What was understood and what was found, best first."""

    query: Query | None
    """None for an example without words."""
    hits: tuple[Hit, ...]


class Library:
    """A folder that remembers what a model heard in recordings.

    Parameters
    ----------
    path
        Folder of the library; it is made when something is added.
    must_exist
        Refuse a folder that is no library yet.

    Raises
    ------
    InputError
        If the path is a file, or there must be a library and there is none.

    Notes
    -----
    A library belongs to the weights that made it, by their digest: vectors of two models are not comparable.
    """

    def __init__(self, path: str | Path, *, must_exist: bool = False) -> None:
        self.path = Path(path)
        self._storage = Storage(self.path)
        self._searched: tuple[Manifest, Rows | None] | None = None
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path} is a file but a library is a folder; give another path.")
        if must_exist and self._storage.manifest() is None:
            raise InputError(f"{self.path} is no library; make one with: salm index add FOLDER --to {self.path}")

    @property
    def files(self) -> tuple[str, ...]:
        """Absolute paths of the recordings in the library, sorted."""
        return tuple(sorted(self._storage.files(self._storage.manifest())))

    def __len__(self) -> int:
        """Number of windows in the library."""
        return sum(len(file.windows) for file in self._storage.files(self._storage.manifest()).values())

    def add(
        self,
        paths: str | Path | Sequence[str | Path],
        model: Model,
        *,
        layout: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> AddReport:
        """Index files, and everything in folders that ends like audio; what has not changed is skipped.

        Files that are gone from the folders leave the library. A file that cannot be read is reported and does not
        stop the others. What was heard is kept every 64 files and when interrupted; adding again goes on from there.

        Parameters
        ----------
        paths
            Files or folders.
        layout
            What the channels of all files are, if that is known; as `salm.read` takes it.
        progress
            Called with the number of files done and their total, after each file that had to be heard.

        Raises
        ------
        InputError
            If a path does not exist, or the library is another model's.
        """
        chosen = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
        manifest = self._manifest(model)
        known = self._storage.files(manifest)
        found = audio_files(chosen)
        skipped = [
            file for file in found if file in known and (known[file].size, known[file].changed_ns) == stamp(file)
        ]
        gone = [file for file in known if stamp(file) == (-1, -1) and is_under(file, chosen)]
        changed = sorted(set(found) - set(skipped))
        writer = Writer(self._storage, manifest, layout=layout)
        try:
            writer.forget(gone)
            for done, file in enumerate(changed, start=1):
                writer.hear(file, model, known=file in known)
                if progress is not None:
                    progress(done, len(changed))
        finally:
            writer.flush()
        self._storage.compact(writer.manifest)
        return AddReport(
            added=tuple(writer.added),
            skipped=tuple(skipped),
            removed=tuple(writer.removed),
            failed=tuple(writer.failed),
            noted=tuple(writer.noted),
        )

    def search(self, text: str, model: Model, *, limit: int = 10, facing: str = "north") -> SearchResult:
        """The windows that fit a sentence best; fewer than ``limit`` if the library has fewer, none if it is empty.

        Parameters
        ----------
        text
            What, where, or both: "rain", "from the left", "a dog behind me".
        facing
            Where the front is on the compass.

        Raises
        ------
        InputError
            If the sentence is empty, ``limit`` is less than 1, or the library is another model's.
        """
        query = parse_query(text, facing=facing)
        stated = _stated(query)
        words = [words for words in (query.what, query.text) if query.what]
        what, joint = model.embed_text(words) if words else (None, None)
        return SearchResult(query=query, hits=self._hits(model, what, joint if stated else None, stated, limit))

    def search_like(
        self, recording: Recording, model: Model, *, where: str = "", limit: int = 10, facing: str = "north"
    ) -> SearchResult:
        """The windows most like an example, from the same direction or from a stated one.

        Parameters
        ----------
        where
            Words for another direction, such as "from the left": they replace the spatial embedding of the example at
            its own length (Eq. 3 of the paper). Empty keeps the example's.

        Raises
        ------
        InputError
            If ``where`` names no direction, ``limit`` is less than 1, or the library is another model's.
        """
        example = model.embed_audio([recording])
        if not where:
            return SearchResult(query=None, hits=self._hits(model, example.semantic[0], example.joint[0], None, limit))
        query = parse_query(where, facing=facing)
        stated = _stated(query)
        if stated is None:
            raise InputError(f"{where!r} names no direction; say one such as 'from the left', or leave it out.")
        moved = edit_embeddings(model, example, where)
        return SearchResult(query=query, hits=self._hits(model, moved.semantic[0], moved.joint[0], stated, limit))

    def _hits(
        self, model: Model, what: Vector | None, joint: Vector | None, stated: Stated | None, limit: int
    ) -> tuple[Hit, ...]:
        if limit < 1:
            raise InputError(f"limit is {limit} but must be at least 1.")
        rows = self._rows(model)
        if rows is None:
            return ()
        whats = None if what is None else cosines(rows.semantic, what)
        joints = None if joint is None else cosines(rows.joint, joint)
        places = None if stated is None else place_agreement(rows.places, stated)
        scores = blended(whats, joints, places)
        best = np.argsort(-scores, kind="stable")[:limit]
        return tuple(
            Hit(
                score=float(scores[row]),
                what=None if whats is None else float(whats[row]),
                where=None if places is None or places[row] == UNKNOWN_PLACE else float(places[row]),
                **rows.said(int(row)),
            )
            for row in best
        )

    def _rows(self, model: Model) -> Rows | None:
        manifest = self._manifest(model)
        if self._searched is None or self._searched[0] != manifest:
            self._searched = manifest, load_rows(self._storage.contents(manifest), _joint_weight(model))
        return self._searched[1]

    def _manifest(self, model: Model) -> Manifest:
        manifest = self._storage.manifest()
        if manifest is None:
            return Manifest(model=model.digest, model_name=model.config.name)
        if manifest.model != model.digest:
            raise InputError(
                f"{self.path} was made with the model {manifest.model_name} ({manifest.model}), not with "
                f"{model.config.name} ({model.digest}); use that model, or index into a new folder."
            )
        return manifest


def _stated(query: Query) -> Stated | None:
    """The place that a query asks for, or None if it asks for none."""
    if query.azimuth_deg is None and query.elevation is None:
        return None
    return Stated(query.azimuth_deg, None if query.elevation is None else BANDS_DEG[query.elevation])


def _joint_weight(model: Model) -> Vector:
    """The weight s of Eq. 2."""
    return model.network.joint_weight.detach().float().cpu().numpy()

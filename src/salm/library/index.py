"""A searchable library of recordings: add folders, search by words, by example, by direction.

Every window of the model is one row: its embeddings, where its sound is, and how sure that is.
:mod:`salm.library.query` has the language of searches, :mod:`salm.library.scoring` what they score,
:mod:`salm.library.storage` the files, and :mod:`salm.library.server` what is kept on a server instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from salm.audio.recording import Recording
from salm.errors import InputError
from salm.library.adding import Failure, Moved, Noted, Writer
from salm.library.approximate import FaissBackend
from salm.library.backend import Backend
from salm.library.files import audio_files, is_under
from salm.library.folder import FolderBackend
from salm.library.query import Query, parse_query, parse_where
from salm.library.question import Question, asked, asked_like
from salm.library.server import QdrantBackend, is_address
from salm.library.storage import libraries_in
from salm.model.inference import Model

__all__ = ["AddReport", "Failure", "Hit", "Library", "Method", "Moved", "Noted", "SearchResult"]

Method = Literal["exact", "faiss"]
"""How a library in a folder is searched."""

MOST_NAMED = 3
"""Libraries that a refusal names."""


@dataclass(frozen=True, kw_only=True)
class AddReport:
    """What became of every file."""

    added: tuple[str, ...]
    """Now in the library, new or because they had changed; of a copy of what was known nothing had to be heard."""
    skipped: tuple[str, ...]
    """Already there, with the same size and time of change or with the same content."""
    moved: tuple[Moved, ...]
    """Were in the library under another name, where they are no longer; nothing had to be heard."""
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
    """A folder, or a collection of a Qdrant server, that remembers what a model heard in recordings.

    Parameters
    ----------
    path
        Folder of the library, made when something is added; or the address of a Qdrant server and the name of a
        collection there, such as ``http://localhost:6333/takes``.
    method
        How a folder is searched: ``exact``, or through ``faiss`` (extra ``search``), which looks at a part of a large
        library only.
    must_exist
        Refuse a folder that is no library yet.
    backend
        What keeps and searches the windows, in place of one for the path.

    Raises
    ------
    InputError
        If the path is a file, there must be a library and there is none, or an extra is not installed.

    Notes
    -----
    A library belongs to the weights that made it, by their digest: vectors of two models are not comparable. One
    process may add at a time; any number may search meanwhile, and see every part that is complete.

    Examples
    --------
    >>> library = Library("my.library")  # doctest: +SKIP
    >>> library.add("recordings/", model)  # doctest: +SKIP
    >>> library.search("rain AND dog from:left NOT music", model).hits  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | Path,
        *,
        method: Method = "exact",
        must_exist: bool = False,
        backend: Backend | None = None,
    ) -> None:
        self.path: str | Path = str(path) if is_address(path) else Path(path)
        self._backend = backend or _backend(self.path, method)
        if must_exist and self._backend.mark() is None:
            raise InputError(f"{self.path} is no library; {_instead(self.path)}")

    @property
    def files(self) -> tuple[str, ...]:
        """Absolute paths of the recordings in the library, sorted."""
        return tuple(sorted(self._backend.files()))

    def __len__(self) -> int:
        """Number of windows in the library."""
        return sum(file.windows for file in self._backend.files().values())

    def add(
        self,
        paths: str | Path | Sequence[str | Path],
        model: Model,
        *,
        layout: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> AddReport:
        """Index files, and everything in folders that ends like audio; what has not changed is skipped.

        A file is known by its size and time of change, and otherwise by its content: one that was moved, renamed,
        copied or only touched is not heard again. Files that are gone from the folders leave the library. A file that
        cannot be read is reported and does not stop the others. What was heard is kept every 64 files and when
        interrupted; adding again goes on from there, also after the process was killed.

        Parameters
        ----------
        paths
            Files or folders.
        layout
            What the channels of all files are, if that is known; as `salm.read` takes it.
        progress
            Called with the number of files done and their total, after each file that was not skipped at once.

        Raises
        ------
        InputError
            If a path does not exist, the library is another model's or being written by another process, or it cannot
            be written.
        """
        chosen = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
        found = audio_files(chosen)
        self._check(model)
        with self._backend.writing():
            self._check(model)
            writer = Writer(self._backend, model, layout=layout)
            skipped = [file for file in found if writer.unchanged(file)]
            changed = sorted(set(found) - set(skipped))
            try:
                for done, file in enumerate(changed, start=1):
                    writer.take(file)
                    if progress is not None:
                        progress(done, len(changed))
                writer.forget_missing(file for file in writer.missing() if is_under(file, chosen))
            finally:
                writer.flush()
        return AddReport(
            added=tuple(writer.added),
            skipped=tuple(skipped + writer.same),
            moved=tuple(writer.moved),
            removed=tuple(writer.removed),
            failed=tuple(writer.failed),
            noted=tuple(writer.noted),
        )

    def search(self, text: str, model: Model, *, limit: int = 10, facing: str = "north") -> SearchResult:
        """The windows that fit a query best; fewer than ``limit`` if fewer meet it, none if the library is empty.

        Parameters
        ----------
        text
            What, where, or both: "rain", "from the left", "a dog behind me", "rain AND dog from:left NOT music".
        facing
            Where the front is on the compass.

        Raises
        ------
        InputError
            If the query cannot be understood, ``limit`` is less than 1, or the library is another model's.
        """
        query = parse_query(text, facing=facing)
        self._check(model)
        return SearchResult(query=query, hits=self._hits(asked(query, model), limit))

    def search_like(
        self, recording: Recording, model: Model, *, where: str = "", limit: int = 10, facing: str = "north"
    ) -> SearchResult:
        """The windows most like an example, from the same direction or from a stated one.

        Parameters
        ----------
        where
            Words for another direction, such as "from the left" or "like this but from behind": they replace the
            spatial embedding of the example at its own length (Eq. 3 of the paper). Empty keeps the example's.
            Conditions and what is not wanted may stand beside it.

        Raises
        ------
        InputError
            If ``where`` cannot be understood or says what to find, ``limit`` is less than 1, or the library is another
            model's.
        """
        query = parse_where(where, facing=facing)
        self._check(model)
        question = asked_like(query, model, model.embed_audio([recording]))
        return SearchResult(query=query if where.strip() else None, hits=self._hits(question, limit))

    def _hits(self, question: Question, limit: int) -> tuple[Hit, ...]:
        if limit < 1:
            raise InputError(f"limit is {limit} but must be at least 1.")
        return tuple(
            Hit(file=f.file, score=f.score, what=f.what, where=f.where, **f.windows.said(f.row))
            for f in self._backend.best(question, limit=limit)
        )

    def _check(self, model: Model) -> None:
        mark = self._backend.mark()
        if mark is not None and mark.digest != model.digest:
            raise InputError(
                f"{self.path} was made with the model {mark.name} ({mark.digest}), not with "
                f"{model.config.name} ({model.digest}); use that model, or index into a new folder."
            )


def _instead(path: str | Path) -> str:
    """What to do where there is no library: take one that stands in the folder, or make one."""
    inside = [] if isinstance(path, str) else libraries_in(path)
    if not inside:
        return f"make one with: salm index add FOLDER --to {path}"
    more = f" and {len(inside) - MOST_NAMED} more" if len(inside) > MOST_NAMED else ""
    return f"in that folder there is {', '.join(map(str, inside[:MOST_NAMED]))}{more}."


def _backend(path: str | Path, method: Method) -> Backend:
    if isinstance(path, str):
        return QdrantBackend(path)
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file but a library is a folder; give another path.")
    if method == "faiss":
        return FaissBackend(path)
    return FolderBackend(path)

"""What a library asks of the place where its windows are kept: a folder, or a server."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Float32

from salm.library.question import Question
from salm.library.storage import IndexedFile, Mark
from salm.library.windows import Windows

__all__ = ["Backend", "Found"]

Vector = Float32[np.ndarray, " width"]


class Found(NamedTuple):
    """One window that fits a question."""

    file: str
    windows: Windows
    row: int
    """Which of the windows it is."""
    score: float
    what: float | None
    """Worst cosine similarity of what is heard with the words for it, or the example; None without any."""
    where: float | None
    """Worst agreement with a stated place, 0 to 1; None if none is stated, or the window's place is not known."""


class Backend(Protocol):
    """Where the windows of a library are kept, and which of them fit a question best."""

    def mark(self) -> Mark | None:
        """The model that made the embeddings; None as long as there are none."""

    def files(self) -> dict[str, IndexedFile]:
        """Every file in the library, by its path."""

    def writing(self) -> AbstractContextManager[None]:
        """Be the one who writes; what is written is tidied up in the end."""

    def windows_of(self, file: IndexedFile) -> Windows | None:
        """The windows of a file as they are kept, or None if it is not kept as it is described."""

    def put(self, mark: Mark, files: Sequence[IndexedFile], windows: Windows | None, *, joint_weight: Vector) -> None:
        """Keep files, each once, and their windows in order; one without windows is taken out."""

    def best(self, question: Question, *, limit: int) -> list[Found]:
        """The windows that fit best, best first; equal ones by file and time."""

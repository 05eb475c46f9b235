"""The libraries that a server was started with, by name: searched, and heard."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from salm.audio.recording import Recording
from salm.errors import InputError
from salm.library.index import Library
from salm.model.inference import Model

__all__ = ["Shelf"]


class Shelf:
    """Libraries by name."""

    def __init__(self, libraries: Mapping[str, Library], model: Model) -> None:
        self._libraries, self._model = dict(libraries), model

    def names(self) -> list[str]:
        """In the order they were given."""
        return list(self._libraries)

    def search(
        self, name: str, text: str, *, example: Recording | None = None, limit: int = 10, facing: str = "north"
    ) -> dict[str, Any]:
        """As ``salm search`` answers; files are named below their common folder, and ``sound`` is where to hear them.

        Raises
        ------
        InputError
            If there is no such library, or it cannot be searched so.
        """
        library = self._library(name)
        if example is None:
            result = library.search(text, self._model, limit=limit, facing=facing)
        else:
            result = library.search_like(example, self._model, where=text, limit=limit, facing=facing)
        root = _common_folder(library.files)
        hits = [asdict(hit) for hit in result.hits]
        for hit in hits:
            hit["sound"] = f"/api/libraries/{quote(name)}/sounds/{_key(hit['file'])}"
            # Names need not be Unicode, which JSON must be.
            hit["file"] = os.path.relpath(hit["file"], root).encode(errors="backslashreplace").decode()
        return {"query": result.query.to_dict() if result.query else None, "hits": hits}

    def sound(self, name: str, key: str) -> Path:
        """The file of a hit.

        Raises
        ------
        InputError
            If the library has none with this key.
        """
        for file in self._library(name).files:
            if _key(file) == key:
                return Path(file)
        raise InputError("the library has no such recording any more; search again.")

    def _library(self, name: str) -> Library:
        if name not in self._libraries:
            known = f"there are {', '.join(self._libraries)}" if self._libraries else "none was given to salm serve"
            raise InputError(f"there is no library {name!r}; {known}.")
        return self._libraries[name]


def _key(file: str) -> str:
    """What stands for a file in an address; it opens nothing but what is in the library."""
    return hashlib.sha256(file.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _common_folder(files: tuple[str, ...]) -> str:
    return os.path.commonpath([os.path.dirname(file) for file in files]) if files else ""

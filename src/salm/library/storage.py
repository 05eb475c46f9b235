"""A library on disk: parts that are only ever added, and one small file that says which of them count.

The folder of a library holds::

    library.json              schema, digest and name of the model, the parts that count
    part-000001.jsonl         one line a file: path, size, time of change, and the windows that were heard
    part-000001.safetensors   semantic and spatial embeddings, one row a window in the order of the lines

A file in a later part replaces the same file in the earlier ones, and one without windows has been taken out.
``library.json`` is renamed into place last: whatever interrupts a writer, readers see the library as it was before or
after, never half of it. One process may write at a time.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float16
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from salm.errors import InputError
from salm.whole import written_whole

__all__ = ["SCHEMA", "Contents", "IndexedFile", "Manifest", "Storage", "Vectors", "Window"]

SCHEMA = 1
"""Version of the layout above."""

MANIFEST = "library.json"

MAX_PARTS = 16
"""More parts than this are merged: rewriting a large library for every file that is added would be slow."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """What is known of one window of a file, besides its embeddings."""

    start_s: float
    end_s: float
    azimuth_deg: float | None
    elevation_deg: float | None
    ambiguity: str | None
    confidence: float


@dataclass(frozen=True, kw_only=True)
class IndexedFile:
    """One file and its windows; without windows it has been taken out of the library."""

    file: str
    size: int = -1
    """In bytes, when it was heard."""
    changed_ns: int = -1
    """Time of its last change in nanoseconds, when it was heard."""
    windows: tuple[Window, ...] = ()


class Vectors(NamedTuple):
    """Raw embeddings of windows, in half precision: Eq. 3 needs their length."""

    semantic: Float16[np.ndarray, "window width"]
    spatial: Float16[np.ndarray, "window width"]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What ``library.json`` says."""

    model: str
    """Digest of the weights that made the embeddings."""
    model_name: str
    parts: tuple[str, ...] = ()
    """Names of the parts that count, oldest first."""


class Contents(NamedTuple):
    """Everything in a library: files, and one row of vectors for each of their windows in order."""

    files: tuple[IndexedFile, ...]
    vectors: Vectors | None
    """None if there are no windows."""


class Storage:
    """The folder of a library; nothing is written before the first part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def manifest(self) -> Manifest | None:
        """What the library says of itself, or None if there is none yet.

        Raises
        ------
        InputError
            If the file is not readable or of another version.
        """
        path = self.folder / MANIFEST
        if not path.exists():
            return None
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            if plain["schema"] != SCHEMA:
                raise InputError(f"{path} has schema {plain['schema']!r} but this version reads {SCHEMA}; index anew.")
            return Manifest(model=plain["model"], model_name=plain["model_name"], parts=tuple(plain["parts"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path} is not the description of a library: {error}.") from error

    def files(self, manifest: Manifest | None) -> dict[str, IndexedFile]:
        """The latest state of every file that is in the library, by its path."""
        latest: dict[str, IndexedFile] = {}
        for part in manifest.parts if manifest else ():
            latest.update((file.file, file) for file in self._read_lines(part))
        return {path: file for path, file in latest.items() if file.windows}

    def contents(self, manifest: Manifest) -> Contents:
        """Everything in the library.

        Raises
        ------
        InputError
            If a part is missing or damaged.
        """
        lines = {part: self._read_lines(part) for part in manifest.parts}
        latest = {file.file: part for part, files in lines.items() for file in files}
        kept_files: list[IndexedFile] = []
        kept_vectors: list[Vectors] = []
        for part, files in lines.items():
            current = [latest[file.file] == part for file in files]
            rows = np.repeat(current, [len(file.windows) for file in files])
            kept_files += [file for file, stays in zip(files, current, strict=True) if stays and file.windows]
            if rows.any():
                kept_vectors.append(Vectors(*(matrix[rows] for matrix in self._read_vectors(part, len(rows)))))
        if not kept_vectors:
            return Contents((), None)
        return Contents(tuple(kept_files), Vectors(*map(np.concatenate, zip(*kept_vectors, strict=True))))

    def append(self, manifest: Manifest, files: Sequence[IndexedFile], vectors: Vectors | None) -> Manifest:
        """Write one more part and make it count; the manifest that now holds."""
        name = self._write_part(files, vectors)
        return self._write_manifest(replace(manifest, parts=(*manifest.parts, name)))

    def compact(self, manifest: Manifest) -> Manifest:
        """Merge the parts into one if there are many, and delete what no longer counts; the manifest that now holds."""
        if len(manifest.parts) > MAX_PARTS:
            name = self._write_part(*self.contents(manifest))
            manifest = self._write_manifest(replace(manifest, parts=(name,)))
        for path in self.folder.glob("part-*"):
            if path.name.split(".")[0] not in manifest.parts:
                path.unlink()
        return manifest

    def _read_lines(self, part: str) -> list[IndexedFile]:
        path = self.folder / f"{part}.jsonl"
        try:
            with path.open(encoding="utf-8") as lines:
                return [_indexed_file(json.loads(line)) for line in lines]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged or missing ({error}); delete the library and index anew.") from error

    def _read_vectors(self, part: str, rows: int) -> Vectors:
        path = self.folder / f"{part}.safetensors"
        try:
            tensors = load_file(path)
            vectors = Vectors(tensors["semantic"], tensors["spatial"])
        except (OSError, SafetensorError, KeyError) as error:
            raise InputError(f"{path} is damaged or missing ({error}); delete the library and index anew.") from error
        if any(len(matrix) != rows for matrix in vectors):
            raise InputError(f"{path} has other rows than its {rows} windows; delete the library and index anew.")
        return vectors

    def _write_part(self, files: Iterable[IndexedFile], vectors: Vectors | None) -> str:
        numbers = [int(path.name[5:11]) for path in self.folder.glob("part-[0-9]*.jsonl")]
        name = f"part-{max(numbers, default=0) + 1:06d}"
        if vectors is not None:
            with written_whole(self.folder / f"{name}.safetensors") as unfinished:
                save_file({"semantic": vectors.semantic, "spatial": vectors.spatial}, unfinished)
        lines = (json.dumps(asdict(file)) for file in files)
        self._write_text(f"{name}.jsonl", "".join(f"{line}\n" for line in lines))
        return name

    def _write_manifest(self, manifest: Manifest) -> Manifest:
        self._write_text(MANIFEST, json.dumps({"schema": SCHEMA, **asdict(manifest)}, indent=1) + "\n")
        return manifest

    def _write_text(self, name: str, content: str) -> None:
        with written_whole(self.folder / name) as unfinished:
            unfinished.write_text(content, encoding="utf-8")


def _indexed_file(plain: dict[str, Any]) -> IndexedFile:
    windows = tuple(Window(**window) for window in plain["windows"])
    return IndexedFile(file=plain["file"], size=plain["size"], changed_ns=plain["changed_ns"], windows=windows)

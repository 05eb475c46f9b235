"""A library on disk: parts that are only ever added, and one small file that says which of them count.

The folder of a library holds::

    library.json                       schema, digest and name of the model, the parts that count
    library.lock                       held by the one process that writes
    part-000001-5f3a90c1.jsonl         one line a file: path, size, time of change, digest, number of its windows
    part-000001-5f3a90c1.safetensors   what is known of the windows, a column a fact, in the order of the lines

A file in a later part replaces the same file in the earlier ones, and one without windows has been taken out.
``library.json`` is renamed into place last: whatever interrupts a writer, readers see the library as it was before or
after, never half of it. Columns are memory-mapped, so that many readers share them and none waits for what it does not
look at.
"""

import json
import math
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from filelock import FileLock, Timeout
from jaxtyping import Bool

from salm.errors import InputError
from salm.library.windows import AMBIGUITIES, Windows, joined, some
from salm.whole import tensors_written_whole, written_whole

__all__ = ["SCHEMA", "Contents", "IndexedFile", "Manifest", "Mark", "Part", "Storage", "libraries_in"]

SCHEMA = 2
"""Version of the layout above."""

MANIFEST, LOCK = "library.json", "library.lock"

MAX_PARTS = 16
"""More parts than this are merged: rewriting a large library for every file that is added would be slow."""

_PART = re.compile(r"part-\d+-[0-9a-f]+")
# What belongs to a part: its two files, graphs over it, and what of them is not whole. Nothing else is ever deleted, as
# a library may stand among recordings.
_PIECE = re.compile(rf"({_PART.pattern})\.(?:jsonl|safetensors|\w+\.faiss)(?:[.\w]*\.part)?")

_COLUMNS = [(np.dtype(np.float64), 1)] * 5 + [(np.dtype(np.uint8), 1)] + [(np.dtype(np.float16), 2)] * 2
"""Type and dimensions of the fields of `Windows`."""

_DTYPES = {"F16": np.float16, "F64": np.float64, "U8": np.uint8}


@dataclass(frozen=True, kw_only=True)
class IndexedFile:
    """One file; without windows it has been taken out of the library."""

    file: str
    """Absolute path."""
    size: int = -1
    """In bytes, when it was heard."""
    changed_ns: int = -1
    """Time of its last change in nanoseconds, when it was heard."""
    digest: str = ""
    """Of its content."""
    windows: int = 0

    @property
    def stamp(self) -> tuple[int, int]:
        """What :func:`salm.library.files.stamp` said when it was heard."""
        return self.size, self.changed_ns


class Mark(NamedTuple):
    """The model that made the embeddings."""

    digest: str
    """Of its weights."""
    name: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What ``library.json`` says."""

    model: str
    """Digest of the weights that made the embeddings."""
    model_name: str
    parts: tuple[str, ...] = ()
    """Names of the parts that count, oldest first."""

    @property
    def mark(self) -> Mark:
        """The model that made the embeddings."""
        return Mark(self.model, self.model_name)


class Part(NamedTuple):
    """One part of a library."""

    path: Path
    """Without an ending."""
    files: tuple[IndexedFile, ...]
    windows: Windows | None
    """Memory-mapped; None if there are none."""
    current: Bool[np.ndarray, " file"]
    """Files that no later part replaces."""

    @property
    def rows(self) -> Bool[np.ndarray, " window"]:
        """Windows of the current files."""
        return np.repeat(self.current, [file.windows for file in self.files])


class Contents(NamedTuple):
    """Everything in a library."""

    manifest: Manifest
    parts: tuple[Part, ...]

    @property
    def files(self) -> dict[str, IndexedFile]:
        """Every file that is in the library, by its path."""
        kept = (file for part in self.parts for file, stays in zip(part.files, part.current, strict=True) if stays)
        return {file.file: file for file in kept if file.windows}

    def windows_of(self, wanted: str) -> Windows:
        """The windows of a file that is in the library."""
        for part in reversed(self.parts):
            end = 0
            for file in part.files:
                start, end = end, end + file.windows
                if file.file == wanted and part.windows is not None:
                    return some(part.windows, slice(start, end))
        raise KeyError(wanted)


def libraries_in(folder: Path) -> list[Path]:
    """Libraries that stand directly in a folder, by name."""
    return [manifest.parent for manifest in sorted(folder.glob(f"*/{MANIFEST}"))]


class Storage:
    """The folder of a library; nothing is written before something is added."""

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
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            if plain["schema"] != SCHEMA:
                raise InputError(f"{path} has schema {plain['schema']!r} but this version reads {SCHEMA}; index anew.")
            manifest = Manifest(model=plain["model"], model_name=plain["model_name"], parts=tuple(plain["parts"]))
            if not all(isinstance(name, str) for name in (manifest.model, manifest.model_name, *manifest.parts)):
                raise TypeError("a name in it is no text")
            if wrong := [part for part in manifest.parts if not _PART.fullmatch(part)]:
                raise ValueError(f"{wrong[0]!r} is the name of no part")
            return manifest
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path} is not the description of a library: {error}.") from error

    def contents(self) -> Contents | None:
        """Everything in the library as it is at this moment, or None if there is none.

        Raises
        ------
        InputError
            If a part is missing or damaged.
        """
        while (manifest := self.manifest()) is not None:
            try:
                return self._contents(manifest)
            except InputError:
                # A writer may have merged the parts while they were being read; then there is a newer manifest.
                if self.manifest() == manifest:
                    raise
        return None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one who writes.

        Raises
        ------
        InputError
            If somebody else is, or the folder cannot be written.
        """
        lock = FileLock(self.folder / LOCK, timeout=0)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise InputError(
                f"{self.folder} is being written by another process; try again when it is done."
            ) from error
        except OSError as error:
            raise InputError(f"{self.folder} cannot be written: {error.strerror or error}.") from error
        try:
            yield
        finally:
            lock.release()

    def append(self, manifest: Manifest, files: Sequence[IndexedFile], windows: Windows | None) -> Manifest:
        """Write one more part and make it count; the manifest that now holds.

        Raises
        ------
        InputError
            If it cannot be written: on a full disk, for example. The library stays what it was.
        """
        name = self._write_part(files, windows)
        return self._write_manifest(replace(manifest, parts=(*manifest.parts, name)))

    def tidy(self) -> None:
        """Merge the parts into one if there are many, and delete what no longer counts."""
        contents = self.contents()
        if contents is None:
            return
        manifest = contents.manifest
        if len(manifest.parts) > MAX_PARTS:
            kept = [some(part.windows, part.rows) for part in contents.parts if part.windows is not None]
            files = list(contents.files.values())
            name = self._write_part(files, joined(kept) if files else None)
            manifest = self._write_manifest(replace(manifest, parts=(name,)))
        for path in self.folder.glob("part-*"):
            piece = _PIECE.fullmatch(path.name)
            if piece and piece[1] not in manifest.parts:
                _unlink(path)

    def _contents(self, manifest: Manifest) -> Contents:
        lines = {part: self._read_lines(part) for part in manifest.parts}
        latest = {file.file: part for part, files in lines.items() for file in files}
        parts = (
            Part(
                path=self.folder / part,
                files=files,
                windows=self._map(part, sum(file.windows for file in files)),
                current=np.array([latest[file.file] == part for file in files], np.bool_),
            )
            for part, files in lines.items()
        )
        return Contents(manifest, tuple(parts))

    def _read_lines(self, part: str) -> tuple[IndexedFile, ...]:
        path = self.folder / f"{part}.jsonl"
        try:
            with path.open(encoding="utf-8") as lines:
                files = tuple(IndexedFile(**json.loads(line)) for line in lines)
            kinds = {field.name: field.type for field in fields(IndexedFile)}
            if any(type(value) is not kinds[name] for file in files for name, value in vars(file).items()):
                raise TypeError("a value is of another kind")
            if any(file.windows < 0 for file in files):
                raise ValueError("a file has less than no windows")
            return files
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise _damaged(path, error) from error

    def _map(self, part: str, rows: int) -> Windows | None:
        if not rows:
            return None
        path = self.folder / f"{part}.safetensors"
        try:
            columns = _mapped(path)
            windows = Windows(*(columns[name] for name in Windows._fields))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise _damaged(path, error) from error
        if any(column.shape[:1] != (rows,) for column in windows):
            raise _damaged(path, f"it has not the {rows} windows of its files")
        kinds = [(column.dtype, column.ndim) for column in windows]
        if kinds != _COLUMNS or windows.semantic.shape != windows.spatial.shape:
            raise _damaged(path, "a column is of another kind")
        if not np.isfinite(windows[:2]).all() or np.max(windows.ambiguity, initial=0) >= len(AMBIGUITIES):
            raise _damaged(path, "a window has a time or an ambiguity that there is not")
        if np.isinf(windows[2:4]).any() or not np.isfinite(windows.confidence).all():
            raise _damaged(path, "a window has an angle or a confidence that there is not")
        return windows

    def _write_part(self, files: Sequence[IndexedFile], windows: Windows | None) -> str:
        numbers = [
            int(path.stem.split("-")[1]) for path in self.folder.glob("part-*.jsonl") if _PART.fullmatch(path.stem)
        ]
        # The end differs whenever a part is written, so that whoever remembers a name remembers its content.
        name = f"part-{max(numbers, default=0) + 1:06d}-{secrets.token_hex(4)}"
        if windows is not None:
            columns = {key: torch.from_numpy(np.array(column)) for key, column in windows._asdict().items()}
            tensors_written_whole(self.folder / f"{name}.safetensors", columns)
        self._write_text(f"{name}.jsonl", "".join(f"{json.dumps(asdict(file))}\n" for file in files))
        return name

    def _write_manifest(self, manifest: Manifest) -> Manifest:
        self._write_text(MANIFEST, json.dumps({"schema": SCHEMA, **asdict(manifest)}, indent=1) + "\n")
        return manifest

    def _write_text(self, name: str, content: str) -> None:
        with written_whole(self.folder / name) as unfinished:
            unfinished.write_text(content, encoding="utf-8")


def _mapped(path: Path) -> Mapping[str, np.ndarray]:
    """The tensors of a safetensors file where they are, read when they are looked at."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size) if size < 1_000_000 else b"")
    header.pop("__metadata__", None)
    room = path.stat().st_size - 8 - size
    for name, said in header.items():
        start, stop = said["data_offsets"]
        wanted = math.prod(said["shape"]) * np.dtype(_DTYPES[said["dtype"]]).itemsize
        if not 0 <= start <= stop <= room or stop - start != wanted:
            raise ValueError(f"{name} is not where the header says")
    return {
        name: np.asarray(
            np.memmap(path, _DTYPES[said["dtype"]], "r", 8 + size + said["data_offsets"][0], tuple(said["shape"]))
        )
        for name, said in header.items()
    }


def _damaged(path: Path, reason: object) -> InputError:
    return InputError(f"{path} is damaged or missing ({reason}); delete the library and index anew.")


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        # Somebody is reading it on a system that keeps such files; it goes another time.
        return

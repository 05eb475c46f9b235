"""Spatial captions on disk: JSON lines that a killed run goes on with, and that training reads by row.

The first line is the head: of which scenes the captions are, and how they were asked for. Every other line is one
caption of one scene, in the order of the scenes, and says itself how it came about.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import Int64

from salm.errors import InputError
from salm.scenes.rephrase.ask import Asker, Rephrased
from salm.scenes.storage import SceneTable, mapped
from salm.whole import written_whole

__all__ = ["CaptionFile", "SpatialCaptions", "captions_head", "remembered", "scenes_digest"]

FORMAT = "salm spatial captions 1"
_MAKES = "`salm scenes rephrase` writes such files."


def scenes_digest(path: str | Path) -> str:
    """Digest of the scenes of a file; the same wherever their corpus lies."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        file.readline()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def captions_head(scenes: SceneTable, asker: Asker, *, every_caption: bool) -> dict[str, Any]:
    """First line of a file of captions: all that decides what is in it."""
    return {
        "format": FORMAT,
        "scenes": scenes_digest(scenes.path),
        "every_caption": every_caption,
        "model": asker.model,
        **asdict(asker.settings),
    }


class CaptionFile:
    """A file of captions that is written line by line; what is there already is kept.

    Parameters
    ----------
    path
        The file; it is begun if it is not there.
    head
        What its first line must be.

    Raises
    ------
    InputError
        If there is something else at ``path``, or it cannot be read or written.
    """

    def __init__(self, path: str | Path, *, head: Mapping[str, Any]) -> None:
        self.path = Path(path)
        if not self.path.exists():
            with written_whole(self.path) as part:
                part.write_text(json.dumps(head) + "\n", encoding="utf-8")
        try:
            self._same_head(head)
            self._drop_half_a_line()
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror}.") from error

    def lines(self) -> Iterator[dict[str, Any]]:
        """The captions that are there.

        Raises
        ------
        InputError
            If a line is no caption.
        """
        with self.path.open("rb") as file:
            file.readline()
            for number, line in enumerate(file, 2):
                yield _parsed(line, f"{self.path}, line {number}")

    def add(self, line: Mapping[str, Any]) -> None:
        """Write one more, which is there even if the process is killed."""
        try:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror}.") from error

    def __enter__(self) -> "CaptionFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def _same_head(self, head: Mapping[str, Any]) -> None:
        with self.path.open("rb") as file:
            there = _head(file.readline(), self.path)
        # As JSON, in which a tuple is a list.
        wanted = json.loads(json.dumps(head))
        if other := [name for name in wanted if there.get(name) != wanted[name]]:
            name = other[0]
            difference = f"{_short(there.get(name))}, not {_short(wanted[name])}"
            raise InputError(
                f"{self.path} is there already, of other {name} ({difference}); give a new file, or the same settings "
                "to go on with this one."
            )

    def _drop_half_a_line(self) -> None:
        """Cut off what a killed process has not written to its end."""
        with self.path.open("rb+") as file:
            whole = 0
            for line in file:
                whole += len(line) if line.endswith(b"\n") else 0
            file.truncate(whole)


class SpatialCaptions:
    """Spatial captions of a file, by the row of their scene; a line is parsed when it is asked for.

    Parameters
    ----------
    path
        What ``salm scenes rephrase`` wrote, to its end.
    scenes
        The scenes that they must be of.

    Raises
    ------
    InputError
        If the file cannot be read, is of other scenes, or lacks some.
    """

    head: dict[str, Any]
    """The first line."""

    def __init__(self, path: str | Path, *, scenes: SceneTable) -> None:
        self.path = Path(path)
        self._bytes = mapped(self.path, of="captions", makes=_MAKES)
        self.head = _head(self._bytes.readline(), self.path)
        if self.head["scenes"] != scenes_digest(scenes.path):
            raise InputError(f"{self.path} has captions of other scenes than {scenes.path}; make them anew.")
        self._places = self._places_by_row(rows=int(scenes.rows.max(initial=-1)) + 1)
        if missing := [row for row in scenes.rows.tolist() if self._places[row, 1] < 0]:
            raise InputError(
                f"{self.path} lacks the captions of {len(missing)} scenes, the first of them number {missing[0]}; "
                "the same `salm scenes rephrase`, without --limit, goes on with it."
            )

    def __getitem__(self, row: int) -> dict[str, str]:
        """Spatial caption of each caption of the scene in a row of the file of scenes."""
        start, stop = self._places[row].tolist()
        lines = [json.loads(line) for line in self._bytes[start:stop].splitlines()]
        return {line["caption"]: line["spatial_caption"] for line in lines}

    def _places_by_row(self, *, rows: int) -> Int64[np.ndarray, "row 2"]:
        """Start and stop of the captions of each row, which stand together; -1 where there are none."""
        places = np.full((rows, 2), -1)
        start = self._bytes.tell()
        for number, line in enumerate(iter(self._bytes.readline, b""), 2):
            row = _parsed(line, f"{self.path}, line {number}")["row"]
            stop = start + len(line)
            if row < rows:
                places[row] = start if places[row, 0] < 0 else places[row, 0], stop
            start = stop
        return places

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_bytes": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._bytes = mapped(self.path, of="captions", makes=_MAKES)


def remembered(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Rephrased]]:
    """What was answered, with the key of the request."""
    for line in lines:
        yield (
            line["key"],
            Rephrased(
                spatial_caption=line["spatial_caption"],
                verdict=line["verdict"],
                tries=line["tries"],
                seed=line["seed"],
                refused=tuple((text, check) for text, check in line["refused"]),
            ),
        )


def _head(line: bytes, path: Path) -> dict[str, Any]:
    try:
        head = json.loads(line)
    except (ValueError, RecursionError):
        head = None
    if not line.endswith(b"\n") or not isinstance(head, dict) or head.get("format") != FORMAT:
        raise InputError(f"{path} is there but holds no spatial captions; {_MAKES}")
    return head


def _parsed(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is no JSON: {error}; remove it and what follows.") from error
    if not isinstance(row, dict) or not row.keys() >= _FIELDS or not isinstance(row["row"], int) or row["row"] < 0:
        raise InputError(f"{where} is no caption; {_MAKES}")
    return row


def _short(value: Any) -> str:
    return str(value) if len(str(value)) < 40 else f"{str(value)[:12]}..."


_FIELDS = frozenset({"row", "key", "caption", *Rephrased.__dataclass_fields__})

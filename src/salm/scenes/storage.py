"""Scenes on disk: drawn as JSON lines, read one at a time.

The first line of a file is its head: an object that says at least of which ``corpus`` (a folder; null is the procedural
one) and of which ``split`` the sounds are. Where ``split`` is null each scene begins with its own. If scenes sound
through measured responses, ``responses`` says how their set is opened (`salm.acoustics.measured.ResponsesFrom`).
"""

import copy
import json
import mmap
import re
import sys
from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from jaxtyping import Int64

from salm.acoustics.measured import ResponsesFrom
from salm.acoustics.measured.base import ResponseSet
from salm.errors import InputError
from salm.scenes.corpora import open_corpus
from salm.scenes.corpora.base import Corpus
from salm.scenes.scene import Scene

__all__ = ["MEASURED_SHARE", "SceneTable", "mapped"]

MEASURED_SHARE = 0.5
"""Share of measured scenes unless another one is asked for."""

_SPLIT = re.compile(rb'\s*\{\s*"split"\s*:\s*"([^"\\]*)"')
_SOUND_ID = re.compile(rb'"sound_id"\s*:\s*("(?:[^"\\]|\\.)*")')
_RESPONSES = re.compile(rb'"responses"\s*:\s*("(?:[^"\\]|\\.)*")')
_RESPONSE_ID = re.compile(rb'"response_id"\s*:\s*("(?:[^"\\]|\\.)*")')
_MAKES = "`salm scenes make` writes such files."


class SceneTable(Sequence[Scene]):
    """Scenes of a file, each parsed when it is asked for.

    The file is mapped, so that any number of processes share one copy of it in memory; of each scene only its place in
    the file is kept. A table can be pickled: what comes out of it maps the file again.

    Parameters
    ----------
    path
        What ``salm scenes make`` wrote.

    Raises
    ------
    InputError
        If the file cannot be read or does not begin with a head; on access, if a line is no scene.
    """

    path: Path
    head: dict[str, Any]
    """The first line; ``corpus`` and ``split`` are in it, and ``layout``, if only by default."""
    splits: tuple[str, ...]
    """Split of each scene."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._bytes = mapped(self.path)
        self.head = _head(self._bytes.readline(), self.path)
        stops, splits = [self._bytes.tell()], []
        while line := self._bytes.readline():
            stops.append(self._bytes.tell())
            splits.append(_split(line, self.head["split"]))
        numbers = range(2, len(stops) + 1)
        self._places: Int64[np.ndarray, "scene 3"] = np.stack([stops[:-1], stops[1:], numbers], axis=1)
        self.splits = tuple(splits)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def rows(self) -> Int64[np.ndarray, " scene"]:
        """Number of each scene within the file, from 0; a selection keeps them."""
        return self._places[:, 2] - 2

    def row(self, index: int) -> int:
        """Number of one scene within the file."""
        return int(self._places[index, 2]) - 2

    def count_splits(self) -> dict[str, int]:
        """Number of scenes of each split, in the order in which they appear."""
        return dict(Counter(self.splits))

    def sample_rows(self, count: int, *, seed: int) -> list[int]:
        """Indices of so many scenes by chance, or of all if there are fewer, in order."""
        chosen = np.random.default_rng(seed).choice(len(self), min(count, len(self)), replace=False)
        return sorted(chosen.tolist())

    @overload
    def __getitem__(self, index: int) -> Scene: ...

    @overload
    def __getitem__(self, index: slice) -> list[Scene]: ...

    def __getitem__(self, index: int | slice) -> Scene | list[Scene]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        line, where = self._line(index)
        row = _parsed(line, where)
        row.pop("split", None)
        return _scene(row, where)

    def select(self, *splits: str) -> "SceneTable":
        """Table of the scenes of some splits, in the same order.

        Raises
        ------
        InputError
            If there is no scene of one of the splits.
        """
        there = sorted(set(self.splits))
        if unknown := [split for split in splits if split not in there]:
            raise InputError(f"{self.path} has no scenes of the split {unknown[0]!r}; it has {', '.join(there)}.")
        kept = [row for row, split in enumerate(self.splits) if split in splits]
        selected = copy.copy(self)
        selected._places = self._places[kept]
        selected.splits = tuple(self.splits[row] for row in kept)
        return selected

    def open_corpus(self, *, keep_in_memory: bool = False, check_files: bool = True) -> Corpus:
        """The corpus that the head names; the options are those of :func:`~salm.scenes.corpora.open_corpus`.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        folder, split, layout = (self.head[name] for name in ("corpus", "split", "layout"))
        return open_corpus(folder, split=split, layout=layout, keep_in_memory=keep_in_memory, check_files=check_files)

    def check_sounds(self, known: Container[str], *, corpus: str) -> None:
        """Look for every sound of every scene among known ones, without parsing the scenes.

        Raises
        ------
        InputError
            Of the first sound that is not there.
        """
        for row in range(len(self)):
            line, where = self._line(row)
            for found in _SOUND_ID.findall(line):
                if (sound_id := _text(found, where)) not in known:
                    raise InputError(
                        f"{where}: the corpus {corpus} has no sound {sound_id!r}; make the scenes anew, or complete it."
                    )

    @property
    def responses(self) -> ResponsesFrom | None:
        """How the set of measured responses is opened that the head names; None if it names none."""
        named = self.head.get("responses")
        return None if named is None else ResponsesFrom.from_dict(named)

    def open_responses(self) -> ResponseSet | None:
        """The set of measured responses that the head names; None if it names none.

        Raises
        ------
        InputError
            If it cannot be opened.
        """
        if (named := self.responses) is None:
            return None
        try:
            return named.open()
        except InputError as error:
            raise InputError(f"the measured responses of {self.path}: {error}") from error

    def check_responses(self, responses: ResponseSet | None) -> None:
        """Look for every measured response of every scene in a set, without parsing the scenes.

        Raises
        ------
        InputError
            Of the first scene that sounds through another set, or whose response is not there.
        """
        known = set() if responses is None else {item.id for item in responses.items}
        for row in range(len(self)):
            line, where = self._line(row)
            if (found := _RESPONSES.search(line)) is None:
                continue
            name = _text(found[1], where)
            if responses is None or responses.name != name:
                given = "none" if responses is None else f"those of {responses.name!r}"
                raise InputError(f"{where}: the scene sounds through the responses {name!r} but {given} are given.")
            for quoted in _RESPONSE_ID.findall(line):
                if (response_id := _text(quoted, where)) not in known:
                    raise InputError(
                        f"{where}: the responses {name} have no {response_id!r}; make the scenes anew, "
                        "or complete them."
                    )

    def _line(self, row: int) -> tuple[bytes, str]:
        start, stop, number = self._places[row].tolist()
        return self._bytes[start:stop], f"{self.path}, line {number}"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_bytes": len(self._bytes)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        size = state.pop("_bytes")
        vars(self).update(state)
        self._bytes = mapped(self.path)
        if len(self._bytes) != size:
            raise InputError(f"{self.path} is another file than when it was opened; open it anew.")


def mapped(path: Path, *, of: str = "scenes", makes: str = _MAKES) -> mmap.mmap:
    """The bytes of a file, which all processes that read it share; messages say what it is of, and what makes such."""
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:
        raise InputError(f"{path} is empty; {makes}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read as {of}: {error.strerror}; {makes}") from error


def _head(line: bytes, path: Path) -> dict[str, Any]:
    head = {"layout": "manifest", **_parsed(line, f"{path}, line 1")}
    if not {"corpus", "split"} <= head.keys():
        raise InputError(f"{path} does not begin with the corpus of its scenes; {_MAKES}")
    for name in ("corpus", "split", "layout"):
        if not isinstance(head[name], str | None):
            raise InputError(f"{path}, line 1: the {name} is {head[name]!r} but must be text or null; {_MAKES}")
    if not isinstance(head.get("responses"), dict | None):
        raise InputError(
            f"{path}, line 1: the responses are {head['responses']!r} but must be a table or null; {_MAKES}"
        )
    return head


def _split(line: bytes, split: str | None) -> str:
    own = _SPLIT.match(line)
    # What is no text is said when the line is asked for.
    return sys.intern(own[1].decode(errors="replace")) if own else split or ""


def _parsed(line: bytes, where: str) -> dict[str, Any]:
    try:
        text = line.decode()
        row = json.loads(text)
    except UnicodeDecodeError as error:
        raise InputError(f"{where} cannot be read as scenes: it is no text; {_MAKES}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is no JSON: {error}; {_MAKES}") from error
    if not isinstance(row, dict):
        raise InputError(f"{where} is no scene but {text[:40].strip()}; {_MAKES}")
    return row


def _text(quoted: bytes, where: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError as error:
        raise InputError(f"{where} is no JSON: {error}; {_MAKES}") from error


def _scene(row: dict[str, Any], where: str) -> Scene:
    try:
        return Scene.from_dict(row)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error

"""FSD50K: 51,197 clips of Freesound with labels of 200 AudioSet classes (Fonseca et al. 2022)."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salm.errors import InputError
from salm.scenes.corpora.base import Sound
from salm.scenes.corpora.clips import Clip, ClipCorpus, find_table
from salm.scenes.corpora.licences import licence_of
from salm.table import read_rows

__all__ = ["Fsd50kCorpus", "label_caption", "own_labels"]

_FOLDERS = {"train": ("dev", "train"), "val": ("dev", "val"), "test": ("eval", "test")}
_COLUMNS = {"dev": ("fname", "labels", "split"), "eval": ("fname", "labels")}
_TABLES = ("FSD50K.ground_truth", "ground_truth", "labels", "")
_INFOS = ("FSD50K.metadata", "metadata", "")
_TYPICAL_S = {"dev": 7.1, "eval": 9.8}
_EXPECTED = (
    "FSD50K.ground_truth/dev.csv with the columns fname, labels and split or eval.csv with fname and labels, and the "
    "recordings in FSD50K.dev_audio and FSD50K.eval_audio"
)
_BRACKETS = re.compile(r"_?\(.*?\)")
# Fewer clips than this can always have two labels together by chance.
_SUPPORT = 10


class Fsd50kCorpus(ClipCorpus):
    """The dev set of FSD50K as the splits train and val, as published, and its eval set as test.

    An id is the Freesound number. Nobody wrote captions: one is made of the labels, see `label_caption`, and not of the
    uploaders' titles, which are file names, places and jokes as often as sounds. The licence of each clip is the one
    that ``FSD50K.metadata/dev_clips_info_FSD50K.json`` and its twin for eval say; without them it is unknown. The
    duration is said to be the mean of the set, 7.1 s or 9.8 s, since no file is opened to look.

    Parameters
    ----------
    root
        Folder with ``FSD50K.ground_truth`` and with the recordings in any folders whose names tell dev from eval.
    split
        ``train``, ``val`` or ``test``; None is all three.
    keep_in_memory
        Decode each sound once; see :class:`~salm.scenes.corpora.memory.SoundMemory`.

    Raises
    ------
    InputError
        If there are no tables, none of the split or no recordings; if a table cannot be read or a row is not as
        published; if a clip is there twice.
    """

    name = "FSD50K"
    folders = _FOLDERS
    expected = _EXPECTED

    def _clips(self, root: Path) -> Iterator[Clip]:
        rows = [row for part in _COLUMNS for row in _rows(find_table(root, f"{part}.csv", folders=_TABLES), part)]
        _check_unique(rows, root)
        infos = {part: _infos(find_table(root, f"{part}_clips_info_FSD50K.json", folders=_INFOS)) for part in _COLUMNS}
        for row, labels in zip(rows, own_labels([row.labels for row in rows]), strict=True):
            info = infos[row.part].get(row.name, {})
            licence, licence_class = licence_of(str(info.get("license", "")))
            uploader = str(info.get("uploader", ""))
            sound = Sound(
                id=row.name,
                captions=(label_caption(labels),),
                duration_s=_TYPICAL_S[row.part],
                category=_words(labels[0]),
                split=row.split,
                group=row.name,
                licence=licence,
                licence_class=licence_class,
                attribution=f"{uploader} (Freesound {row.name})" if uploader else "",
            )
            yield Clip(sound=sound, stems=(row.name,))


def label_caption(labels: Sequence[str]) -> str:
    """A sentence that says the labels and no more: ``The sounds of a list, like this and that.``

    Underscores become blanks, what is in brackets is left out and everything is in small letters:
    ``Rattle_(instrument)`` is ``rattle``.
    """
    names = [_words(label).lower() for label in labels]
    if len(names) == 1:
        return f"The sound of {names[0]}."
    return f"The sounds of {', '.join(names[:-1])} and {names[-1]}."


def own_labels(clips: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Labels of each clip without those that only follow from another of its labels.

    FSD50K gives every label's ancestors too: a guitar is a plucked string instrument, a musical instrument and music.
    The tables show which: an ancestor is a label that every clip with another label has as well, and other clips too. A
    label that fewer than ten clips have is taken to imply nothing, since that would be chance.
    """
    single = Counter(label for labels in clips for label in set(labels))
    pairs = Counter((a, b) for labels in clips for a in set(labels) for b in set(labels) if a != b)
    implied = {(a, b) for (a, b), both in pairs.items() if both == single[a] and _SUPPORT <= single[a] < single[b]}
    return [
        tuple(label for label in dict.fromkeys(labels) if not any((other, label) in implied for other in labels))
        for labels in clips
    ]


@dataclass(frozen=True, kw_only=True)
class _Row:
    name: str
    labels: tuple[str, ...]
    split: str
    part: str


def _rows(table: Path | None, part: str) -> Iterator[_Row]:
    for line, row in read_rows(table, required=_COLUMNS[part]) if table else []:
        where = f"{table}, line {line}"
        labels = tuple(filter(None, (label.strip() for label in row["labels"].split(","))))
        if not row["fname"] or not labels:
            raise InputError(f"{where}: the fname or the labels are empty; complete or delete the row.")
        split = row["split"] if part == "dev" else "test"
        if split not in _FOLDERS or (part == "dev" and split == "test"):
            raise InputError(f"{where}: the split is {split!r} but must be train or val.")
        yield _Row(name=row["fname"].removesuffix(".wav"), labels=labels, split=split, part=part)


def _check_unique(rows: Sequence[_Row], root: Path) -> None:
    part_of: dict[str, str] = {}
    for row in rows:
        if (other := part_of.setdefault(row.name, row.part)) != row.part:
            raise InputError(f"{root}: the clip {row.name} is in {other}.csv and in {row.part}.csv; keep it in one.")
    if len(part_of) < len(rows):
        twice = next(name for name, count in Counter(row.name for row in rows).items() if count > 1)
        raise InputError(f"{root}: the clip {twice} has two rows in {part_of[twice]}.csv; keep one.")


def _infos(file: Path | None) -> Mapping[str, Mapping[str, Any]]:
    if file is None:
        return {}
    try:
        infos = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as JSON: {error}.") from error
    if not isinstance(infos, dict) or not all(isinstance(info, dict) for info in infos.values()):
        raise InputError(f"{file} must hold one object a clip, by the clips' names.")
    return infos


def _words(label: str) -> str:
    return _BRACKETS.sub("", label).replace("_", " ").strip()

"""AudioCaps: clips of 10 s from YouTube with a caption, or five in val and test (Kim, Kim, Lee and Kim 2019)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from salm.errors import InputError
from salm.scenes.corpora.base import Sound
from salm.scenes.corpora.clips import Clip, ClipCorpus, find_table
from salm.table import read_rows

__all__ = ["AudioCapsCorpus"]

_FOLDERS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")
_DURATION_S = 10
_EXPECTED = (
    f"train.csv, val.csv or test.csv, there or in dataset/ or csv/, with the columns {', '.join(_COLUMNS)}, and audio "
    "in any folders, named <youtube_id>_<start_time>, <youtube_id>, Y<youtube_id> or <audiocap_id>"
)


@dataclass
class _Rows:
    """What the rows of one clip say."""

    captions: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)


class AudioCapsCorpus(ClipCorpus):
    """AudioCaps: rows with the same YouTube id and start are one clip with several captions.

    An id is ``<youtube_id>_<start_time>``, the start in seconds. The duration of every sound is said to be 10 s.

    Parameters
    ----------
    root
        Folder with the tables ``train.csv``, ``val.csv`` and ``test.csv``, or with ``dataset`` or ``csv`` that holds
        them. Audio is in any folders below, but not in one whose name is that of another split; its names are those
        that the common downloaders give: the clip's id, the YouTube id with or without a leading Y and with or without
        start and end in seconds or milliseconds, or the AudioCaps id of any of its rows.
    split
        ``train``, ``val`` or ``test``; None is all three.
    keep_in_memory
        Decode each sound once; see :class:`~salm.scenes.corpora.memory.SoundMemory`.

    Raises
    ------
    InputError
        If there are no tables, none of the split or no audio; if a table cannot be read or a row lacks an entry.
    """

    name = "AudioCaps"
    folders = _FOLDERS
    expected = _EXPECTED

    def _clips(self, root: Path) -> Iterator[Clip]:
        split_of: dict[tuple[str, float], str] = {}
        for split in _FOLDERS:
            table = find_table(root, f"{split}.csv")
            for (video, start_s), rows in (_rows(table) if table else {}).items():
                other = split_of.setdefault((video, start_s), split)
                if other != split:
                    raise InputError(f"{table}: the clip {video} at {start_s:g} s is in the split {other} too.")
                sound_id = f"{video}_{start_s:g}"
                captions = tuple(rows.captions)
                sound = Sound(id=sound_id, captions=captions, duration_s=_DURATION_S, split=split, group=video)
                yield Clip(sound=sound, stems=(*_stems(video, start_s), *rows.numbers))


def _rows(table: Path) -> dict[tuple[str, float], _Rows]:
    clips: dict[tuple[str, float], _Rows] = {}
    for line, row in read_rows(table, required=_COLUMNS):
        if not row["youtube_id"] or not row["caption"]:
            raise InputError(f"{table}, line {line}: the youtube_id or the caption is empty; complete or delete it.")
        try:
            start_s = float(row["start_time"])
        except ValueError as error:
            raise InputError(f"{table}, line {line}: the start_time {row['start_time']!r} is no number.") from error
        clip = clips.setdefault((row["youtube_id"], start_s), _Rows())
        clip.captions.append(row["caption"])
        clip.numbers.append(row["audiocap_id"])
    return clips


def _stems(video: str, start_s: float) -> Iterator[str]:
    stop_s = start_s + _DURATION_S
    for name in (video, f"Y{video}"):
        yield from (f"{name}_{start_s:g}", f"{name}_{start_s:g}_{stop_s:g}")
        yield from (f"{name}_{1000 * start_s:.0f}", f"{name}_{1000 * start_s:.0f}_{1000 * stop_s:.0f}")
    yield from (video, f"Y{video}")

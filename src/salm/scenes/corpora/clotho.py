"""Clotho v2: Freesound recordings of 15 to 30 s with five captions each (Drossos, Lipping and Virtanen 2020)."""

from collections.abc import Iterator
from pathlib import Path

from salm.errors import InputError
from salm.scenes.corpora.base import Sound
from salm.scenes.corpora.clips import Clip, ClipCorpus, find_table
from salm.table import read_rows

__all__ = ["ClothoCorpus"]

_PARTS = {"train": "development", "val": "validation", "test": "evaluation"}
_FOLDERS = {
    "train": ("development", "dev", "train"),
    "val": ("validation", "val"),
    "test": ("evaluation", "eval", "test"),
}
_CAPTIONS = tuple(f"caption_{number}" for number in range(1, 6))
_TYPICAL_S = 22.5
_EXPECTED = (
    "clotho_captions_development.csv, ..._validation.csv or ..._evaluation.csv with the columns file_name and "
    "caption_1 to caption_5, and the recordings in folders such as clotho_audio_development or development"
)


class ClothoCorpus(ClipCorpus):
    """The parts development, validation and evaluation of Clotho v2 as the splits train, val and test.

    An id is the file name in the table; should a name occur in a second part too, it is preceded there by the name of
    the split. The duration of every sound is said to be 22.5 s, the mean, since no file is opened to look.

    Parameters
    ----------
    root
        Folder with the caption tables (``clotho_captions_development.csv`` and so on) in it or in ``clotho_csv_files``,
        and with the recordings in any folders whose names tell their part, such as ``clotho_audio_development``.
    split
        ``train``, ``val`` or ``test``; None is all three.
    keep_in_memory
        Decode each sound once; see :class:`~salm.scenes.corpora.memory.SoundMemory`.

    Raises
    ------
    InputError
        If there are no tables, none of the split or no recordings; if a table cannot be read or a row lacks its name or
        captions.
    """

    name = "Clotho"
    folders = _FOLDERS
    expected = _EXPECTED

    def _clips(self, root: Path) -> Iterator[Clip]:
        seen: set[str] = set()
        for split, part in _PARTS.items():
            for name, captions in _captions(find_table(root, f"clotho_captions_{part}.csv")).items():
                sound_id = f"{split}/{name}" if name in seen else name
                seen.add(sound_id)
                sound = Sound(id=sound_id, captions=captions, duration_s=_TYPICAL_S, split=split, group=sound_id)
                yield Clip(sound=sound, stems=(Path(name).stem, name))


def _captions(table: Path | None) -> dict[str, tuple[str, ...]]:
    if table is None:
        return {}
    captions: dict[str, tuple[str, ...]] = {}
    for line, row in read_rows(table, required=("file_name", *_CAPTIONS)):
        said = tuple(filter(None, (row[column] for column in _CAPTIONS)))
        if not row["file_name"] or not said:
            raise InputError(f"{table}, line {line}: the file name or every caption is empty; complete or delete it.")
        captions[row["file_name"]] = captions.get(row["file_name"], ()) + said
    return captions

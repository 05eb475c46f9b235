"""ESC-50: 2,000 clips of 5 s in 50 classes and five folds (Piczak 2015)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from salm.errors import InputError
from salm.scenes.corpora.base import Sound
from salm.scenes.corpora.clips import Clip, ClipCorpus, find_table
from salm.table import read_rows

__all__ = ["CAPTIONS", "Esc50Corpus"]

_FOLDS = 5

CAPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "airplane": "An airplane flies.",
        "breathing": "Somebody breathes.",
        "brushing_teeth": "Somebody brushes their teeth.",
        "can_opening": "A can is opened.",
        "car_horn": "A car horn honks.",
        "cat": "A cat meows.",
        "chainsaw": "A chainsaw runs.",
        "chirping_birds": "Birds chirp.",
        "church_bells": "Church bells ring.",
        "clapping": "People clap.",
        "clock_alarm": "An alarm clock goes off.",
        "clock_tick": "A clock ticks.",
        "coughing": "Somebody coughs.",
        "cow": "A cow moos.",
        "crackling_fire": "A fire crackles.",
        "crickets": "Crickets chirp.",
        "crow": "A crow caws.",
        "crying_baby": "A baby cries.",
        "dog": "A dog barks.",
        "door_wood_creaks": "A wooden door creaks.",
        "door_wood_knock": "Somebody knocks at a wooden door.",
        "drinking_sipping": "Somebody drinks in sips.",
        "engine": "An engine runs.",
        "fireworks": "Fireworks go off.",
        "footsteps": "Somebody walks.",
        "frog": "A frog croaks.",
        "glass_breaking": "Glass breaks.",
        "hand_saw": "A hand saw cuts.",
        "helicopter": "A helicopter flies.",
        "hen": "A hen clucks.",
        "insects": "Flying insects buzz.",
        "keyboard_typing": "Somebody types on a keyboard.",
        "laughing": "Somebody laughs.",
        "mouse_click": "A computer mouse clicks.",
        "pig": "A pig grunts.",
        "pouring_water": "Water is poured.",
        "rain": "Rain falls.",
        "rooster": "A rooster crows.",
        "sea_waves": "Waves break at the sea.",
        "sheep": "A sheep bleats.",
        "siren": "A siren wails.",
        "sneezing": "Somebody sneezes.",
        "snoring": "Somebody snores.",
        "thunderstorm": "Thunder rolls in a storm.",
        "toilet_flush": "A toilet is flushed.",
        "train": "A train rolls.",
        "vacuum_cleaner": "A vacuum cleaner runs.",
        "washing_machine": "A washing machine runs.",
        "water_drops": "Water drips.",
        "wind": "Wind blows.",
    }
)
"""What is said of each class: its name as a sentence, and nothing that the name does not hold."""

_COLUMNS = ("filename", "fold", "category", "esc10", "src_file")
_DURATION_S = 5
_EXPECTED = f"meta/esc50.csv with the columns {', '.join(_COLUMNS)}, and the recordings in audio/"
_PLACES = ("", "meta")
_YES, _NO = "true", "false"


class Esc50Corpus(ClipCorpus):
    """ESC-50, one fold of which is the test split, the one before it (before the first, the fifth) val, the rest train.

    An id is the file name and a group the Freesound recording that clips were cut from. Captions are made from the
    class, since nobody wrote any. ESC-10, a part of ten classes, is under CC-BY; all else is under CC-BY-NC.

    Parameters
    ----------
    root
        Folder with ``meta/esc50.csv`` or the table itself, and with the recordings in any folder.
    split
        ``train``, ``val`` or ``test``; None is all three.
    test_fold
        1 to 5; figures over all five are a cross-validation.
    keep_in_memory
        Decode each sound once; see :class:`~salm.scenes.corpora.memory.SoundMemory`.

    Raises
    ------
    InputError
        If there is no such fold, no table, nothing of the split or no recordings; if the table cannot be read or a row
        is not as published; if one Freesound recording is in two folds.
    """

    name = "ESC-50"
    # Nothing in the names of folders tells folds apart.
    folders: ClassVar[Mapping[str, Sequence[str]]] = {"train": (), "val": (), "test": ()}
    expected = _EXPECTED

    def __init__(
        self, root: str | Path, *, split: str | None = None, test_fold: int = 5, keep_in_memory: bool = False
    ) -> None:
        if not 1 <= test_fold <= _FOLDS:
            raise InputError(f"test_fold is {test_fold} but ESC-50 has the folds 1 to {_FOLDS}.")
        self._test_fold = test_fold
        super().__init__(root, split=split, keep_in_memory=keep_in_memory)

    def _clips(self, root: Path) -> Iterator[Clip]:
        table = find_table(root, "esc50.csv", folders=_PLACES)
        fold_of: dict[str, int] = {}
        for line, row in read_rows(table, required=_COLUMNS) if table else []:
            where = f"{table}, line {line}"
            fold = _fold(row["fold"], where)
            if fold_of.setdefault(row["src_file"], fold) != fold:
                raise InputError(
                    f"{where}: the recording {row['src_file']} is in the folds {fold_of[row['src_file']]} and {fold}; "
                    "get the published table, which keeps a recording in one fold."
                )
            yield _clip(row, _split(fold, test_fold=self._test_fold), where)


def _clip(row: Mapping[str, str], split: str, where: str) -> Clip:
    if not row["filename"] or not row["category"]:
        raise InputError(f"{where}: the filename or the category is empty; complete or delete the row.")
    if (esc10 := row["esc10"].lower()) not in (_YES, _NO):
        raise InputError(f"{where}: esc10 is {row['esc10']!r} but must be True or False.")
    name = row["category"].replace("_", " ")
    sound = Sound(
        id=row["filename"],
        captions=(CAPTIONS.get(row["category"], f"The sound of {name}."),),
        duration_s=_DURATION_S,
        category=name.capitalize(),
        split=split,
        group=row["src_file"],
        # The version of the part's licence is not published with it.
        licence="CC-BY" if esc10 == _YES else "CC-BY-NC-3.0",
        licence_class="permissive" if esc10 == _YES else "nc",
        attribution=f"Freesound {row['src_file']}",
    )
    return Clip(sound=sound, stems=(Path(row["filename"]).stem,))


def _fold(text: str, where: str) -> int:
    if text not in map(str, range(1, _FOLDS + 1)):
        raise InputError(f"{where}: the fold is {text!r} but must be 1 to {_FOLDS}.")
    return int(text)


def _split(fold: int, *, test_fold: int) -> str:
    val_fold = test_fold - 1 or _FOLDS
    return {test_fold: "test", val_fold: "val"}.get(fold, "train")

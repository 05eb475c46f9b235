"""ESC-50 as it is published: one table, five folds, and a part under another licence."""

from collections.abc import Callable
from pathlib import Path

import pytest

from salm.errors import InputError
from salm.scenes.captions import holds_place_words
from salm.scenes.corpora.esc50 import CAPTIONS, Esc50Corpus

Touch = Callable[..., None]
HEAD = "filename,fold,target,category,esc10,src_file,take\n"
ROWS = (
    "1-100032-A-0.wav,1,0,dog,True,100032,A\n"
    "2-100786-A-1.wav,2,1,rooster,True,100786,A\n"
    "3-101296-A-19.wav,3,19,thunderstorm,False,101296,A\n"
    "3-101296-B-19.wav,3,19,thunderstorm,False,101296,B\n"
    "4-102844-A-49.wav,4,49,hand_saw,False,102844,A\n"
    "5-103415-A-2.wav,5,2,pig,False,103415,A\n"
)
NAMES = tuple(row.split(",")[0] for row in ROWS.splitlines())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text(HEAD + ROWS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def full(table: Path, touch: Touch) -> Path:
    touch(*NAMES, folder="audio")
    return table


@pytest.mark.parametrize(("fold", "val"), [(5, "4"), (1, "5"), (3, "2")])
def test_folds_are_splits(full: Path, fold: int, val: str) -> None:
    splits = {sound.id: sound.split for sound in Esc50Corpus(full, test_fold=fold).sounds}
    assert splits == {name: {str(fold): "test", val: "val"}.get(name[0], "train") for name in NAMES}
    assert {sound.split for sound in Esc50Corpus(full, split="val").sounds} == {"val"}


def test_clips_of_one_recording_are_a_group(full: Path) -> None:
    groups = [sound.group for sound in Esc50Corpus(full).sounds]
    assert groups == ["100032", "100786", "101296", "101296", "102844", "103415"]


def test_captions_are_made_from_the_classes(full: Path) -> None:
    sounds = Esc50Corpus(full).sounds
    assert [sound.caption for sound in sounds][:3] == ["A dog barks.", "A rooster crows.", "Thunder rolls in a storm."]
    assert (sounds[4].category, sounds[4].duration_s) == ("Hand saw", 5)
    assert len(CAPTIONS) == 50
    assert not [caption for caption in CAPTIONS.values() if holds_place_words(caption)]


def test_esc10_has_another_licence(full: Path) -> None:
    kept = {sound.id[0]: (sound.licence, sound.licence_class) for sound in Esc50Corpus(full).sounds}
    assert kept["1"] == kept["2"] == ("CC-BY", "permissive")
    assert kept["3"] == kept["5"] == ("CC-BY-NC-3.0", "nc")
    assert [sound.id[0] for sound in Esc50Corpus(full).select({"licence_class": "permissive"}).sounds] == ["1", "2"]


def test_a_part_of_the_recordings_is_welcome(table: Path, touch: Touch) -> None:
    touch(NAMES[0], NAMES[4], folder="audio")
    corpus = Esc50Corpus(table)
    assert [sound.id for sound in corpus.sounds] == [NAMES[0], NAMES[4]]
    assert (corpus.name, corpus.missing) == ("ESC-50", 4)


def test_a_class_of_other_tables_is_said_by_its_name(table: Path, touch: Touch) -> None:
    (table / "meta" / "esc50.csv").write_text(HEAD + "1-1-A-50.wav,1,50,steam_train,False,1,A\n", encoding="utf-8")
    touch("1-1-A-50.wav")
    assert Esc50Corpus(table).sounds[0].caption == "The sound of steam train."


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,6,0,dog,True,1,A\n", "line 2: the fold is '6' but must be 1 to 5"),
        ("a.wav,,0,dog,True,1,A\n", "line 2: the fold is '' but must be 1 to 5"),
        ("a.wav,1,0,dog,yes,1,A\n", "line 2: esc10 is 'yes' but must be True or False"),
        ("a.wav,1,0,,True,1,A\n", "line 2: the filename or the category is empty"),
        ("a.wav,1,0,dog,True,1,A\nb.wav,2,0,dog,True,1,B\n", "line 3: the recording 1 is in the folds 1 and 2"),
    ],
)
def test_bad_rows_are_named(table: Path, row: str, message: str) -> None:
    (table / "meta" / "esc50.csv").write_text(HEAD + row, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        Esc50Corpus(table)


def test_what_is_not_there_is_said(tmp_path: Path, table: Path) -> None:
    with pytest.raises(InputError, match="test_fold is 0 but ESC-50 has the folds 1 to 5"):
        Esc50Corpus(table, test_fold=0)
    with pytest.raises(InputError, match=r"audio of none of 6 clips; of ESC-50 is expected: meta/esc50\.csv"):
        Esc50Corpus(table)
    with pytest.raises(InputError, match="is no folder; of ESC-50 is expected"):
        Esc50Corpus(tmp_path / "gone")

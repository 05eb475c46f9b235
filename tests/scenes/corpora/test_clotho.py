"""Clotho as it lies on disks: several layouts, odd names, copies of a part."""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.errors import InputError
from salm.scenes.corpora.clotho import ClothoCorpus

PARTS = {"train": "development", "val": "validation", "test": "evaluation"}
LAYOUTS = {
    "plain": "{part}",
    "prefixed": "clotho_audio_{part}",
    "nested": "clotho_audio_{part}/{part}",
    "together": "clotho_audio_files/{part}",
    "upper": "Clotho_Audio/{part}",
}

Tables = Callable[..., None]


@pytest.fixture
def tables(clotho_table: Tables) -> None:
    """Two clips of each part."""
    for split, part in PARTS.items():
        clotho_table(part, [f"{split} a.wav", f"{split} b.wav"])


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_is_read(tmp_path: Path, tables: None, touch: Tables, layout: str) -> None:
    for split, part in PARTS.items():
        touch(f"{split} a.wav", f"{split} b.wav", folder=layout.format(part=part))
    corpus = ClothoCorpus(tmp_path)
    assert (len(corpus.sounds), corpus.missing, corpus.name) == (6, 0, "Clotho")
    assert {sound.id: sound.split for sound in corpus.sounds} == {
        f"{split} {name}.wav": split for split in PARTS for name in "ab"
    }


@pytest.mark.parametrize("folder", ["", "clotho_csv_files", "csv"])
def test_tables_are_found_in_their_usual_folders(
    tmp_path: Path, clotho_table: Tables, touch: Tables, folder: str
) -> None:
    clotho_table("evaluation", ["rain.wav"], folder=folder)
    touch("rain.wav", folder="evaluation")
    (sound,) = ClothoCorpus(tmp_path, split="test").sounds
    assert sound.captions == tuple(f"rain.wav is heard, {number}." for number in range(1, 6))
    assert sound.caption == "rain.wav is heard, 1."


def test_one_split_is_selected(tmp_path: Path, tables: None, touch: Tables) -> None:
    touch("train a.wav", "val b.wav", folder="audio")
    for split, missing in (("train", 1), ("val", 1), (None, 4)):
        corpus = ClothoCorpus(tmp_path, split=split)
        assert {sound.split for sound in corpus.sounds} == ({split} if split else {"train", "val"})
        assert corpus.missing == missing
    with pytest.raises(InputError, match=r"audio of none of 2 clips; of Clotho is expected: clotho_captions_dev"):
        ClothoCorpus(tmp_path, split="test")
    with pytest.raises(InputError, match="no table of the split 'dev' of Clotho; it has train, val, test"):
        ClothoCorpus(tmp_path, split="dev")


@pytest.mark.parametrize(
    "name",
    [
        "Rain, heavy, on a roof.wav",
        'He said "hello".wav',
        "Caf\u00e9 M\u00fcller \u2013 \u96e8.wav",
        "20090407.cricket.real.close.wav",
        "=SUM(A1).wav",
        "#3 {loop} [1] & 50%.wav",
    ],
)
def test_odd_names_are_ids(tmp_path: Path, clotho_table: Tables, touch: Tables, name: str) -> None:
    clotho_table("development", [name, "other.wav"])
    touch(name, folder="development")
    corpus = ClothoCorpus(tmp_path)
    assert [sound.id for sound in corpus.sounds] == [name]
    assert corpus.missing == 1


def test_leading_blanks_may_be_lost_on_either_side(tmp_path: Path, clotho_table: Tables, touch: Tables) -> None:
    clotho_table("development", [" dog.wav", "bell.wav"])
    touch("dog.wav", " bell.wav", folder="development")
    assert [sound.id for sound in ClothoCorpus(tmp_path).sounds] == ["dog.wav", "bell.wav"]


def test_a_name_in_two_parts_is_two_sounds(
    tmp_path: Path, clotho_table: Tables, tones: Callable[[Mapping[str, float]], None]
) -> None:
    for part in ("development", "evaluation"):
        clotho_table(part, ["rain.wav"])
    tones({"development/rain.wav": 1000.0, "evaluation/rain.wav": 3000.0})
    corpus = ClothoCorpus(tmp_path)
    assert [sound.id for sound in corpus.sounds] == ["rain.wav", "test/rain.wav"]
    for sound_id, hz in (("rain.wav", 1000), ("test/rain.wav", 3000)):
        samples = corpus.audio(sound_id)
        assert len(samples) == 2400
        assert np.argmax(np.abs(np.fft.rfft(samples))) * 10 == hz
    assert pickle.loads(pickle.dumps(corpus)).sounds == corpus.sounds


def test_a_file_of_another_part_is_not_taken(tmp_path: Path, clotho_table: Tables, touch: Tables) -> None:
    clotho_table("development", ["rain.wav"])
    touch("rain.wav", folder="clotho_audio_evaluation")
    with pytest.raises(InputError, match="audio of none of 1 clips"):
        ClothoCorpus(tmp_path)


def test_captions_may_be_fewer_but_not_none(tmp_path: Path, clotho_table: Tables, touch: Tables) -> None:
    touch("rain.wav", folder="development")
    table = tmp_path / "clotho_captions_development.csv"
    head = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\r\n"
    table.write_text(head + 'rain.wav,"Rain, ""hard"" rain.",,Drops.,,\r\n', encoding="utf-8-sig")
    assert ClothoCorpus(tmp_path).sounds[0].captions == ('Rain, "hard" rain.', "Drops.")
    table.write_text(head + "rain.wav,,,,,\r\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"development\.csv, line 2: the file name or every caption is empty"):
        ClothoCorpus(tmp_path)


def test_an_empty_folder_says_what_is_expected(tmp_path: Path) -> None:
    for root, what in ((tmp_path, "holds none of its tables"), (tmp_path / "gone", "is no folder")):
        with pytest.raises(
            InputError, match=f"{what}; of Clotho is expected: clotho_captions_development.csv"
        ) as error:
            ClothoCorpus(root)
        assert "\n" not in str(error.value)


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clotho_captions_validation.csv").write_text("file,caption\na.wav,A.\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"validation\.csv has no column file_name and no column caption_1"):
        ClothoCorpus(tmp_path)


def test_trap_recordings_of_30_s_are_not_cut_and_44100_hz_is_resampled(tmp_path: Path, clotho_table: Tables) -> None:
    clotho_table("development", ["storm.wav"])
    (tmp_path / "development").mkdir()
    # What the captions say happens last: a window of the first 10 s would lose it.
    samples = np.zeros(30 * 44_100, np.float32)
    samples[-44_100:] = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(44_100) / 44_100)
    soundfile.write(tmp_path / "development" / "storm.wav", samples, 44_100)
    heard = ClothoCorpus(tmp_path).audio("storm.wav")
    assert len(heard) == 30 * 24_000
    assert np.argmax(np.abs(np.fft.rfft(heard[-24_000:]))) == 1000

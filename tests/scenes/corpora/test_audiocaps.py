"""AudioCaps as it lies on disks: its real tables, and the names that downloaders give."""

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from salm.errors import InputError
from salm.scenes.corpora.audiocaps import AudioCapsCorpus

Tables = Callable[..., None]

# Ids as YouTube makes them; the last is what a spreadsheet would take for a formula.
IDS = ("abcdefghijk", "-bcdefghij_", "=1+1fghijkl")
NAMES = (
    "{video}.wav",
    "Y{video}.wav",
    "{video}_30.flac",
    "Y{video}_30.wav",
    "{video}_30_40.wav",
    "{video}_30000_40000.mp3",
    "Y{video}_30000.wav",
    "{number}.wav",
)


@pytest.mark.parametrize("video", IDS)
@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_every_downloader_are_known(
    tmp_path: Path, audiocaps_table: Tables, touch: Tables, video: str, name: str
) -> None:
    audiocaps_table("train", [(91139, video, 30, "A dog, barking"), (7, "other678901", 0, "Rain")])
    touch(name.format(video=video, number=91139), folder="audio")
    corpus = AudioCapsCorpus(tmp_path)
    (sound,) = corpus.sounds
    assert (sound.id, sound.captions, sound.group) == (f"{video}_30", ("A dog, barking",), video)
    assert (corpus.missing, corpus.name) == (1, "AudioCaps")


@pytest.mark.parametrize("tables", ["", "dataset", "csv"])
@pytest.mark.parametrize("audio", ["{split}", "audio", "", "waveforms/{split}"])
def test_every_layout_is_read(tmp_path: Path, audiocaps_table: Tables, touch: Tables, tables: str, audio: str) -> None:
    for number, split in enumerate(("train", "val", "test")):
        audiocaps_table(split, [(number, f"{split:_<11}", 0, "Rain")], folder=tables)
        touch(f"{split:_<11}.wav", folder=audio.format(split=split))
    assert [(sound.id, sound.split) for sound in AudioCapsCorpus(tmp_path).sounds] == [
        (f"{split:_<11}_0", split) for split in ("train", "val", "test")
    ]
    (sound,) = AudioCapsCorpus(tmp_path, split="val").sounds
    assert sound.split == "val"


def test_rows_of_one_clip_are_its_captions(tmp_path: Path, audiocaps_table: Tables, touch: Tables) -> None:
    rows = [(number, "abcdefghijk", 30, f"Rain {number}") for number in range(5)]
    audiocaps_table("test", [*rows[:3], (9, "abcdefghijk", 50, "Thunder"), *rows[3:]])
    # The file is named after the fourth of its rows.
    touch("3.wav", folder="test")
    corpus = AudioCapsCorpus(tmp_path)
    (sound,) = corpus.sounds
    assert sound.captions == tuple(f"Rain {number}" for number in range(5))
    assert (sound.id, corpus.missing) == ("abcdefghijk_30", 1)


def test_clips_of_one_video_have_their_own_files(
    tmp_path: Path, audiocaps_table: Tables, tones: Callable[[Mapping[str, float]], None]
) -> None:
    audiocaps_table("train", [(1, "abcdefghijk", 30, "Rain"), (2, "abcdefghijk", 50, "Thunder")])
    tones({"train/abcdefghijk_30.wav": 1000.0, "train/abcdefghijk_50.wav": 3000.0})
    corpus = AudioCapsCorpus(tmp_path, keep_in_memory=True)
    for start_s, hz in ((30, 1000), (50, 3000)):
        assert np.argmax(np.abs(np.fft.rfft(corpus.audio(f"abcdefghijk_{start_s}")))) * 10 == hz


def test_starts_are_seconds_however_they_are_written(tmp_path: Path, audiocaps_table: Tables, touch: Tables) -> None:
    audiocaps_table("val", [(1, "abcdefghijk", "30.0", "Rain"), (2, "abcdefghijk", "30", "Drops")])
    touch("abcdefghijk_30.wav")
    (sound,) = AudioCapsCorpus(tmp_path).sounds
    assert (sound.id, sound.captions) == ("abcdefghijk_30", ("Rain", "Drops"))


def test_trap_what_youtube_has_lost_is_counted(tmp_path: Path, audiocaps_table: Tables, touch: Tables) -> None:
    videos = [f"{number:_<11}" for number in range(20)]
    audiocaps_table("train", [(number, video, 0, "Rain") for number, video in enumerate(videos)])
    touch(*(f"{video}.wav" for video in videos[5:]), folder="train")
    corpus = AudioCapsCorpus(tmp_path)
    assert (len(corpus.sounds), corpus.missing) == (15, 5)
    # What is left is the same as in a full copy.
    touch(*(f"{video}.wav" for video in videos[:5]), folder="train")
    assert AudioCapsCorpus(tmp_path).sounds[5:] == corpus.sounds


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1, "abcdefghijk", "soon", "Rain"), r"train\.csv, line 2: the start_time 'soon' is no number"),
        ((1, "", 30, "Rain"), r"train\.csv, line 2: the youtube_id or the caption is empty"),
        ((1, "abcdefghijk", 30, " "), r"train\.csv, line 2: the youtube_id or the caption is empty"),
    ],
)
def test_bad_rows_are_named(
    tmp_path: Path, audiocaps_table: Tables, row: tuple[object, str, object, str], message: str
) -> None:
    audiocaps_table("train", [row])
    with pytest.raises(InputError, match=message):
        AudioCapsCorpus(tmp_path)


def test_a_clip_in_two_splits_is_refused(tmp_path: Path, audiocaps_table: Tables) -> None:
    for split in ("train", "test"):
        audiocaps_table(split, [(1, "abcdefghijk", 30, "Rain")])
    with pytest.raises(InputError, match=r"test\.csv: the clip abcdefghijk at 30 s is in the split train too"):
        AudioCapsCorpus(tmp_path)


def test_an_empty_folder_says_what_is_expected(tmp_path: Path, audiocaps_table: Tables) -> None:
    with pytest.raises(InputError, match=r"holds none of its tables; of AudioCaps is expected: train\.csv"):
        AudioCapsCorpus(tmp_path)
    audiocaps_table("train", [(1, "abcdefghijk", 30, "Rain")])
    with pytest.raises(InputError, match="the audio of none of 1 clips; of AudioCaps is expected") as error:
        AudioCapsCorpus(tmp_path)
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def real(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the real tables and an empty file for every clip of val and test."""
    tables = shared_dir / "captions" / "audiocaps"
    if not tables.is_dir():
        pytest.skip("the caption tables of AudioCaps are not beside this checkout")
    root = tmp_path_factory.mktemp("audiocaps")
    for split in ("train", "val", "test"):
        (root / f"{split}.csv").write_bytes((tables / f"{split}.csv").read_bytes())
        (root / split).mkdir()
        with (tables / f"{split}.csv").open(encoding="utf-8", newline="") as file:
            videos = {row["youtube_id"] for row in csv.DictReader(file)}
        for video in sorted(videos)[: None if split != "train" else 100]:
            (root / split / f"{video}.wav").touch()
    return root


def test_the_real_tables_are_read(real: Path) -> None:
    corpus = AudioCapsCorpus(real)
    counts = Counter(sound.split for sound in corpus.sounds)
    assert counts == {"train": 100, "val": 495, "test": 975}
    # 51,308 clips in all, of which YouTube has lost some: the paper had 50,956.
    assert len(corpus.sounds) + corpus.missing == 51_308
    assert {(sound.split, len(sound.captions)) for sound in corpus.sounds} == {("train", 1), ("val", 5), ("test", 5)}
    # Ids sort with those that begin with a hyphen first.
    assert sum(sound.id.startswith("-") for sound in corpus.sounds) >= 100

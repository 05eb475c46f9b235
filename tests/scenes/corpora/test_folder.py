import csv
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.errors import InputError
from salm.scenes.corpora.folder import FolderCorpus

ROWS = [
    {
        "file": "dog.wav",
        "caption": "A dog barks.",
        "alt_captions": "A dog.| Barking. |",
        "split": "train",
        "group": "a",
    },
    {
        "file": "sub/bell.wav",
        "caption": "A bell, struck.",
        "split": "test",
        "group": "b",
        "licence_class": "permissive",
    },
    {"file": "rain.wav", "caption": "Rain falls.", "split": "test", "group": "c", "licence_class": "sharealike"},
]
COLUMNS = ["file", "caption", "alt_captions", "split", "group", "licence_class"]


def write_table(folder: Path, rows: list[dict[str, str]], columns: list[str] = COLUMNS) -> None:
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def tone(rate_hz: int, frequency_hz: float, duration_s: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * frequency_hz * np.arange(round(rate_hz * duration_s)) / rate_hz)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    soundfile.write(tmp_path / "dog.wav", 0.25 * tone(48_000, 1000), 48_000)
    soundfile.write(tmp_path / "sub/bell.wav", 1.4 * tone(24_000, 500, 0.25), 24_000, subtype="FLOAT")
    soundfile.write(tmp_path / "rain.wav", np.stack([tone(16_000, 300), tone(16_000, 700)], axis=1), 16_000)
    write_table(tmp_path, ROWS)
    return tmp_path


def test_rows_become_sounds(folder: Path) -> None:
    dog, bell, rain = FolderCorpus(folder).sounds
    assert (dog.id, bell.id, rain.id) == ("dog", "sub/bell", "rain")
    assert dog.captions == ("A dog barks.", "A dog.", "Barking.")
    assert dog.caption == "A dog barks."
    assert bell.captions == ("A bell, struck.",)
    assert (bell.split, bell.group, bell.licence_class) == ("test", "b", "permissive")
    assert (dog.duration_s, bell.duration_s) == (0.5, 0.25)


def test_file_and_caption_are_enough(folder: Path) -> None:
    write_table(folder, ROWS, ["file", "caption"])
    corpus = FolderCorpus(folder)
    assert {sound.split for sound in corpus.sounds} == {"train"}
    assert [sound.group for sound in corpus.sounds] == [sound.id for sound in corpus.sounds]


def test_a_byte_order_mark_is_no_part_of_a_column(folder: Path) -> None:
    table = folder / "manifest.csv"
    table.write_text(table.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert len(FolderCorpus(folder).sounds) == 3


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 48_000])
def test_audio_is_resampled_and_keeps_its_pitch(folder: Path, rate_hz: int) -> None:
    audio = FolderCorpus(folder).audio("dog", rate_hz=rate_hz)
    assert audio.shape == (rate_hz // 2,)
    assert audio.dtype == np.float32
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    assert np.argmax(spectrum) * rate_hz / len(audio) == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("sound_id", ["dog", "sub/bell", "rain"])
def test_quiet_and_clipped_files_come_out_at_minus_3_dbfs(folder: Path, sound_id: str) -> None:
    peak = np.abs(FolderCorpus(folder).audio(sound_id)).max()
    assert 20 * np.log10(peak) == pytest.approx(-3.0, abs=1e-3)


def test_channels_are_averaged(folder: Path) -> None:
    audio = FolderCorpus(folder).audio("rain", rate_hz=16_000)
    expected = tone(16_000, 300) + tone(16_000, 700)
    assert np.corrcoef(audio, expected)[0, 1] > 0.9999


def test_silence_stays_silent(folder: Path) -> None:
    soundfile.write(folder / "dog.wav", np.zeros(2400), 24_000)
    assert not FolderCorpus(folder).audio("dog").any()


@pytest.mark.parametrize("keep_in_memory", [False, True])
def test_audio_is_bit_equal_twice_and_not_shared(folder: Path, keep_in_memory: bool) -> None:
    corpus = FolderCorpus(folder, keep_in_memory=keep_in_memory)
    first = corpus.audio("dog")
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(corpus.audio("dog"), kept)


def test_kept_audio_needs_its_file_no_more_and_is_rounded_to_11_bits(folder: Path) -> None:
    exact = FolderCorpus(folder).audio("dog")
    corpus = FolderCorpus(folder, keep_in_memory=True)
    rounded = corpus.audio("dog")
    (folder / "dog.wav").unlink()
    np.testing.assert_array_equal(corpus.audio("dog"), rounded)
    np.testing.assert_allclose(rounded, exact, rtol=2**-11, atol=2**-24)


def test_selection_by_split_and_columns(folder: Path) -> None:
    corpus = FolderCorpus(folder)
    assert [sound.id for sound in corpus.select(split="test").sounds] == ["sub/bell", "rain"]
    selected = corpus.select(split="test", rows={"licence_class": "permissive", "caption": "A bell, struck."})
    assert [sound.id for sound in selected.sounds] == ["sub/bell"]
    assert len(corpus.sounds) == 3
    np.testing.assert_array_equal(selected.audio("sub/bell"), corpus.audio("sub/bell"))


def test_a_selection_can_be_selected_from_and_pickled(folder: Path) -> None:
    corpus = FolderCorpus(folder).select(split="test").select(rows={"licence_class": "sharealike"})
    assert [sound.id for sound in pickle.loads(pickle.dumps(corpus)).sounds] == ["rain"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "dev"}, r"split 'dev'; there is test, train\."),
        (
            {"rows": {"colour": "red"}},
            r"column 'colour'; there is alt_captions, caption, file, group, licence_class, sp",
        ),
        ({"rows": {"licence_class": "free"}}, r"licence_class 'free'; there is .*permissive, sharealike\."),
        ({"split": "train", "rows": {"licence_class": "permissive"}}, r"licence_class 'permissive'"),
    ],
)
def test_unknown_selections_list_the_known(folder: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FolderCorpus(folder).select(**arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file": "dog" * 500}, r"line 2: the audio file .*dog does not exist"),
        ({"file": "cat.wav"}, r"line 2: the audio file .*cat\.wav does not exist"),
        ({"file": ""}, r"line 2: the file is empty"),
        ({"caption": " "}, r"line 2: the caption is empty"),
        ({"duration_s": "long"}, r"line 2: the duration_s is 'long'"),
        ({"id": "rain"}, r"id 'rain' occurs twice"),
        ({"group": "c"}, r"group 'c' is in the splits train and test"),
    ],
)
def test_bad_rows_are_named(folder: Path, changes: dict[str, str], message: str) -> None:
    write_table(folder, [ROWS[0] | changes, *ROWS[1:]], [*COLUMNS, "id", "duration_s"])
    with pytest.raises(InputError, match=message) as error:
        FolderCorpus(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,title\ndog.wav,A dog.\n", r"no column caption; it has file, title"),
        ("", r"no column file and no column caption"),
        ("file,caption\n", r"lists no sounds"),
        ("file,caption\ndog.wav,A dog, barking.\n", r"line 2: there are more cells than columns"),
        ("file,caption\ndog.wav,\xe9\n".encode("latin-1"), r"cannot be read as a CSV table in UTF-8"),
    ],
)
def test_bad_tables_are_refused(folder: Path, text: str | bytes, message: str) -> None:
    (folder / "manifest.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InputError, match=message) as error:
        FolderCorpus(folder)
    assert "\n" not in str(error.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sounds\.csv does not exist"):
        FolderCorpus(tmp_path, manifest="sounds.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no audio", "no audio file"), (np.zeros(0), "holds no samples"), (np.array([0, np.nan]), "no numbers")],
)
def test_bad_audio_is_named(folder: Path, content: bytes | np.ndarray, message: str) -> None:
    write_table(folder, [row | {"duration_s": "1"} for row in ROWS], [*COLUMNS, "duration_s"])
    if isinstance(content, bytes):
        (folder / "dog.wav").write_bytes(content)
    else:
        soundfile.write(folder / "dog.wav", content, 24_000, subtype="FLOAT")
    with pytest.raises(InputError, match=rf"dog\.wav.*{message}"):
        FolderCorpus(folder).audio("dog")


def test_files_need_not_be_looked_at_before_they_are_asked_for(folder: Path) -> None:
    (folder / "dog.wav").unlink()
    (folder / "rain.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"dog\.wav does not exist"):
        FolderCorpus(folder)
    corpus = FolderCorpus(folder, check_files=False)
    assert [(sound.id, sound.duration_s) for sound in corpus.sounds] == [("dog", 0), ("sub/bell", 0), ("rain", 0)]
    assert len(corpus.audio("sub/bell")) == 6000
    for name in ("dog", "rain"):
        with pytest.raises(InputError, match=rf"{name}\.wav is no audio file that can be read"):
            corpus.audio(name)


def test_an_unknown_sound_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="no sound 'cat'"):
        FolderCorpus(folder).audio("cat")


def test_the_reference_corpus_loads(shared_dir: Path) -> None:
    corpus = FolderCorpus(shared_dir / "corpus").select(split="test", rows={"licence_class": "permissive"})
    assert len(corpus.sounds) == 280
    sound = corpus.sounds[0]
    audio = corpus.audio(sound.id)
    assert len(audio) / 24_000 == pytest.approx(sound.duration_s, abs=0.01)

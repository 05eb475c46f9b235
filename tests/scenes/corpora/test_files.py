"""Files are found by name whatever a copy did to names and folders, by listing folders only."""

import os
import pickle
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.errors import InputError
from salm.scenes.corpora.files import AudioListing, SoundFiles


@pytest.mark.parametrize("suffix", ["wav", "WAV", "flac", "ogg", "mp3"])
def test_a_file_is_found_at_any_depth_and_in_any_format(
    tmp_path: Path, touch: Callable[..., None], suffix: str
) -> None:
    touch(f"dog.{suffix}", "dog.txt", "._dog.wav", folder="a/b")
    assert AudioListing(tmp_path).find(["cat", "dog"], near=()) == tmp_path / "a" / "b" / f"dog.{suffix}"
    assert AudioListing(tmp_path).find(["cat"], near=()) is None


def test_the_first_name_that_there_is_wins(tmp_path: Path, touch: Callable[..., None]) -> None:
    touch("b.wav", "a.wav")
    assert AudioListing(tmp_path).find(["x", "b", "a"], near=()) == tmp_path / "b.wav"


@pytest.mark.parametrize("name", ["Caf\u00e9 \u2013 rain, heavy", " dog", "dog.close.1", "-x=y", "a  b"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_odd_names_are_found(tmp_path: Path, touch: Callable[..., None], name: str, form: str) -> None:
    touch(unicodedata.normalize(form, name) + ".wav")  # type: ignore[arg-type]
    assert AudioListing(tmp_path).find([name], near=()) is not None
    assert AudioListing(tmp_path).find([name.strip()], near=()) is not None


def test_a_folder_of_the_own_split_is_preferred_and_one_of_another_is_not_taken(
    tmp_path: Path, touch: Callable[..., None]
) -> None:
    for folder in ("all", "audio_test", "audio_train/train"):
        touch("dog.wav", folder=folder)
    touch("cat.wav", folder="audio_test")
    touch("cow.wav", folder="latest/train_and_test")
    listing = AudioListing(tmp_path)

    def find(name: str, split: str) -> Path | None:
        return listing.find([name], near=(split,), not_near=("train", "test", "val"))

    assert find("dog", "train") == tmp_path / "audio_train" / "train" / "dog.wav"
    assert find("dog", "val") == tmp_path / "all" / "dog.wav"
    assert find("cat", "train") is None
    # A folder of both splits is of either.
    assert find("cow", "train") == find("cow", "test") == tmp_path / "latest" / "train_and_test" / "cow.wav"


def test_words_in_the_path_to_the_root_do_not_count(tmp_path: Path, touch: Callable[..., None]) -> None:
    touch("dog.wav", folder="test/copy")
    assert AudioListing(tmp_path / "test" / "copy").find(["dog"], near=("train",), not_near=("test",)) is not None


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path: Path, touch: Callable[..., None]) -> None:
    touch("dog.wav", folder="elsewhere")
    touch(folder="root")
    (tmp_path / "root" / "audio").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path / "root")
    assert AudioListing(tmp_path / "root").find(["dog"], near=()) == tmp_path / "root" / "audio" / "dog.wav"


def test_no_file_is_looked_at(tmp_path: Path, touch: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    touch(*(f"{number}.wav" for number in range(50)), folder="audio")
    looked: list[object] = []
    for module, name in ((os, "stat"), (os.path, "isfile"), (os.path, "exists"), (soundfile, "info")):
        original = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, _f=original, **k: looked.append(a) or _f(*a, **k))
    assert AudioListing(tmp_path).find(["49"], near=()) is not None
    assert not [arguments for arguments in looked if ".wav" in str(arguments)]


def test_kept_sounds_go_to_another_process(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "dog.wav", np.linspace(-0.5, 0.5, 480), 24_000)
    files = SoundFiles({"dog": tmp_path / "dog.wav"}, corpus="toys", keep_in_memory=True)
    first = files.audio("dog")
    (tmp_path / "dog.wav").unlink()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(files)).audio("dog"), first)
    with pytest.raises(InputError, match="the corpus toys has no sound 'cat'"):
        files.audio("cat")

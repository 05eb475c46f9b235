"""One door to every corpus."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soundfile

from salm.errors import InputError
from salm.scenes.corpora import open_corpus
from salm.scenes.corpora.audiocaps import AudioCapsCorpus
from salm.scenes.corpora.clotho import ClothoCorpus
from salm.scenes.corpora.esc50 import Esc50Corpus
from salm.scenes.corpora.folder import FolderCorpus
from salm.scenes.corpora.fsd50k import Fsd50kCorpus
from salm.scenes.corpora.procedural import KINDS, ProceduralCorpus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("dog", "bell"):
        soundfile.write(tmp_path / f"{name}.wav", np.random.default_rng(0).uniform(-1, 1, 480), 24_000)
    table = "file,caption,split,mood\ndog.wav,A dog.,train,gay\nbell.wav,A bell.,test,grave\n"
    (tmp_path / "manifest.csv").write_text(table, encoding="utf-8")
    return tmp_path


def test_a_folder_is_opened_at_its_split(folder: Path) -> None:
    for given in (folder, str(folder)):
        corpus = open_corpus(given, split="test")
        assert isinstance(corpus, FolderCorpus)
        assert [sound.id for sound in corpus.sounds] == ["bell"]


def test_rows_of_a_folder_are_selected(folder: Path) -> None:
    assert [sound.id for sound in open_corpus(folder, split="train", rows={"mood": "gay"}).sounds] == ["dog"]
    with pytest.raises(InputError, match="mood 'grave'; there is gay"):
        open_corpus(folder, split="train", rows={"mood": "grave"})


def test_no_folder_is_the_procedural_corpus() -> None:
    corpus = open_corpus(None, split="val", per_kind=2)
    assert isinstance(corpus, ProceduralCorpus)
    assert len(corpus.sounds) == 2 * len(KINDS)
    assert {sound.split for sound in corpus.sounds} == {"val"}


@pytest.mark.parametrize("procedural", [True, False])
def test_keeping_in_memory_rounds_to_float16(folder: Path, procedural: bool) -> None:
    where, sound_id = (None, "knock-test-0000") if procedural else (folder, "bell")
    exact = open_corpus(where, split="test").audio(sound_id)
    kept = open_corpus(where, split="test", keep_in_memory=True).audio(sound_id)
    np.testing.assert_array_equal(kept, exact.astype(np.float16))


def test_rows_of_the_procedural_corpus_are_refused() -> None:
    with pytest.raises(InputError, match="no manifest with a column 'licence_class'"):
        open_corpus(None, split="train", rows={"licence_class": "permissive"})


@pytest.mark.parametrize("procedural", [True, False])
def test_an_unknown_split_lists_those_there_are(folder: Path, procedural: bool) -> None:
    with pytest.raises(InputError, match=r"split 'dev'.*(train, val, test|test, train)"):
        open_corpus(None if procedural else folder, split="dev")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.* does not exist"):
        open_corpus(tmp_path / "nowhere", split="train")


@pytest.mark.parametrize("layout", ["clotho", "audiocaps"])
def test_layouts_of_others_are_opened(tmp_path: Path, layout: Literal["clotho", "audiocaps"]) -> None:
    (tmp_path / "clotho_captions_validation.csv").write_text(
        "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\nabcdefghijk.wav,A,B,C,D,E\n", encoding="utf-8"
    )
    (tmp_path / "val.csv").write_text(
        "audiocap_id,youtube_id,start_time,caption\n1,abcdefghijk,0,A\n", encoding="utf-8"
    )
    soundfile.write(tmp_path / "abcdefghijk.wav", np.random.default_rng(0).uniform(-1, 1, 480), 24_000)
    corpus = open_corpus(tmp_path, split="val", layout=layout)
    assert isinstance(corpus, ClothoCorpus if layout == "clotho" else AudioCapsCorpus)
    assert [sound.split for sound in open_corpus(tmp_path, split=None, layout=layout).sounds] == ["val"]
    kept = open_corpus(tmp_path, split="val", layout=layout, keep_in_memory=True)
    sound_id = kept.sounds[0].id
    np.testing.assert_array_equal(kept.audio(sound_id), corpus.audio(sound_id).astype(np.float16))
    with pytest.raises(InputError, match=r"no manifest with a column 'mood'; of it category, licence, licence_class"):
        open_corpus(tmp_path, split="val", layout=layout, rows={"mood": "gay"})
    with pytest.raises(InputError, match="procedural corpus has a layout and splits of its own"):
        open_corpus(None, split="val", layout=layout)


def test_fsd50k_and_esc50_are_opened_and_selected(tmp_path: Path) -> None:
    for name in ("1.wav", "2.wav"):
        soundfile.write(tmp_path / name, np.random.default_rng(0).uniform(-1, 1, 480), 24_000)
    (tmp_path / "eval.csv").write_text('fname,labels,mids\n1,Rain,/m/1\n2,"Dog,Animal","/m/2,/m/3"\n', encoding="utf-8")
    (tmp_path / "esc50.csv").write_text(
        "filename,fold,target,category,esc10,src_file,take\n1.wav,5,10,rain,True,7,A\n2.wav,5,0,dog,False,8,A\n",
        encoding="utf-8",
    )
    corpora = {layout: open_corpus(tmp_path, split="test", layout=layout) for layout in ("fsd50k", "esc50")}
    assert isinstance(corpora["fsd50k"], Fsd50kCorpus)
    assert isinstance(corpora["esc50"], Esc50Corpus)
    rain = open_corpus(tmp_path, split="test", layout="fsd50k", rows={"category": "Rain"})
    assert [sound.id for sound in rain.sounds] == ["1"]
    free = open_corpus(tmp_path, split="test", layout="esc50", rows={"licence_class": "permissive"})
    assert [sound.id for sound in free.sounds] == ["1.wav"]


def test_all_splits_are_of_a_folder_only(folder: Path) -> None:
    assert [sound.id for sound in open_corpus(folder, split=None).sounds] == ["dog", "bell"]
    with pytest.raises(InputError, match="name a folder, or one split"):
        open_corpus(None, split=None)


def test_an_unknown_layout_lists_those_there_are(folder: Path) -> None:
    with pytest.raises(InputError, match="layout of a corpus is 'wavcaps' but must be manifest, clotho, audiocaps"):
        open_corpus(folder, split="test", layout="wavcaps")  # type: ignore[arg-type]

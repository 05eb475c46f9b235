"""FSD50K as it is published: tables with quoted lists of labels, licences a clip, and copies of a part."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from salm.errors import InputError
from salm.scenes.corpora.fsd50k import Fsd50kCorpus, label_caption, own_labels

Touch = Callable[..., None]
ADDRESS = "http://creativecommons.org/"
LICENCES = {
    "64760": ("publicdomain/zero/1.0/", "CC0-1.0", "permissive"),
    "16399": ("licenses/by/3.0/", "CC-BY-3.0", "permissive"),
    "34119": ("licenses/by-nc/3.0/", "CC-BY-NC-3.0", "nc"),
    "37199": ("licenses/sampling+/1.0/", "CC-Sampling+-1.0", "other"),
}
DEV = (
    'fname,labels,mids,split\n64760,"Dog,Domestic_animals_and_pets,Animal","/m/0bt9lr,/m/068hy,/m/0jbk",train\n'
    '16399,Rain,/m/06mb1,val\n34119,"Rattle_(instrument),Speech","/m/05r5wn,/m/09x0r",train\n'
)
EVAL = 'fname,labels,mids\n37199,"Speech,Human_voice","/m/09x0r,/m/09l8g"\n'


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """The two tables and what is known of the clips, in the folders of the published archives."""
    (tmp_path / "FSD50K.ground_truth").mkdir()
    (tmp_path / "FSD50K.ground_truth" / "dev.csv").write_text(DEV, encoding="utf-8")
    (tmp_path / "FSD50K.ground_truth" / "eval.csv").write_text(EVAL, encoding="utf-8")
    (tmp_path / "FSD50K.metadata").mkdir()
    for part, names in (("dev", ("64760", "16399", "34119")), ("eval", ("37199",))):
        infos = {
            name: {"title": "DOG left.wav", "tags": [], "license": ADDRESS + LICENCES[name][0], "uploader": f"u{name}"}
            for name in names
        }
        file = tmp_path / "FSD50K.metadata" / f"{part}_clips_info_FSD50K.json"
        file.write_text(json.dumps(infos), encoding="utf-8")
    return tmp_path


@pytest.fixture
def full(tables: Path, tones: Callable[[Mapping[str, float]], None]) -> Path:
    """A full copy of the tables above, each clip with a tone of its own."""
    tones({f"FSD50K.dev_audio/{name}.wav": 1000.0 * n for n, name in enumerate(("64760", "16399", "34119"), 1)})
    tones({"FSD50K.eval_audio/37199.wav": 4000.0})
    return tables


def test_splits_are_those_published(full: Path) -> None:
    corpus = Fsd50kCorpus(full)
    assert {sound.id: sound.split for sound in corpus.sounds} == {
        "64760": "train",
        "16399": "val",
        "34119": "train",
        "37199": "test",
    }
    assert (corpus.name, corpus.missing) == ("FSD50K", 0)
    for split, count in (("train", 2), ("val", 1), ("test", 1)):
        assert len(Fsd50kCorpus(full, split=split).sounds) == count


def test_a_list_of_labels_in_a_quoted_cell_is_a_sentence(full: Path) -> None:
    captions = {sound.id: sound.captions for sound in Fsd50kCorpus(full).sounds}
    assert captions == {
        "64760": ("The sounds of dog, domestic animals and pets and animal.",),
        "16399": ("The sound of rain.",),
        "34119": ("The sounds of rattle and speech.",),
        "37199": ("The sounds of speech and human voice.",),
    }


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["Electric_guitar"], "The sound of electric guitar."),
        (["Rain", "Wind"], "The sounds of rain and wind."),
        (["Hi-hat", "Motor_vehicle_(road)", "Speech"], "The sounds of hi-hat, motor vehicle and speech."),
    ],
)
def test_a_caption_says_the_labels_and_no_more(labels: Sequence[str], expected: str) -> None:
    assert label_caption(labels) == expected


def test_labels_that_only_follow_from_others_are_left_out() -> None:
    guitars = [("Electric_guitar", "Guitar", "Music")] * 10 + [("Acoustic_guitar", "Guitar", "Music")] * 10
    others = [("Guitar", "Music"), ("Drum", "Music"), ("Rain", "Electric_guitar", "Guitar", "Music"), ("Music",)]
    own = own_labels([*guitars, *others])
    assert Counter(own[:20]) == {("Electric_guitar",): 10, ("Acoustic_guitar",): 10}
    # A drum that is heard once, with music, does not show that drums are music.
    assert own[20:] == [("Guitar",), ("Drum", "Music"), ("Rain", "Electric_guitar"), ("Music",)]


def test_labels_that_are_always_together_all_stay() -> None:
    assert own_labels([("Sliding_door", "Door")] * 10) == [("Sliding_door", "Door")] * 10


def test_the_licence_is_each_clips_own(full: Path) -> None:
    for sound in Fsd50kCorpus(full).sounds:
        assert (sound.licence, sound.licence_class) == LICENCES[sound.id][1:]
        assert sound.attribution == f"u{sound.id} (Freesound {sound.id})"


def test_clips_are_selected_by_what_their_licence_allows(full: Path) -> None:
    permissive = Fsd50kCorpus(full).select({"licence_class": "permissive"})
    assert [sound.id for sound in permissive.sounds] == ["64760", "16399"]
    with pytest.raises(InputError, match="no sound of the corpus FSD50K has the licence 'MIT'; there is CC-BY-3"):
        Fsd50kCorpus(full).select({"licence": "MIT"})
    with pytest.raises(InputError, match="FSD50K has no manifest with a column 'mood'; of it category, licence, lic"):
        Fsd50kCorpus(full).select({"mood": "gay"})


def test_without_metadata_the_licence_is_unknown(full: Path) -> None:
    (full / "FSD50K.metadata" / "dev_clips_info_FSD50K.json").unlink()
    sounds = {sound.id: sound for sound in Fsd50kCorpus(full).sounds}
    assert (sounds["64760"].licence, sounds["64760"].licence_class, sounds["64760"].attribution) == ("", "", "")
    assert sounds["37199"].licence_class == "other"


def test_each_clip_is_its_own_file(full: Path) -> None:
    corpus = Fsd50kCorpus(full)
    for name, hz in (("64760", 1000), ("16399", 2000), ("37199", 4000)):
        assert np.argmax(np.abs(np.fft.rfft(corpus.audio(name)))) * 10 == hz


def test_a_file_of_eval_is_none_of_dev(tables: Path, touch: Touch) -> None:
    touch("64760.wav", "37199.wav", folder="FSD50K.eval_audio")
    corpus = Fsd50kCorpus(tables)
    assert [sound.id for sound in corpus.sounds] == ["37199"]
    assert corpus.missing == 3


@pytest.mark.parametrize("folders", [("clips/dev", "clips/eval"), ("dev_audio", "eval_audio"), ("", "")])
def test_mirrors_name_folders_otherwise(tables: Path, touch: Touch, folders: tuple[str, str]) -> None:
    (tables / "FSD50K.ground_truth").rename(tables / "labels")
    touch("64760.wav", "16399.wav", folder=folders[0])
    touch("37199.wav", folder=folders[1])
    corpus = Fsd50kCorpus(tables)
    assert [sound.id for sound in corpus.sounds] == ["64760", "16399", "37199"]
    assert corpus.missing == 1


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        ("dev", "fname,labels,mids\n1,Rain,/m/1\n", r"dev\.csv has no column split"),
        ("dev", "fname,labels,mids,split\n1,Rain,/m/1,test\n", r"dev\.csv, line 2: the split is 'test' but must be tr"),
        ("dev", "fname,labels,mids,split\n1,,,val\n", r"dev\.csv, line 2: the fname or the labels are empty"),
        ("dev", "fname,labels,mids,split\n1,Rain,/m/1,val\n1,Dog,/m/2,val\n", r"the clip 1 has two rows in dev\.csv"),
        ("dev", "fname,labels,mids,split\n37199,Rain,/m/1,val\n", r"37199 is in dev\.csv and in eval\.csv"),
        # Labels that nobody quoted.
        ("eval", "fname,labels,mids\n2,Speech,Human_voice,/m/1,/m/2\n", r"eval\.csv, line 2: there are more cells"),
    ],
)
def test_bad_tables_are_one_clear_line(tables: Path, table: str, text: str, message: str) -> None:
    (tables / "FSD50K.ground_truth" / f"{table}.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        Fsd50kCorpus(tables)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["{", "[]", '{"1": "CC0"}'])
def test_bad_metadata_is_named(full: Path, text: str) -> None:
    (full / "FSD50K.metadata" / "dev_clips_info_FSD50K.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"dev_clips_info_FSD50K\.json (cannot be read as JSON|must hold one object)"):
        Fsd50kCorpus(full)


def test_an_empty_folder_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds none of its tables; of FSD50K is expected: FSD50K\.ground_truth/dev"):
        Fsd50kCorpus(tmp_path)

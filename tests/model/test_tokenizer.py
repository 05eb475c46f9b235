"""A tokenizer in any of its public forms gives transformers' own tokens."""

from pathlib import Path

import pytest
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from transformers import RobertaTokenizer

from salm.errors import InputError
from salm.model import hub
from salm.model.config import RobertaSize
from salm.model.text import RobertaTower
from salm.model.tokenizer import TOKENIZER_FILES, read_tokenizer, tokenizer_in

SENTENCES = [
    "A dog barks on the left.",
    "",
    "  Rain  falls   from above,\tand it's 10 o'clock!",
    "Vögel, ünïcode, 雨 & 🐕",
    "<s>marks</s> in a sentence <mask> of <pad>",
    "a bell rings and rings " * 30,
]
SIZE = RobertaSize(vocabulary=320, dim=8, layers=1, heads=1, hidden=8)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with vocab.json and merges.txt of a byte-level tokenizer of 320 tokens."""
    folder = tmp_path_factory.mktemp("parts")
    tokenizer = ByteLevelBPETokenizer()
    marks = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(SENTENCES[::-1], vocab_size=320, special_tokens=marks, show_progress=False)
    tokenizer.save_model(str(folder))
    assert sorted(path.name for path in folder.iterdir()) == ["merges.txt", "vocab.json"]
    return folder


@pytest.fixture(scope="module")
def whole(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tokenizer.json, as transformers saves it."""
    folder = tmp_path_factory.mktemp("whole")
    RobertaTokenizer.from_pretrained(str(parts)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("form", ["parts", "whole", "file"])
def test_tokens_are_transformers_own(form: str, parts: Path, whole: Path) -> None:
    source = {"parts": parts, "whole": whole, "file": whole / "tokenizer.json"}[form]
    ids, mask = RobertaTower(SIZE, tokenizer=read_tokenizer(source, vocabulary=320)).tokens(SENTENCES)
    theirs = RobertaTokenizer.from_pretrained(str(parts))(
        SENTENCES, truncation=True, max_length=77, padding=True, return_tensors="pt"
    )
    assert ids.tolist() == theirs["input_ids"].tolist()
    assert mask.tolist() == theirs["attention_mask"].tolist()
    assert ids.shape == (6, 77)
    assert ids[:, 0].tolist() == [0] * 6
    assert ids[5, -1] == 2
    assert ids[1, :3].tolist() == [0, 2, 1]


def test_padding_and_truncation_of_the_file_are_left_behind(whole: Path, tmp_path: Path) -> None:
    padded = Tokenizer.from_file(str(whole / "tokenizer.json"))
    padded.enable_padding(length=9)
    padded.enable_truncation(3)
    padded.save(str(tmp_path / "padded.json"))
    plain = Tokenizer.from_str(read_tokenizer(tmp_path / "padded.json", vocabulary=320))
    assert plain.encode("").ids == [0, 2]
    assert len(plain.encode("bells ring and ring").ids) > 3


def test_a_folder_is_looked_into(parts: Path, whole: Path, tmp_path: Path) -> None:
    assert tokenizer_in(parts)
    assert tokenizer_in(whole)
    (tmp_path / "vocab.json").touch()
    assert not tokenizer_in(tmp_path)


def test_the_hub_is_asked_for_these_files_only(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(hub_id: str, *, allow_patterns: list[str]) -> str:
        asked.append((hub_id, tuple(allow_patterns)))
        return str(parts)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    content = read_tokenizer("some/roberta", vocabulary=320)
    assert asked == [("some/roberta", TOKENIZER_FILES)]
    assert Tokenizer.from_str(content).encode("").ids == [0, 2]


def test_another_tokenizer_is_refused(parts: Path) -> None:
    with pytest.raises(InputError, match=r"marks sentences with \[0, 2\] and has \d+ tokens; .* at most 200"):
        read_tokenizer(parts, vocabulary=200)
    with pytest.raises(InputError, match=r"is another tokenizer than RoBERTa's: it marks sentences with \[101, 102\]"):
        read_tokenizer(hub.WEIGHTS / "minilm-l6-v2" / "tokenizer.json", vocabulary=50_265)


def test_what_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no tokenizer; expected tokenizer\.json, or vocab\.json and merges"):
        read_tokenizer(tmp_path, vocabulary=320)
    (tmp_path / "tokenizer.json").write_text('{"model": 1}', encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as a tokenizer: "):
        read_tokenizer(tmp_path, vocabulary=320)

"""Files are whole or not there."""

import os
from pathlib import Path

import pytest
import torch

from salm.errors import InputError
from salm.whole import check_outputs, folder_written_whole, tensors_written_whole, written_whole


def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "file.txt"
    with written_whole(target) as part:
        part.write_text("whole", encoding="utf-8")
        assert not target.exists()
    assert target.read_text(encoding="utf-8") == "whole"
    assert list(target.parent.iterdir()) == [target]


def test_what_stood_there_stays_if_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("before", encoding="utf-8")
    with pytest.raises(TypeError), written_whole(target) as part, part.open("w", encoding="utf-8") as file:
        file.writelines(["half", 1])
    assert target.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_cannot_be_written_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match=r"file/under\.txt cannot be written") as caught,
        written_whole(tmp_path / "file" / "under.txt"),
    ):
        pass
    assert "\n" not in str(caught.value)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"), written_whole(tmp_path / "folder") as part:
        part.touch()
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder"}


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe cannot be written: it is no file"), written_whole(pipe) as part:
        part.touch()
    assert pipe.is_fifo()


def test_no_file_of_somebody_else_is_the_temporary_one(tmp_path: Path) -> None:
    target, other = tmp_path / "out.wav", tmp_path / "other"
    for path in (other, tmp_path / "out.wav.mine.part", tmp_path / "my-out.wav.01234567.part"):
        path.write_text("mine", encoding="utf-8")
    (tmp_path / "out.wav.part").symlink_to(other)
    (tmp_path / "out.wav.01234567.part").write_text("left by a kill", encoding="utf-8")
    with written_whole(target) as part:
        part.write_text("whole", encoding="utf-8")
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        "other": "mine",
        "my-out.wav.01234567.part": "mine",
        "out.wav": "whole",
        "out.wav.mine.part": "mine",
        "out.wav.part": "mine",
    }


def test_of_two_who_write_one_file_none_mixes_into_the_other(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    first, second = written_whole(target), written_whole(target)
    first.__enter__().write_text("mine" * 100, encoding="utf-8")
    second.__enter__().write_text("theirs", encoding="utf-8")
    second.__exit__(None, None, None)
    with pytest.raises(InputError, match=r"another process writes it too"):
        first.__exit__(None, None, None)
    assert target.read_text(encoding="utf-8") == "theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_outputs_are_neither_inputs_nor_each_other(tmp_path: Path) -> None:
    take, link = tmp_path / "take.wav", tmp_path / "link.svg"
    take.touch()
    link.symlink_to(take)
    check_outputs([tmp_path / "a", None, tmp_path / "b"], inputs=[take, None])
    for outputs in ([take], [tmp_path / "deep" / ".." / "take.wav"], [link]):
        with pytest.raises(InputError, match="is the input, which is never altered"):
            check_outputs(outputs, inputs=[take])
    with pytest.raises(InputError, match="cannot be two outputs at once"):
        check_outputs([tmp_path / "a", tmp_path / "b" / ".." / "a"], inputs=[])


def test_tensors_can_be_read_by_whom_other_files_can(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    tensors_written_whole(tmp_path / "weights.safetensors", {"a": torch.zeros(1)})
    assert (tmp_path / "weights.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


class TestFolder:
    def test_is_there_when_the_block_ends(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        for name in ("deep/new", "empty"):
            with folder_written_whole(tmp_path / name) as part:
                (part / "a.txt").write_text("a", encoding="utf-8")
                assert not (tmp_path / name / "a.txt").exists()
            assert [path.name for path in (tmp_path / name).iterdir()] == ["a.txt"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "empty"]

    def test_can_be_read_by_others(self, tmp_path: Path) -> None:
        (tmp_path / "plain").mkdir()
        with folder_written_whole(tmp_path / "new"):
            pass
        assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode

    def test_nothing_is_left_of_what_failed(self, tmp_path: Path) -> None:
        with (
            pytest.raises(InputError, match="cannot be written"),
            folder_written_whole(tmp_path / "deep" / "new") as part,
        ):
            (part / "there" / "is" / "none.txt").touch()
        assert not list(tmp_path.iterdir())

    def test_what_is_there_stays(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine", encoding="utf-8")
        for name in (".", "file"):
            refusal = pytest.raises(InputError, match="is there already; give a new folder")
            with refusal, folder_written_whole(tmp_path / name):
                pass
        assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"

    def test_where_no_folder_can_be_gets_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        refusal = pytest.raises(InputError, match="cannot be written: Not a directory")
        with refusal, folder_written_whole(tmp_path / "file" / "deep" / "new"):
            pass

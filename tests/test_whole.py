"""Files are whole or not there."""

from pathlib import Path

import pytest

from salm.errors import InputError
from salm.whole import written_whole


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

"""Edits are kept for a while, and not for ever."""

from pathlib import Path

import pytest

from salm.errors import InputError
from salm.web.editing import Results


def test_the_oldest_goes_first() -> None:
    results = Results(most=2)
    folders = [results.new() for _ in range(3)]
    assert [folder.exists() for folder in folders] == [False, True, True]
    assert results.path(folders[2].name, "edited.wav") == folders[2] / "edited.wav"
    with pytest.raises(InputError, match="no longer kept"):
        results.path(folders[0].name, "edited.wav")
    results.close()
    assert not folders[2].exists()


@pytest.mark.parametrize(("key", "name"), [("..", "edited.wav"), ("", "edited.wav"), ("KEY", "../x"), ("KEY", "x.wav")])
def test_nothing_else_can_be_fetched(key: str, name: str, tmp_path: Path) -> None:
    results = Results(most=2)
    made = results.new().name
    with pytest.raises(InputError, match="no longer kept"):
        results.path(key.replace("KEY", made), name)
    results.close()

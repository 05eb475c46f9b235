"""The log of a run: lines that are whole, and none twice."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from salm.errors import InputError
from salm.training.journal import Journal


def test_lines_are_added_one_by_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path, steps=0, tensorboard=False)
    for step in (1, 2):
        journal.note({"step": step, "loss": 0.5 * step})
        lines = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
        assert json.loads(lines[-1]) == {"step": step, "loss": 0.5 * step}
    assert len(lines) == 2


def test_what_comes_after_the_last_checkpoint_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"step": 3, "valid', encoding="utf-8")
    Journal(tmp_path, steps=2, tensorboard=False)
    assert path.read_text(encoding="utf-8") == '{"step": 1}\n{"step": 2}\n'


def test_a_line_that_cannot_be_written_whole_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, steps=0, tensorboard=False)
    journal.note({"step": 1})
    before = (tmp_path / "log.jsonl").read_bytes()
    opened = Path.open

    def half(self: Path, mode: str = "r", **settings: Any) -> Any:
        file = opened(self, mode, **settings)

        class Half:
            def __enter__(self) -> "Half":
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            def write(self, text: str) -> None:
                file.write(text[:5])
                file.flush()
                raise OSError(28, "No space left on device")

        return Half()

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", half)
        with pytest.raises(InputError, match=r"log\.jsonl cannot be written: No space left on device"):
            journal.note({"step": 2, "loss": 1.0})
    assert (tmp_path / "log.jsonl").read_bytes() == before


class Writer:
    """In TensorBoard's place: the package is no part of the tests' own."""

    def __init__(self, folder: str, *, purge_step: int) -> None:
        self.folder, self.purge_step, self.scalars = folder, purge_step, []
        self.closed = False

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.scalars.append((name, value, step))

    def close(self) -> None:
        self.closed = True


def test_tensorboard_gets_every_number_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    journal = Journal(tmp_path, steps=4)
    journal.note({"step": 5, "time_s": 1e9, "loss": 0.5})
    journal.note({"step": 5, "validation": {"mean_r1": 0.25}})
    journal.close()
    board = journal._board
    assert (board.folder, board.purge_step, board.closed) == (str(tmp_path / "tensorboard"), 5, True)
    assert board.scalars == [("loss", 0.5, 5), ("validation/mean_r1", 0.25, 5)]
    assert Journal(tmp_path, steps=4, tensorboard=False)._board is None


@pytest.mark.parametrize("asked", [None, True])
def test_that_tensorboard_is_missing_is_said_to_those_who_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, asked: bool | None
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    Journal(tmp_path, steps=0, tensorboard=asked).note({"step": 1})
    assert ("TensorBoard is not installed" in caplog.text) == bool(asked)
    assert len(caplog.records) == bool(asked)

"""What a run notes of itself: a log of JSON lines always, and TensorBoard's files where it is installed."""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from salm.errors import InputError
from salm.whole import written_whole

__all__ = ["Journal"]

log = logging.getLogger(__name__)

LOG_NAME, TENSORBOARD_NAME = "log.jsonl", "tensorboard"


class Journal:
    """The notes of a run in its folder.

    Parameters
    ----------
    folder
        Where ``log.jsonl`` and ``tensorboard`` are.
    steps
        Steps that are done: what a killed run noted after them is dropped, since they are done once more.
    tensorboard
        Whether TensorBoard's files are written: None is where it is installed, True says so if it is not.

    Raises
    ------
    InputError
        If the log cannot be written.
    """

    def __init__(self, folder: Path, *, steps: int, tensorboard: bool | None = None) -> None:
        self.path = folder / LOG_NAME
        _cut(self.path, steps=steps)
        self._board = None if tensorboard is False else _board(folder, steps=steps, asked=bool(tensorboard))

    def note(self, record: Mapping[str, Any]) -> None:
        """Note one line, which holds the number of a ``step``.

        Raises
        ------
        InputError
            If it cannot be written; the log ends with the line before.
        """
        _append(self.path, json.dumps(record) + "\n")
        if self._board is not None:
            try:
                for name, value in _numbers(record):
                    self._board.add_scalar(name, value, record["step"])
            except OSError as error:
                raise InputError(f"TensorBoard's files cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        """Write what is still to be written."""
        if self._board is not None:
            self._board.close()


def _append(path: Path, line: str) -> None:
    size = path.stat().st_size if path.exists() else 0
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        if path.exists():
            os.truncate(path, size)
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def _cut(path: Path, *, steps: int) -> None:
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        # The last line may be half written.
        whole = [line for line in lines if line.endswith("\n")]
        with written_whole(path) as part:
            part.write_text("".join(line for line in whole if json.loads(line)["step"] <= steps), encoding="utf-8")


def _board(folder: Path, *, steps: int, asked: bool) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        if asked:
            log.warning('TensorBoard is not installed, so only %s is written; pip install "salm[train]".', LOG_NAME)
        return None
    return SummaryWriter(str(folder / TENSORBOARD_NAME), purge_step=steps + 1)


def _numbers(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}/")
        elif name not in ("step", "time_s"):
            yield f"{prefix}{name}", value

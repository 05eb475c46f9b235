"""What the commands say: lines and tables on standard output, remarks and progress on standard error."""

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["STEERING", "Bar", "complain", "counted", "facts", "mention", "remark", "say", "scene_bar", "shown", "table"]

STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What moves a terminal's cursor, colours it or turns its writing around; names of files may hold anything."""


class Bar:
    """A progress bar on standard error that learns its total on the way."""

    def __init__(self, what: str, *, unit: str) -> None:
        from tqdm import tqdm

        self._bar = tqdm(desc=what, unit=unit, total=0, leave=False, disable=None)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, done: int, total: int) -> None:
        """So much of so much is done."""
        self._bar.total = total
        self._bar.update(done - self._bar.n)


def scene_bar(scenes: Sequence[Any], what: str) -> Iterable[Any]:
    """Scenes behind a progress bar."""
    from tqdm import tqdm

    return tqdm(scenes, desc=what, unit="scene", leave=False, disable=None)


def shown(text: str) -> str:
    """Text for a terminal, in which characters that would steer it are spelled out."""
    return STEERING.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def say(text: str) -> None:
    """Print lines."""
    sys.stdout.write("\n".join(map(shown, text.split("\n"))) + "\n")


def remark(text: str) -> None:
    """Say on standard error what is being done."""
    sys.stderr.write(f"{shown(text)} ...\n")


def mention(text: str) -> None:
    """Say on standard error how something was understood."""
    sys.stderr.write(f"{shown(text)}\n")


def complain(text: str) -> None:
    """Say in one line on standard error what was wrong."""
    sys.stderr.write(f"salm: {shown(' '.join(text.split()))}\n")


def counted(count: int, noun: str) -> str:
    """Number and noun, in the plural where it is one."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def table(rows: Sequence[dict[str, Any]]) -> None:
    """Print rows with the names of their fields above."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        say("nothing found.")
        return
    table = Table(box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(column, justify="left" if isinstance(rows[0][column], str) else "right")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    # Brackets in a name are no markup, and colons no pictures.
    Console(width=None if sys.stdout.isatty() else 160, markup=False, emoji=False).print(table)


def facts(document: dict[str, Any]) -> None:
    """Names and values, one a line."""
    width = max(map(len, document))
    for name, value in document.items():
        shown = f"{value:,}" if isinstance(value, int) else _cell(value)
        say(f"{name.replace('_', ' '):<{width}}  {shown}")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return "–" if value is None else shown(str(value))

"""Reports of :func:`salm.evaluation.protocol.evaluate` for people: in the terminal, in Markdown and in LaTeX."""

import io
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from salm.evaluation.grids import Grid, heading, narrow_grids, wide_grids

__all__ = ["FORMATS", "latex_tables", "markdown_tables", "print_report", "text_tables"]

_TEXT_WIDTH = 100

# Columns that fit into one of two columns of a page.
_NARROW = 3

# What LaTeX would take for more than the character.
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "°": r"\textdegree{}",
    "–": "--",
    "“": "``",
    "”": "''",
    "\n": "; ",
}


def print_report(report: dict[str, Any]) -> None:
    """Print every table on standard output, as wide as the terminal; 80 columns suffice.

    Parameters
    ----------
    report
        What :func:`salm.evaluation.protocol.evaluate` gives, or the same from JSON.
    """
    _print(report, Console(highlight=False))


def text_tables(report: dict[str, Any]) -> str:
    """What :func:`print_report` prints, for a file."""
    file = io.StringIO()
    _print(report, Console(file=file, width=_TEXT_WIDTH, highlight=False, color_system=None))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def markdown_tables(report: dict[str, Any]) -> str:
    """Every table in Markdown, without the words about them.

    Parameters
    ----------
    report
        What :func:`salm.evaluation.protocol.evaluate` gives, or the same from JSON.
    """
    parts = [heading(report) + "."]
    for grid in wide_grids(report):
        rule = ("---", *(["---"] if grid.in_words else ["---:"]) * len(grid.columns))
        lines = [("", *grid.columns), rule, *grid.rows]
        rows = (" | ".join(cell.replace("|", r"\|").replace("\n", "; ") for cell in cells) for cells in lines)
        parts += [f"**{grid.title}**", "\n".join(f"| {row} |" for row in rows)]
    if why := _reasons(report):
        parts.append(why)
    return "\n\n".join(parts) + "\n"


def latex_tables(report: dict[str, Any]) -> str:
    """Every table in LaTeX with its words as caption, to be put into a document that loads ``booktabs``."""
    parts = [rf"% {_escaped(heading(report))}.", r"% Needs \usepackage{booktabs}."]
    parts += [_latex(grid) for grid in wide_grids(report)]
    if why := _reasons(report):
        parts.append(_escaped(why))
    return "\n".join(parts) + "\n"


FORMATS: Mapping[str, Callable[[dict[str, Any]], str]] = MappingProxyType(
    {"text": text_tables, "markdown": markdown_tables, "latex": latex_tables}
)
"""Reports as text, by the name of the format."""


def _print(report: dict[str, Any], console: Console) -> None:
    console.print(Text(heading(report), style="bold"))
    console.print(Text(f"Intervals: {report['protocol']['intervals']}", style="dim"))
    for grid in narrow_grids(report):
        console.print()
        console.print(Text(grid.title, style="bold"))
        for words in grid.about:
            console.print(Padding(Text(words, style="dim"), (0, 0, 0, 2), expand=False))
        console.print(_table(grid))
    if why := _reasons(report):
        console.print()
        console.print(Text(why, style="dim"))


def _reasons(report: Mapping[str, Any]) -> str:
    """Why there are dashes, if there are."""
    paths: dict[str, list[str]] = {}
    for path, why in report["not_applicable"].items():
        paths.setdefault(why, []).append(path)
    said = [f"{', '.join(own)}: {why}." for why, own in paths.items()]
    return " ".join(["Does not apply:", *said]) if said else ""


def _table(grid: Grid) -> Table:
    headed = any(grid.columns)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, show_header=headed)
    table.add_column("", no_wrap=not grid.in_words, style="bold")
    for column in grid.columns:
        table.add_column(Text(column), justify="left" if grid.in_words else "right", overflow="fold")
    for name, *cells in grid.rows:
        table.add_row(Text(name), *map(Text, cells), style="red" if "NO" in cells else "")
    return table


def _latex(grid: Grid) -> str:
    star = "*" if len(grid.columns) > _NARROW or grid.in_words else ""
    columns = "llp{0.35\\linewidth}p{0.35\\linewidth}" if grid.in_words else "l" + "r" * len(grid.columns)
    lines = [("", *grid.columns)] if any(grid.columns) else []
    head, *rows = (" & ".join(map(_escaped, cells)) + r" \\" for cells in (*lines, *grid.rows))
    body = [head, r"\midrule", *rows] if lines else [head, *rows]
    return "\n".join(
        [
            rf"\begin{{table{star}}}",
            r"\centering\footnotesize",
            rf"\caption{{{_escaped(' '.join([grid.title + '.', *grid.about]))}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            rf"\end{{table{star}}}",
        ]
    )


def _escaped(text: str) -> str:
    return re.sub("|".join(map(re.escape, _ESCAPES)), lambda found: _ESCAPES[found[0]], text)

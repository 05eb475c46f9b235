"""Reports of :func:`salm.evaluation.protocol.evaluate` for people: tables in the terminal, and in Markdown.

Degrees and per cent have one decimal below 100; behind each figure stands its 95 % interval.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = ["markdown_tables", "print_report"]

Report = Mapping[str, Any]

_LOCALISATION = {
    "mean_deg": "mean °",
    "median_deg": "median °",
    "p90_deg": "p90 °",
    "sector_accuracy": "sector %",
    "sector_accuracy_core": "core %",
}
_RECALL = {"r1": "R@1 %", "r5": "R@5 %", "r10": "R@10 %"}
_RIGHT = {"right": "right %", "confidence": "mean confidence %"}
_CONFIDENCE = {
    "right": "right %",
    "confidence": "mean confidence %",
    "right_of_confident_half": "right, most confident half %",
    "calibration_error": "expected calibration error %",
    "auroc": "area under ROC curve",
    "auroc_direction": "area under ROC curve, one sound or none",
    "brier": "Brier score",
}
_WAYS = {"text_to_audio": "text to audio", "audio_to_text": "audio to text"}
_BASELINES = {"intensity": "intensity", "intensity_onset": "onset-weighted"}
_UNITLESS = ("auroc", "auroc_direction", "brier")


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """A table as text: the names of its columns, then a name and a cell a column for each row."""

    about: tuple[str, ...]
    """Keys of what the protocol says of it."""
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def print_report(report: dict[str, Any]) -> None:
    """Print every table on standard output, as wide as the terminal; 80 columns suffice.

    Parameters
    ----------
    report
        What :func:`salm.evaluation.protocol.evaluate` gives, or the same from JSON.
    """
    console = Console(highlight=False)
    console.print(Text(_heading(report), style="bold"))
    console.print(Text(f"Intervals: {report['protocol']['intervals']}", style="dim"))
    for grid in (*_main_grids(report), _controls(report), *_confidence(report)):
        console.print()
        console.print(Text(grid.title, style="bold"))
        for key in grid.about:
            console.print(Padding(Text(report["protocol"][key], style="dim"), (0, 0, 0, 2), expand=False))
        console.print(_table(grid))


def markdown_tables(report: dict[str, Any]) -> str:
    """Localisation beside its baselines, retrieval, zero-shot direction and editing as tables in Markdown.

    Parameters
    ----------
    report
        What :func:`salm.evaluation.protocol.evaluate` gives, or the same from JSON.
    """
    parts = [_heading(report) + "."]
    for grid in _main_grids(report):
        lines = [("", *grid.columns), ("---", *["---:"] * len(grid.columns)), *grid.rows]
        parts += [f"**{grid.title}**", "\n".join(f"| {' | '.join(cells)} |" for cells in lines)]
    return "\n\n".join(parts) + "\n"


def _heading(report: Report) -> str:
    """What was evaluated on what, in one line."""
    rows = "".join(f", {column}={value}" for column, value in report["rows"].items())
    return (
        f"{report['preset']} ({report['model'] or 'no digest'}), protocol {report['protocol']['name']}: corpus "
        f"{report['corpus']}, split {report['split']}{rows}, {report['sounds']} sounds, {report['scenes']} scenes, "
        f"gallery of {report['gallery']}, seed {report['seed']}"
    )


def _main_grids(report: Report) -> Iterator[_Grid]:
    bounds = report["intervals"]
    named = [(report["preset"], report["localisation"], bounds["localisation"])]
    named += [(said, report["baselines"][name], bounds["baselines"][name]) for name, said in _BASELINES.items()]
    yield _grid(("localisation", "baselines"), "Localisation", _LOCALISATION, named)
    retrieval = _retrieval(report["retrieval"], bounds["retrieval"])
    yield _grid(("retrieval", "semantic"), "Retrieval", _RECALL, retrieval)
    yield _grid(("zero_shot",), "Zero-shot direction", {"": "all %", "_core": "core %"}, _zero_shot(report))
    operations = [_ways(name, report["editing"][name], bounds["editing"][name]) for name in report["editing"]]
    yield _grid(("editing",), "Editing", _RECALL, [row for rows in operations for row in rows])


Named = tuple[str, Report, Report]
"""Name of a row, its figures and their intervals."""


def _retrieval(figures: Report, bounds: Report) -> Iterator[Named]:
    yield from _ways("", figures, bounds)
    yield "direction-blind", figures["direction_blind"], bounds["direction_blind"]
    yield "trained phrasings", figures["trained_phrasings"], bounds["trained_phrasings"]
    yield from _ways("semantic", figures["semantic"], bounds["semantic"])
    yield from _ways("in rooms", figures["semantic_reverberant"], bounds["semantic_reverberant"])


def _ways(name: str, figures: Report, bounds: Report) -> list[Named]:
    return [(f"{name}, {said}" if name else said, figures[way], bounds[way]) for way, said in _WAYS.items()]


def _zero_shot(report: Report) -> Iterator[Named]:
    figures, bounds = report["zero_shot"], report["intervals"]["zero_shot"]
    for name in ("spatial", "joint"):
        shown, low_high = ({"": tree[name], "_core": tree[f"{name}_core"]} for tree in (figures, bounds))
        yield name, shown, low_high


def _controls(report: Report) -> _Grid:
    bounds = report["intervals"]["controls"]
    rows = [
        (
            _words(name),
            "yes" if control["holds"] else "NO",
            "\n".join(_numbers(control, bounds[name])),
            control["criterion"],
        )
        for name, control in report["controls"].items()
    ]
    return _Grid(about=("controls",), title="Controls", columns=("holds", "figures", "criterion"), rows=tuple(rows))


def _numbers(figures: Report, bounds: Report) -> Iterator[str]:
    """Each number of a control with its name; of a table of recall R@10, and of another table nothing."""
    for name, value in figures.items():
        if isinstance(value, Mapping) and "r10" in value:
            yield f"{_words(name)} R@10 % {_cell('r10', value['r10'], bounds[name]['r10'])}"
        elif isinstance(value, float):
            unit = "°" if name.endswith("_deg") else "%"
            yield f"{_words(name)} {unit} {_cell(name, value, bounds.get(name))}"


def _words(name: str) -> str:
    """The name of a figure or a row without its unit: ``joint_r1`` is joint R@1."""
    return re.sub(r"\br(\d+)$", r"R@\1", name.removesuffix("_deg").replace("_", " "))


def _confidence(report: Report) -> Iterator[_Grid]:
    figures, bounds = report["confidence"], report["intervals"]["confidence"]
    rows = [(said, _cell(name, figures[name], bounds[name])) for name, said in _CONFIDENCE.items()]
    yield _Grid(about=("confidence",), title="Confidence", columns=("",), rows=tuple(rows))
    named = [(_words(name), tree, bounds["conditions"][name]) for name, tree in figures["conditions"].items()]
    yield _grid((), "Confidence by condition", _RIGHT, named)
    if "cone" in figures:
        yield _cones(figures["cone"], bounds["cone"])


def _cones(figures: Report, bounds: Report) -> _Grid:
    rows = [("90 % cone", _cell("covered", figures["covered"], bounds["covered"]))]
    for level, share in figures["levels"].items():
        rows.append((f"{level} % cone of a window", _cell("held", share, bounds["levels"][level])))
    return _Grid(about=(), title="Cones that hold one sound, %", columns=("",), rows=tuple(rows))


def _grid(about: tuple[str, ...], title: str, columns: Mapping[str, str], named: Iterable[Named]) -> _Grid:
    """A grid with a row for each tree of figures and a column for each of the keys."""
    rows = [(row, *(_cell(key, tree[key], bounds[key]) for key in columns)) for row, tree, bounds in named]
    return _Grid(about=about, title=title, columns=tuple(columns.values()), rows=tuple(rows))


def _cell(name: str, value: float, bounds: Sequence[float] | None) -> str:
    """A figure with its interval: ``12.3 [10.1–14.0]``."""
    if name in _UNITLESS:
        said = [f"{number:.3f}" for number in (value, *(bounds or ()))]
    else:
        scale = 1.0 if name.endswith("_deg") else 100.0
        said = [_short(scale * number) for number in (value, *(bounds or ()))]
    return said[0] if bounds is None else f"{said[0]} [{said[1]}–{said[2]}]"


def _short(number: float) -> str:
    """One decimal, none from 100 on: five figures with their intervals fit beside each other in 80 columns."""
    return f"{number:.0f}" if abs(number) >= 99.95 else f"{number:.1f}"


def _table(grid: _Grid) -> Table:
    headed = any(grid.columns)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, show_header=headed)
    in_words = grid.title == "Controls"
    table.add_column("", no_wrap=not in_words, style="bold")
    for column in grid.columns:
        table.add_column(Text(column), justify="left" if in_words else "right", overflow="fold")
    for name, *cells in grid.rows:
        table.add_row(Text(name), *map(Text, cells), style="red" if "NO" in cells else "")
    return table

"""Reports as grids of text: the same cells for the terminal, Markdown and LaTeX.

Degrees and per cent have one decimal below 100; behind each figure stands its 95 % interval. What does not apply to a
model is a dash.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from salm.evaluation.editing import OPERATIONS

__all__ = ["DASH", "Grid", "heading", "narrow_grids", "wide_grids"]

DASH = "–"
"""Cell of what does not apply, or is not asked of a baseline."""

Report = Mapping[str, Any]

Named = tuple[str, Report | None, Report | None]
"""Name of a row, its figures and their intervals."""

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
_SAID = {"zero_shot": "nearest sentence %", "probe": "linear probe %"}
_WAYS = {"text_to_audio": "text to audio", "audio_to_text": "audio to text"}
_BASELINES = {"intensity": "intensity", "intensity_onset": "onset-weighted"}
_WORDINGS = {
    "trained": "trained frames",
    "unseen": "unseen frames",
    "loss": "loss",
    "hours": "hours in letters",
    "nautical": "port, starboard",
    "body": "over my shoulder",
}
_UNITLESS = ("auroc", "auroc_direction", "brier")
_SETS = {"measured": "measured rooms", "field": "recordings"}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table as text: the names of its columns, then a name and a cell a column for each row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    about: tuple[str, ...] = ()
    """What is said of it, in sentences."""
    in_words: bool = False
    """Whether the cells are words and not numbers."""


def heading(report: Report) -> str:
    """What was evaluated on what, in one line."""
    rows = "".join(f", {column}={value}" for column, value in report["rows"].items())
    return (
        f"{report['preset']} ({report['model'] or 'no digest'}), protocol {report['protocol']['name']}: corpus "
        f"{report['corpus']}, split {report['split']}{rows}, {report['sounds']} sounds, {report['scenes']} scenes, "
        f"gallery of {report['gallery']}, seed {report['seed']}{_in_which_words(report)}"
    )


def _in_which_words(report: Report) -> str:
    """How the sentences of the paper's protocol come about."""
    if "caption_phrasing" not in report:
        return ""
    return f", captions: {report['caption_phrasing'].rstrip('.')}, facing {report['facing']}"


def narrow_grids(report: Report) -> Iterator[Grid]:
    """Every table of a report, none wider than 80 characters.

    Parameters
    ----------
    report
        What :func:`salm.evaluation.protocol.evaluate` gives, or the same from JSON.
    """
    yield from _of_tables(report, [*_table_1(report, report), *_table_2(report, report), *_table_3(report)])
    yield from _beside(report)


def wide_grids(report: Report) -> Iterator[Grid]:
    """Every table of a report; Tables 1 and 3 of the paper's protocol as the paper prints them, a row a method."""
    if report["protocol"]["name"] != "paper":
        yield from narrow_grids(report)
        return
    tables = [*_paper_table_1(report), *_table_1(report, report), *_table_2(report, report), *_paper_table_3(report)]
    yield from _of_tables(report, tables)
    yield from _beside(report)


def _of_tables(report: Report, numbered: Sequence[tuple[int, Grid]]) -> Iterator[Grid]:
    """The grids; by the paper's protocol the titles begin with the number of the paper's table."""
    for number, grid in numbered:
        title = f"Table {number}, {grid.title[0].lower()}{grid.title[1:]}"
        yield replace(grid, title=title) if report["protocol"]["name"] == "paper" else grid


def _beside(report: Report) -> Iterator[Grid]:
    """What is beside the tables of simulated scenes."""
    yield from _sets(report)
    if "controls" in report:
        yield _controls(report)
    yield from _leakage(report)
    yield from _confidence(report)
    yield from _beyond(report)


def _table_1(report: Report, part: Report) -> Iterator[tuple[int, Grid]]:
    """Localisation and retrieval of the simulated scenes, or of another set."""
    bounds, words = part["intervals"], report["protocol"]
    if "localisation" in part:
        named: list[Named] = [(report["preset"], part["localisation"], bounds.get("localisation"))]
        named += [(said, part["baselines"][name], bounds["baselines"][name]) for name, said in _BASELINES.items()]
        about = (words["localisation"], words["baselines"])
        yield 1, _grid(about, "Localisation", _LOCALISATION, named)
    if "retrieval" in part:
        about = (words["retrieval"], words["semantic"])
        yield 1, _grid(about, "Retrieval", _RECALL, _retrieval(part["retrieval"], bounds["retrieval"]))


def _table_2(report: Report, part: Report) -> Iterator[tuple[int, Grid]]:
    if "zero_shot" in part:
        named = _zero_shot(part["zero_shot"], part["intervals"]["zero_shot"])
        about = (report["protocol"]["zero_shot"],)
        yield 2, _grid(about, "Zero-shot direction", {"": "all %", "_core": "core %"}, named)


def _table_3(report: Report) -> Iterator[tuple[int, Grid]]:
    if "editing" not in report:
        return
    figures, bounds = report["editing"], report["intervals"]["editing"]
    named = [row for name in OPERATIONS for row in _ways(name, figures[name], bounds.get(name))]
    yield 3, _grid((report["protocol"]["editing"],), "Editing", _RECALL, named)
    sectors = [(name, figures[name], bounds.get(name)) for name in OPERATIONS]
    yield 3, _grid((), "Sector after editing", {"sector_accuracy": "sector %"}, sectors)


def _paper_table_1(report: Report) -> Iterator[tuple[int, Grid]]:
    if "retrieval" not in report:
        return
    bounds = report["intervals"]
    error = _cells({"mean_deg": ""}, report["localisation"], bounds.get("localisation"))
    blind = report["retrieval"]["direction_blind"]
    rows = [
        (report["preset"], *_both_ways(report["retrieval"], bounds["retrieval"]), *error),
        ("direction-blind", *_both_ways(blind, bounds["retrieval"].get("direction_blind")), DASH),
    ]
    for name, said in _BASELINES.items():
        angle = _cells({"mean_deg": ""}, report["baselines"][name], bounds["baselines"][name])
        rows.append((said, *[DASH] * 6, *angle))
    yield (
        1,
        Grid(
            title="Spatial retrieval and localisation",
            columns=(*_paper_columns(), "error °"),
            rows=tuple(rows),
            about=(report["protocol"]["retrieval"],),
        ),
    )


def _paper_table_3(report: Report) -> Iterator[tuple[int, Grid]]:
    if "editing" not in report:
        return
    figures, bounds = report["editing"], report["intervals"]["editing"]
    rows = [
        (
            name,
            *_both_ways(figures[name], bounds.get(name)),
            *_cells({"sector_accuracy": ""}, figures[name], bounds.get(name)),
        )
        for name in OPERATIONS
    ]
    about = (report["protocol"]["editing"],)
    yield 3, Grid(title="Editing", columns=(*_paper_columns(), "sector %"), rows=tuple(rows), about=about)


def _paper_columns() -> list[str]:
    return [f"{way} {recall}" for way in ("T2A", "A2T") for recall in _RECALL.values()]


def _both_ways(figures: Report | None, bounds: Report | None) -> list[str]:
    return [cell for _, row, limits in _ways("", figures, bounds) for cell in _cells(_RECALL, row, limits)]


def _sets(report: Report) -> Iterator[Grid]:
    """Each set but the simulated one in tables of its own."""
    for part in report["sets"][1:]:
        about = (
            _about_set(part),
            *part.get("notes", ()),
            report["protocol"]["field" if "files" in part else "measured"],
        )
        for number, grid in (*_table_1(report, part), *_table_2(report, part)):
            own = about if number == 1 and "R@1 %" not in grid.columns else ()
            yield replace(grid, title=f"{grid.title}, {_SETS[part['kind']]} of {part['name']}", about=own)


def _about_set(part: Report) -> str:
    if "files" in part:
        return (
            f"{part['stretches']} stretches of {part['files']} files, {part['duration_s']:.0f} s together, of "
            f"{part['min_s']:g} s or more; in {part['moving']} the source moves, {part['without_elevation']} have no "
            f"elevation. {_DECLARED[part['declared']]}"
        )
    return f"{part['scenes']} scenes in {part['rooms']} rooms, of {part['responses']} responses."


_DECLARED = {
    "field": "Recorded where it sounded.",
    "measured": "Dry sounds through measured room responses, no field recordings.",
    "own": "A folder of one's own, taken for recorded where it sounded.",
}


def _retrieval(figures: Report, bounds: Report) -> Iterator[Named]:
    yield from _ways("", figures, bounds)
    yield "direction-blind", figures["direction_blind"], bounds.get("direction_blind")
    if "trained_phrasings" in figures:
        yield "trained phrasings", figures["trained_phrasings"], bounds["trained_phrasings"]
    for name, said in (("semantic", "semantic"), ("semantic_reverberant", "in rooms")):
        if name in figures:
            yield from _ways(said, figures[name], bounds[name])


def _ways(name: str, figures: Report | None, bounds: Report | None) -> list[Named]:
    return [
        (f"{name}, {said}" if name else said, figures and figures[way], bounds and bounds[way])
        for way, said in _WAYS.items()
    ]


def _zero_shot(figures: Report, bounds: Report) -> Iterator[Named]:
    for name in ("spatial", "joint"):
        shown, limits = ({"": tree.get(name), "_core": tree.get(f"{name}_core")} for tree in (figures, bounds))
        yield name, shown, limits


def _controls(report: Report) -> Grid:
    bounds = report["intervals"]["controls"]
    holds = {True: "yes", False: "NO", None: DASH}
    rows = [
        (
            _words(name),
            holds[control["holds"]],
            "\n".join(_numbers(control, bounds.get(name, {}))),
            control["criterion"],
        )
        for name, control in report["controls"].items()
    ]
    return Grid(
        title="Controls",
        columns=("holds", "figures", "criterion"),
        rows=tuple(rows),
        about=(report["protocol"]["controls"],),
        in_words=True,
    )


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


def _leakage(report: Report) -> Iterator[Grid]:
    figures = report.get("leakage")
    if not figures:
        return
    bounds, about = report["intervals"]["leakage"], (report["protocol"]["leakage"],)
    what: list[Named] = [(f"by {n}", figures[f"what_by_{n}"], bounds[f"what_by_{n}"]) for n in ("spatial", "semantic")]
    what.append(("chance", {key: figures["what_by_spatial"][f"chance_{key}"] for key in _RECALL}, None))
    yield _grid(about, "Leakage: what", _RECALL, what)
    where: list[Named] = [
        (f"by {n}", figures[f"where_by_{n}"], bounds[f"where_by_{n}"]) for n in ("semantic", "spatial")
    ]
    where.append(("chance", dict.fromkeys(_SAID, figures["where_by_semantic"]["chance"]), None))
    yield _grid((), "Leakage: where", _SAID, where)


def _confidence(report: Report) -> Iterator[Grid]:
    figures = report.get("confidence")
    if not figures:
        return
    bounds = report["intervals"]["confidence"]
    rows = [(said, _cell(name, figures[name], bounds[name])) for name, said in _CONFIDENCE.items()]
    yield Grid(title="Confidence", columns=("",), rows=tuple(rows), about=(report["protocol"]["confidence"],))
    named = [(_words(name), tree, bounds["conditions"][name]) for name, tree in figures["conditions"].items()]
    yield _grid((), "Confidence by condition", _RIGHT, named)
    if "cone" in figures:
        yield _cones(figures["cone"], bounds["cone"])


def _cones(figures: Report, bounds: Report) -> Grid:
    rows = [("90 % cone", _cell("covered", figures["covered"], bounds["covered"]))]
    for level, share in figures["levels"].items():
        rows.append((f"{level} % cone of a window", _cell("held", share, bounds["levels"][level])))
    return Grid(title="Cones that hold one sound, %", columns=("",), rows=tuple(rows), about=())


def _beyond(report: Report) -> Iterator[Grid]:
    if figures := report.get("wordings"):
        bounds = report["intervals"]["wordings"]
        columns = {"spatial": "spatial %", "joint": "joint %", "chance": "chance %"}
        worded = [(_WORDINGS[name], tree, bounds.get(name)) for name, tree in figures.items()]
        yield _grid((report["protocol"]["wordings"],), "Direction in other words", columns, worded)
    if figures := report.get("binding"):
        bounds = report["intervals"]["binding"]
        columns = {"right": "right %", "chance": "chance %"}
        rows: list[Named] = [
            (name, {"right": figures[name], "chance": figures[f"chance_{name}"]}, {"right": bounds[name]})
            for name in ("preferred", "both")
        ]
        yield _grid((report["protocol"]["binding"],), "Which sound is where", columns, rows)
    if figures := report.get("attributes"):
        bounds = report["intervals"]["attributes"]
        columns = {"joint": "joint %", "spatial": "spatial %", "chance": "chance %"}
        named = [(name, tree, bounds[name]) for name, tree in figures.items()]
        yield _grid((report["protocol"]["attributes"],), "Beyond direction", columns, named)


def _grid(about: tuple[str, ...], title: str, columns: Mapping[str, str], named: Iterable[Named]) -> Grid:
    """A grid with a row for each tree of figures and a column for each of the keys."""
    rows = [(row, *_cells(columns, tree, bounds)) for row, tree, bounds in named]
    return Grid(about=about, title=title, columns=tuple(columns.values()), rows=tuple(rows))


def _cells(columns: Mapping[str, str], figures: Report | None, bounds: Report | None) -> list[str]:
    return [_cell(key, (figures or {}).get(key), (bounds or {}).get(key)) for key in columns]


def _cell(name: str, value: float | None, bounds: Sequence[float] | None) -> str:
    """A figure with its interval: ``12.3 [10.1–14.0]``."""
    if value is None:
        return DASH
    if name in _UNITLESS:
        said = [f"{number:.3f}" for number in (value, *(bounds or ()))]
    else:
        scale = 1.0 if name.endswith("_deg") else 100.0
        said = [_short(scale * number) for number in (value, *(bounds or ()))]
    return said[0] if bounds is None else f"{said[0]} [{said[1]}–{said[2]}]"


def _short(number: float) -> str:
    """One decimal, none from 100 on: five figures with their intervals fit beside each other in 80 columns."""
    return f"{number:.0f}" if abs(number) >= 99.95 else f"{number:.1f}"

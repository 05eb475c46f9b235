"""An evaluation in one picture: errors beside those of the baselines, recall beside the blind one's, and confidence.

Simulated scenes, measured rooms and recordings have a row of their own each and are never pooled. All of it is in the
report already; nothing is computed here.
"""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

from salm.errors import InputError
from salm.evaluation.grids import heading
from salm.pictures.errors import Curve, Ring, SectorError, error_curves, error_rings
from salm.pictures.reliability import Kept, reliability_diagram
from salm.pictures.shares import Share, ShareGroup, share_bars, shares_width
from salm.pictures.svg import ACCENT, INK, OCHRE, element, label, picture, text

__all__ = ["evaluation_picture"]

Report = Mapping[str, Any]

WIDTH, MARGIN = 1000.0, 20.0
LINE, TITLE, ROW_GAP = 16.0, 24.0, 26.0
CHARACTERS = 164
# The model, and what learned nothing.
WAYS = {
    "model": ("model", ACCENT, None),
    "intensity_onset": ("intensity at onsets", OCHRE, None),
    "intensity": ("mean intensity", OCHRE, "5 4"),
}
KINDS = {"simulated": "Simulated scenes", "measured": "Measured rooms", "field": "Recordings"}


class _Panel(NamedTuple):
    """A picture within the picture, with a heading."""

    title: str
    drawn: str
    width: float
    height: float


def evaluation_picture(report: Report) -> str:
    """What can be drawn of a report, as SVG.

    Parameters
    ----------
    report
        What :func:`salm.evaluation.protocol.evaluate` gives, or the same from JSON.

    Raises
    ------
    InputError
        If nothing of it can be drawn: editing alone has only tables.
    """
    rows = [(_named(part), list(_panels(part, f"evaluation-{i}"))) for i, part in enumerate(report["sets"])]
    rows[0][1].extend(_confidence(report))
    rows = [(name, panels) for name, panels in rows if panels]
    if not rows:
        raise InputError("there is no picture of table 3 alone; ask for another table too, or leave out --plot.")
    lines = wrap(heading(report) + ". Lines at points and bars: 95 % intervals.", CHARACTERS)
    parts = [label(line, MARGIN, 18 + LINE * i, anchor="start") for i, line in enumerate(lines)]
    top = 18 + LINE * len(lines)
    for name, panels in rows:
        parts.append(_bold(name, MARGIN, top + 18, size=14))
        top += 34
        for together in _broken(panels):
            parts += _side_by_side(together, top)
            top += TITLE + max(panel.height for panel in together) + ROW_GAP
    said = "; ".join(f"{name}: {', '.join(panel.title for panel in panels)}" for name, panels in rows)
    title = f"Evaluation of {report['preset']}"
    return picture(*parts, width=WIDTH, height=top, title=title, description=said, key="evaluation")


def _named(part: Report) -> str:
    count = part.get("scenes") or part.get("stretches")
    unit = "scenes" if "scenes" in part else "stretches"
    return f"{KINDS[part['kind']]}: {part['name']}, {count:,} {unit}"


def _panels(part: Report, key: str) -> Iterator[_Panel]:
    """Of one kind of recordings."""
    bounds = part["intervals"]
    if details := part.get("directions"):
        known = {name: details[name] for name in WAYS if details.get(name)}
        curves = [Curve(WAYS[n][0], known[n]["error_quantiles_deg"], *WAYS[n][1:]) for n in known]
        yield _Panel("Error of direction", error_curves(curves, title="Errors", key=f"{key}-curves"), 480, 312)
        rings = [
            Ring(WAYS[n][0], _sectors(known[n]["sectors"], bounds["directions"][n]["sectors"]), *WAYS[n][1:])
            for n in ("intensity_onset", "model")
            if n in known
        ]
        drawn = error_rings(rings, title="Median error by direction", key=f"{key}-rings")
        yield _Panel("Median error by true direction", drawn, 440, 312)
    if "retrieval" in part and (groups := _recall(part["retrieval"], bounds["retrieval"])):
        drawn = share_bars(groups, title="Retrieval", key=f"{key}-recall")
        yield _Panel("Retrieval by what and where", drawn, shares_width(groups), 312)
    if "zero_shot" in part and (groups := _zero_shot(part["zero_shot"], bounds["zero_shot"])):
        drawn = share_bars(groups, title="Zero-shot direction", key=f"{key}-zero", chance=1 / 8)
        yield _Panel("Zero-shot direction", drawn, shares_width(groups), 312)


def _sectors(sectors: Report, bounds: Report) -> dict[str, SectorError]:
    return {word: SectorError(row["median_deg"], *bounds[word]["median_deg"]) for word, row in sectors.items()}


def _recall(retrieval: Report, bounds: Report) -> list[ShareGroup]:
    groups = []
    for way in ("text_to_audio", "audio_to_text"):
        for rank in ("r1", "r5", "r10"):
            shares = [Share("model", retrieval[way][rank], bounds[way][rank], ACCENT)]
            blind = retrieval["direction_blind"]
            if blind is not None:
                low_high = bounds["direction_blind"][way][rank]
                shares.append(Share("direction-blind: by what alone", blind[way][rank], low_high, INK, 0.35))
            groups.append(ShareGroup(f"R@{rank[1:]}", way.replace("_", " "), shares))
    return groups


def _zero_shot(figures: Report, bounds: Report) -> list[ShareGroup]:
    names = {"spatial": ("spatial embedding", ACCENT, 0.85), "joint": ("joint embedding", ACCENT, 0.4)}
    groups = []
    for suffix, said in (("", "all"), ("_core", "core")):
        shares = [
            Share(name, figures[way + suffix], bounds[way + suffix], colour, opacity)
            for way, (name, colour, opacity) in names.items()
            if figures.get(way + suffix) is not None
        ]
        if shares:
            groups.append(ShareGroup(said, "", shares))
    return groups


def _confidence(report: Report) -> Iterator[_Panel]:
    """Of scenes of every difficulty, which only the default protocol has."""
    if not (confidence := report.get("confidence")):
        return
    bounds = report["intervals"]["confidence"]
    ends = {name: row["right"] for name, row in bounds["reliability"].items()}
    said = [
        Kept(row["said"], row["right"], low=ends[name][0], high=ends[name][1], times=row["count"])
        for name, row in confidence["reliability"].items()
    ]
    drawn = reliability_diagram(
        said, title="Confidence", across="confidence", up="located within 20°", key="evaluation-confidence"
    )
    yield _Panel("Confidence, scenes of every difficulty", drawn, 300, 287.5)


def _broken(panels: Sequence[_Panel]) -> list[list[_Panel]]:
    """Panels in lines that are no wider than the picture."""
    lines: list[list[_Panel]] = [[]]
    for panel in panels:
        taken = sum(other.width + MARGIN for other in lines[-1])
        if lines[-1] and taken + panel.width > WIDTH - MARGIN:
            lines.append([])
        lines[-1].append(panel)
    return lines


def _side_by_side(panels: Sequence[_Panel], top: float) -> Iterator[str]:
    x = MARGIN
    for panel in panels:
        yield _bold(panel.title, x, top + 12)
        place = f'<svg x="{x:g}" y="{top + TITLE:g}" width="{panel.width:g}" height="{panel.height:g}" '
        yield panel.drawn.replace("<svg ", place, 1)
        x += panel.width + MARGIN


def _bold(words: str, x: float, y: float, *, size: float = 12.5) -> str:
    return element("text", text(words), x=x, y=y, font_size=size, font_weight=600, fill=INK)

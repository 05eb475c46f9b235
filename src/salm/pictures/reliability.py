"""Whether what is promised is kept, drawn: promised shares across, kept ones up, the diagonal where both are equal."""

from collections.abc import Sequence
from typing import NamedTuple

from salm.pictures.svg import ACCENT, INK, element, picture, text

__all__ = ["Kept", "reliability_diagram"]

SIDE, LEFT, TOP = 260.0, 56.0, 14.0
LARGEST = 9.0
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Kept(NamedTuple):
    """One promise and how often it was kept; shares from 0 to 1."""

    promised: float
    kept: float
    low: float
    """Lower end of the interval of ``kept``."""
    high: float
    times: int
    """How often it was promised; the area of the dot."""


def reliability_diagram(promises: Sequence[Kept], *, title: str, across: str, up: str, key: str) -> str:
    """A square from 0 to 1 with a dot for each promise and its interval as a line; no promises, no dots.

    Above the diagonal more was kept than promised, below it less.

    Parameters
    ----------
    across, up
        What the axes are.
    """
    most = max((promise.times for promise in promises), default=1)
    dots = [_dot(promise, most) for promise in promises]
    said = "; ".join(f"promised {100 * p.promised:.0f} %, kept {100 * p.kept:.0f} % of {p.times}" for p in promises)
    ticks = [_tick(share) for share in _TICKS]
    names = _name(across, x=LEFT + SIDE / 2, y=TOP + SIDE + 38), _name(up, x=14, y=TOP + SIDE / 2, upwards=True)
    diagonal = _line((0.0, 0.0), (1.0, 1.0), stroke=INK, stroke_opacity=0.4, stroke_dasharray="4 4")
    return picture(
        *ticks,
        diagonal,
        *names,
        *dots,
        width=LEFT + SIDE + 20,
        height=TOP + SIDE + 48,
        title=title,
        description=said,
        key=key,
    )


def _at(promised: float, kept: float) -> tuple[float, float]:
    return LEFT + SIDE * promised, TOP + SIDE * (1 - kept)


def _line(start: tuple[float, float], end: tuple[float, float], **look: object) -> str:
    (x1, y1), (x2, y2) = _at(*start), _at(*end)
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **look)


def _dot(promise: Kept, most: int) -> str:
    x, y = _at(promise.promised, promise.kept)
    radius = max(2.0, LARGEST * (promise.times / most) ** 0.5)
    style = f"stroke:{ACCENT}"
    interval = _line((promise.promised, promise.low), (promise.promised, promise.high), style=style, stroke_width=2)
    return interval + element("circle", cx=x, cy=y, r=radius, style=f"fill:{ACCENT}", fill_opacity=0.6)


def _tick(share: float) -> str:
    look = {"stroke": INK, "stroke_opacity": 0.12}
    label = {"font_size": 11, "fill": INK, "fill_opacity": 0.6}
    said = f"{100 * share:.0f} %"
    x, bottom = _at(share, 0.0)
    left, y = _at(0.0, share)
    return (
        _line((share, 0.0), (share, 1.0), **look)
        + _line((0.0, share), (1.0, share), **look)
        + element("text", said, x=x, y=bottom + 16, text_anchor="middle", **label)
        + element("text", said, x=left - 6, y=y + 4, text_anchor="end", **label)
    )


def _name(words: str, *, x: float, y: float, upwards: bool = False) -> str:
    turned = f"rotate(-90 {x:g} {y:g})" if upwards else None
    return element("text", text(words), x=x, y=y, text_anchor="middle", font_size=12, fill=INK, transform=turned)

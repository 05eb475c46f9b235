"""Small charts of numbers: a meter for one share, bars for a ranking, a strip for the spread of angles."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from salm.pictures.svg import ACCENT, INK, OCHRE, element, number, picture, text

__all__ = ["Bar", "Spread", "angle_strips", "meter", "ranking_bars"]

STRIP_WIDTH, STRIP_LEFT, STRIP_ROW = 520.0, 110.0, 46.0
TICKS_DEG = (0, 5, 10, 20, 45, 90, 180)
ROW_HEIGHT = 26.0


class Bar(NamedTuple):
    """One row of a ranking."""

    label: str
    value: float
    """Not negative; the longest bar of a ranking is its largest value."""
    said: str
    """The value as it is written beside the bar."""


class Spread(NamedTuple):
    """Angles to draw as one strip."""

    label: str
    angles_deg: Sequence[float]
    learned: bool
    """Drawn in the colour of the model, not of the baseline."""


def meter(share: float, *, description: str) -> str:
    """A thin bar that is filled by a share, 0 to 1; shares outside are drawn as the nearest end."""
    filled = 72.0 * min(1.0, max(0.0, share))
    return element(
        "svg",
        element("rect", width=72, height=6, rx=3, fill=INK, fill_opacity=0.12),
        element("rect", width=filled, height=6, rx=3, style=f"fill:{ACCENT}"),
        viewBox="0 0 72 6",
        width=72,
        height=6,
        role="img",
        aria_label=description,
        class_="meter",
    )


def ranking_bars(bars: Sequence[Bar], *, title: str, key: str) -> str:
    """Labelled bars, in the order given; the longest is the largest value. No bars give an empty picture."""
    longest = max((bar.value for bar in bars), default=0.0) or 1.0
    rows = [_bar_row(bar, 290.0 * max(0.0, bar.value) / longest, ROW_HEIGHT * i) for i, bar in enumerate(bars)]
    said = "; ".join(f"{bar.label}: {bar.said}" for bar in bars)
    return picture(*rows, width=560, height=ROW_HEIGHT * max(1, len(bars)), title=title, description=said, key=key)


def angle_strips(spreads: Sequence[Spread], *, title: str, key: str) -> str:
    """Every angle, 0 to 180 degrees, as a dot on a strip with a tick at the median.

    The axis is stretched near zero (it is even in the logarithm of five degrees more), where the differences are.
    """
    height = STRIP_ROW * len(spreads) + 26
    grid = [_tick(tick, height - 22) for tick in TICKS_DEG]
    rows = [_strip(spread, STRIP_ROW * (i + 0.5)) for i, spread in enumerate(spreads)]
    said = "; ".join(f"{s.label}: median {_median(s):.1f} degrees" for s in spreads if len(s.angles_deg))
    return picture(*grid, *rows, width=STRIP_WIDTH, height=height, title=title, description=said, key=key)


def _bar_row(bar: Bar, length: float, top: float) -> str:
    middle = top + ROW_HEIGHT / 2 + 4
    return (
        element("text", text(bar.label), x=0, y=middle, font_size=12, fill=INK, fill_opacity=0.85)
        + element("rect", x=190, y=top + 8, width=length, height=10, rx=5, style=f"fill:{ACCENT}", fill_opacity=0.85)
        + element("text", text(bar.said), x=198 + length, y=middle, font_size=12, fill=INK, fill_opacity=0.7)
    )


def _across(angle_deg: float) -> float:
    share = np.log1p(angle_deg / 5) / np.log1p(180 / 5)
    return float(STRIP_LEFT + (STRIP_WIDTH - STRIP_LEFT - 20) * share)


def _tick(angle_deg: int, bottom: float) -> str:
    x = _across(angle_deg)
    label = element(
        "text", f"{angle_deg}°", x=x, y=bottom + 16, text_anchor="middle", font_size=11, fill=INK, fill_opacity=0.6
    )
    return element("line", x1=x, x2=x, y1=0, y2=bottom, stroke=INK, stroke_opacity=0.12) + label


def _strip(spread: Spread, middle: float) -> str:
    colour = ACCENT if spread.learned else OCHRE
    label = element("text", text(spread.label), x=0, y=middle + 4, font_size=12, fill=INK, fill_opacity=0.85)
    dots = [
        element("circle", cx=_across(angle), cy=middle, r=4, style=f"fill:{colour}", fill_opacity=0.42)
        for angle in spread.angles_deg
    ]
    if not dots:
        return label
    x = _across(_median(spread))
    line = element("line", x1=x, x2=x, y1=middle - 11, y2=middle + 11, style=f"stroke:{colour}", stroke_width=2)
    median = element(
        "text", f"{number(round(_median(spread), 1))}°", x=x + 5, y=middle - 8, font_size=11, style=f"fill:{colour}"
    )
    return "".join((label, *dots, line, median))


def _median(spread: Spread) -> float:
    return float(np.median(spread.angles_deg))

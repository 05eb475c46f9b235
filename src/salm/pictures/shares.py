"""Shares side by side: groups of bars with their intervals, such as a model's recall beside that of a blind one."""

from collections.abc import Sequence
from typing import NamedTuple

from salm.pictures.svg import INK, element, label, number, picture, text

__all__ = ["Share", "ShareGroup", "share_bars", "shares_width"]

LEFT, TOP, HEIGHT, BOTTOM = 50.0, 14.0, 210.0, 88.0
BAR, APART, ROW, CHARACTER = 22.0, 18.0, 18.0, 6.2
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Share(NamedTuple):
    """One bar, 0 to 1."""

    name: str
    """What the bars of a colour have in common; it stands in the legend once."""
    value: float
    interval: Sequence[float]
    """Its lower and upper end."""
    colour: str
    opacity: float = 0.85


class ShareGroup(NamedTuple):
    """Bars that stand together."""

    label: str
    above: str
    """What several groups in a row have in common, written once below them; empty if nothing."""
    shares: Sequence[Share]


def share_bars(groups: Sequence[ShareGroup], *, title: str, key: str, chance: float | None = None) -> str:
    """Bars from 0 to 100 % with intervals as lines; chance, where it is one number, as a dashed line."""
    lefts = [LEFT + APART / 2 + sum(BAR * len(g.shares) + APART for g in groups[:i]) for i in range(len(groups))]
    width = LEFT + sum(BAR * len(group.shares) + APART for group in groups)
    names = {share.name: share for group in groups for share in group.shares}
    said = "; ".join(
        f"{group.above} {group.label}, {_told(share)}".strip() for group in groups for share in group.shares
    )
    ways = [_way(share, TOP + HEIGHT + 60 + ROW * i) for i, share in enumerate(names.values())]
    return picture(
        *(_tick(share, width) for share in TICKS),
        *([] if chance is None else [_chance(chance, width)]),
        *(part for group, left in zip(groups, lefts, strict=True) for part in _group(group, left)),
        *_common(groups, lefts),
        *ways,
        width=shares_width(groups),
        height=TOP + HEIGHT + BOTTOM,
        title=title,
        description=said or "no shares",
        key=key,
    )


def shares_width(groups: Sequence[ShareGroup]) -> float:
    """How wide the picture of some groups is."""
    names = {share.name for group in groups for share in group.shares}
    bars = LEFT + sum(BAR * len(group.shares) + APART for group in groups) + 10
    return max(bars, LEFT + 26 + CHARACTER * max(map(len, names), default=0))


def _told(share: Share) -> str:
    low, high = (100 * end for end in share.interval)
    return f"{share.name}: {100 * share.value:.1f} % [{low:.1f} to {high:.1f}]"


def _up(share: float) -> float:
    return TOP + HEIGHT * (1 - share)


def _tick(share: float, right: float) -> str:
    y = _up(share)
    line = element("line", x1=LEFT, x2=right, y1=y, y2=y, stroke=INK, stroke_opacity=0.12)
    return line + label(f"{100 * share:.0f} %", LEFT - 6, y + 4, anchor="end")


def _chance(share: float, right: float) -> str:
    y = _up(share)
    line = element("line", x1=LEFT, x2=right, y1=y, y2=y, stroke=INK, stroke_opacity=0.6, stroke_dasharray="4 4")
    return element(
        "g",
        element("title", text(f"chance: {100 * share:.1f} %")),
        line,
        label("chance", LEFT - 6, y + 4, anchor="end"),
    )


def _group(group: ShareGroup, left: float) -> list[str]:
    parts = [label(group.label, left + BAR * len(group.shares) / 2, TOP + HEIGHT + 17)]
    for i, share in enumerate(group.shares):
        x = left + BAR * i
        low, high = share.interval
        filled = {"style": f"fill:{share.colour}", "fill_opacity": share.opacity}
        bar = element("rect", x=x + 2, y=_up(share.value), width=BAR - 4, height=HEIGHT * share.value, **filled)
        middle = x + BAR / 2
        ends = element("line", x1=middle, x2=middle, y1=_up(low), y2=_up(high), stroke=INK, stroke_width=1.4)
        # Above the interval, or it would be crossed out by it.
        value = label(f"{100 * share.value:.0f}", middle, _up(high) - 4)
        parts.append(element("g", element("title", text(_told(share))), bar, ends, value))
    return parts


def _common(groups: Sequence[ShareGroup], lefts: Sequence[float]) -> list[str]:
    parts: list[str] = []
    for name in dict.fromkeys(group.above for group in groups if group.above):
        own = [i for i, group in enumerate(groups) if group.above == name]
        first, last = lefts[own[0]], lefts[own[-1]] + BAR * len(groups[own[-1]].shares)
        y = number(TOP + HEIGHT + 25)
        parts.append(element("path", d=f"M{number(first)} {y}H{number(last)}", stroke=INK, stroke_opacity=0.3))
        parts.append(label(name, (first + last) / 2, TOP + HEIGHT + 40))
    return parts


def _way(share: Share, y: float) -> str:
    box = element(
        "rect", x=LEFT, y=y - 9, width=10, height=10, rx=2, style=f"fill:{share.colour}", fill_opacity=share.opacity
    )
    return box + label(share.name, LEFT + 16, y, anchor="start")

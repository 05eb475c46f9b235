"""Histograms: bars along an axis, and around the listener for directions."""

from collections.abc import Mapping
from math import cos, floor, log10, radians, sin, sqrt

from salm.frame import SECTORS, sector_centre_deg
from salm.pictures.svg import ACCENT, INK, element, label, number, outline, picture, text
from salm.scenes.histogram import Histogram

__all__ = ["bar_histogram", "rose", "rounded"]

WIDTH, HEIGHT = 360.0, 176.0
LEFT, RIGHT, TOP, BOTTOM = 8.0, 352.0, 22.0, 142.0
FEWEST_BINS = 8

ROSE_WIDTH, ROSE_HEIGHT = 400.0, 300.0
CENTRE, RADIUS = (200.0, 150.0), 100.0


def bar_histogram(histogram: Histogram, *, title: str, unit: str, key: str) -> str:
    """A bar a bin, the highest as high as the picture, over an axis in the unit.

    Parameters
    ----------
    title
        What the picture is, for screen readers; the numbers follow from the histogram.
    unit
        Written after numbers, with its space if it has one: ``°``, `` m``.
    key
        Identifier that no other picture on the same page has.
    """
    first, last = _axis(histogram)
    across = (RIGHT - LEFT) / (last - first)
    highest = max(histogram.counts, default=0)
    bins = list(zip(histogram.edges, histogram.edges[1:], histogram.counts, strict=False))
    bars = [
        _bar(LEFT + (low - first) * across, (high - low) * across, count / highest, _said_bin(low, high, count, unit))
        for low, high, count in bins
        if count
    ]
    return picture(
        element("line", x1=LEFT, x2=RIGHT, y1=TOP, y2=TOP, stroke=INK, stroke_opacity=0.12),
        label(f"{highest:,}", LEFT, TOP - 7, anchor="start"),
        *bars,
        element("line", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM, stroke=INK, stroke_opacity=0.45),
        *(_tick(LEFT + (at - first) * across, f"{_written(at)}{unit}") for at in _ticks(first, last, unit)),
        width=WIDTH,
        height=HEIGHT,
        title=title,
        description=_described(histogram, unit),
        key=key,
    )


def rose(histogram: Histogram, sectors: Mapping[str, int], *, title: str, key: str) -> str:
    """Azimuths around the listener, the front up and the left on the left: a wedge a bin, whose area goes by its count.

    The dashed circle is where all wedges would end if every direction were as common.

    Parameters
    ----------
    histogram
        Of azimuths in degrees, counter-clockwise from the front.
    sectors
        Number in each of `salm.frame.SECTORS`, written beside it.
    title, key
        As for `bar_histogram`.
    """
    highest, everything = max(histogram.counts, default=0) or 1, sum(histogram.counts)
    total = sum(sectors.values()) or 1
    wedges = [
        _wedge(low, high, RADIUS * sqrt(count / highest), _said_bin(low, high, count, "°"))
        for low, high, count in zip(histogram.edges, histogram.edges[1:], histogram.counts, strict=False)
        if count
    ]
    even = RADIUS * sqrt(everything / max(1, len(histogram.counts)) / highest)
    borders = [_polar(float(sector_centre_deg(index)) + 22.5, RADIUS) for index in range(8)]
    return picture(
        element("circle", cx=CENTRE[0], cy=CENTRE[1], r=RADIUS, **outline(0.2)),
        *wedges,
        *(element("line", x1=CENTRE[0], y1=CENTRE[1], x2=x, y2=y, stroke=INK, stroke_opacity=0.18) for x, y in borders),
        element("circle", cx=CENTRE[0], cy=CENTRE[1], r=even, stroke_dasharray="3 3", **outline(0.6)),
        *(_sector(index, sectors[word] / total) for index, word in enumerate(SECTORS)),
        width=ROSE_WIDTH,
        height=ROSE_HEIGHT,
        title=title,
        description="; ".join(f"{word}: {sectors[word]:,}" for word in SECTORS),
        key=key,
    )


def rounded(value: float) -> str:
    """A number of three digits or all before the point, with a true minus sign."""
    return _written(round(value, 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0))


def _written(value: float) -> str:
    # Adding zero turns the negative zero of a rounded small number into zero.
    return f"{value + 0.0:,.10g}".replace("-", "−")


def _axis(histogram: Histogram) -> tuple[float, float]:
    """Ends of the axis: those of the bins, and some more where there are few, or one would fill the picture."""
    if not histogram.counts:
        return 0.0, 1.0
    first, last = histogram.edges[0], histogram.edges[-1]
    width = histogram.edges[1] - first
    more = max(0, FEWEST_BINS - len(histogram.counts)) // 2 * width
    return first - more, last + more


def _ticks(first: float, last: float, unit: str) -> list[float]:
    """Some round numbers between the ends."""
    rough = (last - first) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    if unit == "°" and step == 50:
        step = 45.0
    return [round(n * step, 6) for n in range(int(first / step) - 1, int(last / step) + 2) if first <= n * step <= last]


def _bar(x: float, width: float, share: float, said: str) -> str:
    height = (BOTTOM - TOP) * share
    bar = element(
        "rect",
        x=x + min(1.0, width / 8),
        y=BOTTOM - height,
        width=width - 2 * min(1.0, width / 8),
        height=height,
        style=f"fill:{ACCENT}",
        fill_opacity=0.8,
    )
    return element("g", element("title", text(said)), bar)


def _tick(x: float, said: str) -> str:
    anchor = "start" if x < LEFT + 12 else "end" if x > RIGHT - 12 else "middle"
    mark = element("line", x1=x, x2=x, y1=BOTTOM, y2=BOTTOM + 4, stroke=INK, stroke_opacity=0.45)
    return mark + label(said, x, BOTTOM + 18, anchor=anchor)


def _wedge(low_deg: float, high_deg: float, radius: float, said: str) -> str:
    (x1, y1), (x2, y2) = _polar(high_deg, radius), _polar(low_deg, radius)
    r = number(radius)
    start, end = f"{number(x1)} {number(y1)}", f"{number(x2)} {number(y2)}"
    centre = f"{number(CENTRE[0])} {number(CENTRE[1])}"
    path = element("path", d=f"M{centre}L{start}A{r} {r} 0 0 1 {end}Z", style=f"fill:{ACCENT}", fill_opacity=0.75)
    return element("g", element("title", text(said)), path)


def _sector(index: int, share: float) -> str:
    centre_deg = float(sector_centre_deg(index))
    x, y = _polar(centre_deg, RADIUS + 12)
    across = sin(radians(centre_deg))
    anchor = "middle" if abs(across) < 0.1 else "end" if across > 0 else "start"
    # Two lines, which grow away from the circle.
    first = y - 6 - 7 * cos(radians(centre_deg)) + 6
    word = label(SECTORS[index], x, first, anchor=anchor)
    return word + label(f"{100 * share:.1f} %", x, first + 14, anchor=anchor)


def _polar(azimuth_deg: float, radius: float) -> tuple[float, float]:
    angle = radians(azimuth_deg)
    return CENTRE[0] - radius * sin(angle), CENTRE[1] - radius * cos(angle)


def _said_bin(low: float, high: float, count: int, unit: str) -> str:
    return f"{_written(low)}{unit} to {_written(high)}{unit}: {count:,}"


def _described(histogram: Histogram, unit: str) -> str:
    if histogram.least is None or histogram.mean is None or histogram.most is None:
        return "nothing"
    ends = f"{rounded(histogram.least)}{unit} to {rounded(histogram.most)}{unit}"
    return f"{histogram.count:,} from {ends}, mean {rounded(histogram.mean)}{unit}"

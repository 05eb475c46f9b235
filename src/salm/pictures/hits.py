"""Where the hits of a search are, seen from above, as a picture in a file of its own."""

from pathlib import Path

from salm.library.index import Hit, SearchResult
from salm.library.question import BANDS_DEG
from salm.pictures.drawing import write_drawing
from salm.pictures.plan import Mark, Sought, plan_view

__all__ = ["draw_hits", "hits_picture"]


def hits_picture(result: SearchResult, *, title: str) -> str:
    """SVG of the hits, numbered from the best; those without a direction are left out, and the first lies on top."""
    marks = [_mark(number, hit) for number, hit in enumerate(result.hits, 1) if hit.azimuth_deg is not None]
    phrase = result.query.phrase if result.query else None
    sought = None
    if phrase is not None:
        band = None if phrase.elevation is None else BANDS_DEG[phrase.elevation]
        sought = Sought(azimuth_deg=phrase.azimuth_deg, elevations_deg=band)
    return plan_view(marks[::-1], title=title, key="hits", sought=sought)


def draw_hits(path: str | Path, result: SearchResult, *, title: str) -> None:
    """Write :func:`hits_picture` to a file.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    write_drawing(path, hits_picture(result, title=title))


def _mark(number: int, hit: Hit) -> Mark:
    place = f"{hit.azimuth_deg:.0f}°" + ("" if hit.elevation_deg is None else f", {hit.elevation_deg:.0f}° up")
    return Mark(
        azimuth_deg=hit.azimuth_deg or 0.0,
        elevation_deg=hit.elevation_deg or 0.0,
        kind="hit",
        label=str(number) if number < 100 else "",
        title=f"{number}: {Path(hit.file).name}, {hit.start_s:.1f} s, at {place}, score {hit.score:.2f}",
    )

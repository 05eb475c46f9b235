"""Pictures in files of their own: with the colours of the pages, light or dark, and plain ones for programs without."""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from salm.whole import written_whole

__all__ = ["colours", "drawing", "write_drawing"]

# In a dark window the background turns dark too, so that the words on it stay legible.
_OF_ITS_OWN = ":root { color: var(--ink); background: var(--card); }"
_STYLE = re.compile(r' style="([^"]*\bvar\([^"]*)"')
_PAINT = re.compile(r"(fill|stroke):var\(--[\w-]+, (#\w+)\)")


@cache
def colours() -> str:
    """The style sheet that names the colours of every page and picture, for light and for dark."""
    return files("salm.pictures").joinpath("colours.css").read_text(encoding="utf-8")


def drawing(picture: str) -> str:
    """A picture as the text of an SVG file.

    Browsers follow its style sheet. Programs that know no variables, as most that turn SVG into PDF do, find the light
    colours as attributes.
    """
    plain = _STYLE.sub(_painted, picture)
    ink = re.search(r"--ink: (#\w+)", colours())
    style = f"<style>{' '.join(colours().split())} {_OF_ITS_OWN}</style>"
    # Without a size a small picture would be as wide as the page that it is shown on.
    size = re.sub(r'^.*?viewBox="0 0 (\S+) (\S+)".*$', r'width="\1" height="\2"', plain, flags=re.DOTALL)
    head = f'<svg color="{ink[1] if ink else "black"}" {size} '
    return plain.replace("<svg ", head, 1).replace(">", f">{style}", 1) + "\n"


def write_drawing(path: str | Path, picture: str) -> None:
    """Write :func:`drawing` to a file.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with written_whole(path) as part:
        part.write_text(drawing(picture), encoding="utf-8")


def _painted(style: re.Match[str]) -> str:
    attributes = "".join(f' {name}="{colour}"' for name, colour in _PAINT.findall(style[1]))
    return f"{attributes}{style[0]}"

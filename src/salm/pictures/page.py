"""Pages of results in one file: no request leaves them, and they read well with a keyboard or a screen reader.

Style, script, pictures and sounds are all inside the page. A sound is embedded once, however many buttons play it.
"""

import io
from base64 import b64encode
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float32

from salm.pictures.drawing import colours
from salm.pictures.svg import element, text
from salm.whole import written_whole

__all__ = ["Sounds", "document", "figures", "legend", "table", "write_page"]

_ICONS = (
    '<svg class="start" viewBox="0 0 12 12" aria-hidden="true"><path d="M2.5 1v10l9-5z"/></svg>'
    '<svg class="pause" viewBox="0 0 12 12" aria-hidden="true"><path d="M2 1h3v10H2zM7 1h3v10H7z"/></svg>'
)


class Sounds:
    """The sounds of one page."""

    def __init__(self) -> None:
        self._elements: dict[str, str] = {}

    def add(self, key: str, samples: Float32[np.ndarray, "2 time"], rate_hz: int) -> None:
        """Embed a stereo sound under a key; its level is kept, and what is beyond full scale is turned down to it."""
        source = _audio_data_uri(samples / max(1.0, float(np.abs(samples).max(initial=0.0))), rate_hz)
        self._elements[key] = element("audio", id=f"sound-{key}", src=source, preload="none")

    def button(self, key: str, *, label: str) -> str:
        """A button that plays and pauses the sound of a key.

        Raises
        ------
        KeyError
            If no sound has been added under the key.
        """
        self._elements[key]
        return element(
            "button",
            element("span", _ICONS),
            type="button",
            class_="play",
            aria_pressed="false",
            aria_label=f"Play {label}",
            data_sound=f"sound-{key}",
        )

    def markup(self) -> str:
        """Every sound, to stand once anywhere on the page."""
        return "".join(self._elements.values())


def document(title: str, *body: str) -> str:
    """A whole page around sections of markup."""
    home = files("salm.pictures")
    style, script = (home.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    style = colours() + style
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        # Nothing may be loaded from elsewhere, even if a name in the page tried to.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; media-src data:\">"
        '<link rel="icon" href="data:,">'
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>{head}<title>{text(title)}</title>\n'
        f"<style>\n{style}</style></head>\n<body>\n"
        + "\n".join(body)
        + f"\n<script>\n{script}</script>\n</body>\n</html>\n"
    )


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str, figure_columns: Sequence[int] = ()
) -> str:
    """A table of markup cells; figure columns are set flush right."""
    classes = ["figure" if column in figure_columns else None for column in range(len(header))]
    head = "".join(element("th", text(name), scope="col", class_=c) for name, c in zip(header, classes, strict=True))
    body = "".join(
        element("tr", *(element("td", cell, class_=c) for cell, c in zip(row, classes, strict=True))) + "\n"
        for row in rows
    )
    parts = element("caption", text(caption)), element("thead", element("tr", head)), element("tbody", body)
    return element("div", element("table", *parts), class_="scroll", tabindex="0", role="region", aria_label=caption)


def figures(items: Sequence[tuple[str, str, str]]) -> str:
    """Key numbers: what each is, its value, and what stands beside it for comparison."""
    cells = [
        element(
            "div",
            element("dt", text(name)),
            element("dd", text(value), class_="number"),
            element("dd", text(beside), class_="beside"),
        )
        for name, value, beside in items
    ]
    return element("dl", *cells, class_="numbers")


def legend(items: Sequence[tuple[str, str]]) -> str:
    """Swatches, as markup, and what each stands for."""
    return element("ul", *(element("li", mark, text(name)) for mark, name in items), class_="legend")


def write_page(path: Path, page: str) -> Path:
    """Write a page; its path."""
    with written_whole(path) as part:
        part.write_text(page, encoding="utf-8")
    return path


def _audio_data_uri(samples: Float32[np.ndarray, "2 time"], rate_hz: int) -> str:
    content = io.BytesIO()
    soundfile.write(content, samples.T, rate_hz, format="MP3")
    return "data:audio/mpeg;base64," + b64encode(content.getvalue()).decode("ascii")

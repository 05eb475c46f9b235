"""Phrases in plain words: what is looked for, and where.

Whatever `salm.frame.parse_direction` understands is the where; the rest of the text, cleaned of the words that tied the
two together, is the what: "thunder that is behind and high" asks for "thunder", at the back and above.
"""

import re
from dataclasses import asdict, dataclass
from typing import Any

from salm.errors import InputError
from salm.frame import SpokenDirection, parse_direction

__all__ = ["Phrase", "parse_phrase"]

# Where a place was taken out of the text.
_HOLE = "\x00"
_TIE = r"(?:that|which|who|it|is|are|was|were|comes?|coming|arriving|heard|located|placed|somewhere|and|but|with|to)"
_BEFORE_HOLE = re.compile(rf"(?:[\s,;:–—-]+{_TIE}\b|^{_TIE}\b)*[\s,;:–—-]*{_HOLE}", re.IGNORECASE)
_AFTER_HOLE = re.compile(rf"{_HOLE}[\s,;:.–—-]*(?:\b(?:and|there\s+(?:is|are)|is|are)\b\s*)*", re.IGNORECASE)
_REQUEST = re.compile(
    r"^(?:please\s+)?(?:find|search(?:\s+for)?|look\s+for|show|list|give)\b(?:\s+me)?\s+|\s+please$", re.IGNORECASE
)
_ANYTHING = re.compile(
    r"(?:(?:the|a|any|all|every)\s+)?(?:sounds?|somethings?|anything|everything|it|what)?(?:more\s+)?(?:(?:like\s+)?(?:this|that)(?:\s+one)?|the\s+same)?(?:\s+(?:is|are))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """What a phrase asks for; a part that it leaves open is None, or empty."""

    text: str
    """As it was given."""
    what: str
    """The text without the words for the place; empty if the phrase is only about the place."""
    azimuth_deg: float | None = None
    sector: str | None = None
    """Listener word for the azimuth."""
    elevation: str | None = None
    """``above``, ``below`` or ``level``."""

    def __str__(self) -> str:
        band = None if self.elevation == "level" and self.sector else self.elevation
        azimuth = None if self.azimuth_deg is None else f"{self.sector} ({self.azimuth_deg:g}°)"
        where = ", ".join(filter(None, (azimuth, band)))
        return " ".join(filter(None, (f'"{self.what}"' if self.what else "", f"at {where}" if where else "")))

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        return asdict(self)


def parse_phrase(text: str, *, facing: str = "north") -> Phrase:
    """Split a phrase into what and where.

    Parameters
    ----------
    text
        For example "dog from the left", "rain", "overhead" or "a car at 3 o'clock".
    facing
        Where the front is on the compass.

    Raises
    ------
    InputError
        If the text is empty or names several directions, or ``facing`` is unknown.
    """
    if not text.strip():
        raise InputError("the query is empty; say what, where, or both, as in 'dog from the left'.")
    place = parse_direction(text, facing=facing) or SpokenDirection()
    return Phrase(
        text=text,
        what=_without_place(text, place),
        azimuth_deg=place.azimuth_deg,
        sector=place.sector,
        elevation=place.elevation,
    )


def _without_place(text: str, place: SpokenDirection) -> str:
    for start, stop in reversed(place.spans):
        text = f"{text[:start]}{_HOLE}{text[stop:]}"
    text = _AFTER_HOLE.sub(_HOLE, _BEFORE_HOLE.sub(_HOLE, text))
    what = _REQUEST.sub("", " ".join(text.replace(_HOLE, " ").split()))
    what = what.replace("( )", "").strip(" ,;:.!?")
    return "" if place.spans and _ANYTHING.fullmatch(what) else what

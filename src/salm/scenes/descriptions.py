"""Sentences about whole scenes: one sound or several, at a place or on its way, near or far, in whatever room.

One sound that stands still is what `salm.scenes.captions` has phrasings for; this goes on from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from salm.errors import InputError
from salm.frame import sector_index
from salm.scenes.captions import ELEVATION_SENTENCES, Phrasing, place_words, spatial_caption, within_sentence
from salm.scenes.scene import Source

__all__ = ["ATTRIBUTE_SENTENCES", "Part", "describe", "exchanged", "joined", "part_of"]

ATTRIBUTE_SENTENCES: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "elevation": {word: ELEVATION_SENTENCES[word] for word in ("below", "above")},
        "distance": {
            "near": ("The sound is close by.", "The sound is near.", "Something is heard right here."),
            "far": ("The sound is far away.", "The sound is distant.", "Something is heard from afar."),
        },
        "room": {
            "small": ("The sound is in a small room.", "The room is small.", "Something is heard in a little room."),
            "large": ("The sound is in a large room.", "The room is large.", "Something is heard in a big hall."),
        },
        "reverberation": {
            "dry": ("The sound is dry.", "The room does not reverberate.", "Something is heard without any echo."),
            "reverberant": (
                "The sound is reverberant.",
                "The room reverberates.",
                "Something is heard echoing.",
            ),
        },
        "level": {
            "quiet": ("The sound is quiet.", "The sound is faint.", "Something is hardly heard."),
            "loud": ("The sound is loud.", "The sound is strong.", "Something is heard loudly."),
        },
    }
)
"""Sentences about one attribute alone, by its word; see `salm.scenes.attributes`."""

_SAID = {"near": "close by", "far": "far away", "quiet": "quiet", "loud": "loud"}


@dataclass(frozen=True, kw_only=True)
class Part:
    """One sound of a description."""

    caption: str
    """What it is, without place words."""
    sector: int
    """Where it is, or where it sets out from."""
    end_sector: int | None = None
    """Where it goes, if it moves from one sector to another."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What is to be said of it besides, as `salm.scenes.attributes.attributes_of` has it."""

    def turned(self, sectors: int) -> "Part":
        """The same, so many sectors farther counter-clockwise."""
        end = None if self.end_sector is None else (self.end_sector + sectors) % 8
        return replace(self, sector=(self.sector + sectors) % 8, end_sector=end)


def part_of(source: Source, *, caption: str | None = None, attributes: Mapping[str, str] | None = None) -> Part:
    """What there is to say of a source, with its own caption or another one."""
    start, end = source.sector, None
    if source.path:
        start, last = (int(sector_index(source.path[place].azimuth_deg)) for place in (0, -1))
        end = None if last == start else last
    return Part(caption=caption or source.caption, sector=start, end_sector=end, attributes=attributes or {})


def exchanged(parts: Sequence[Part]) -> list[Part]:
    """The same sounds, each at the place of the next and the last at that of the first."""
    places = [*parts[1:], parts[0]]
    return [
        replace(part, sector=place.sector, end_sector=place.end_sector)
        for part, place in zip(parts, places, strict=True)
    ]


def joined(captions: Sequence[str]) -> str:
    """Several captions as one sentence, e.g. ``A dog barks and rain falls.``; one is left as it is.

    Raises
    ------
    InputError
        If there is none.
    """
    if not captions:
        raise InputError("there is no caption to join; give one or more.")
    if len(captions) == 1:
        return captions[0]
    first, *rest = (caption.strip().rstrip(".!?… ") for caption in captions)
    return ", ".join([first, *map(within_sentence, rest[:-1])]) + f" and {within_sentence(rest[-1])}."


def describe(parts: Sequence[Part], *, phrasing: Phrasing, facing: str = "north") -> str:
    """One sentence about all parts, e.g. ``A dog barks on the left, close by, and rain falls behind you.``

    Parameters
    ----------
    parts
        The sounds, in the order in which they are named.
    phrasing
        How the place of one that stands still is said; one that moves has words of its own.
    facing
        Where the front is on the compass.

    Raises
    ------
    InputError
        If there is no part, or one has an empty caption or an unknown sector.
    """
    texts = [_sentence(part, phrasing=phrasing, facing=facing) for part in parts]
    if len(texts) == 1:
        return texts[0]
    if not all(text.endswith(".") for text in texts):
        return "; ".join(texts)
    return joined(texts)


def _sentence(part: Part, *, phrasing: Phrasing, facing: str) -> str:
    if part.end_sector is None:
        elevation = part.attributes.get("elevation")
        text = spatial_caption(part.caption, part.sector, phrasing=phrasing, facing=facing, elevation=elevation)
    else:
        start = place_words(part.sector, vocabulary=phrasing.vocabulary, facing=facing)["from"]
        moving = Phrasing(f"{{sentence}}, moving {start} {{to}}.", phrasing.vocabulary)
        text = spatial_caption(part.caption, part.end_sector, phrasing=moving, facing=facing)
    asides = [_SAID[part.attributes[name]] for name in ("level", "distance") if name in part.attributes]
    if room := " ".join(part.attributes[name] for name in ("room", "reverberation") if name in part.attributes):
        asides.append(f"in a {room} room")
    stop = "." if text.endswith(".") else ""
    return ", ".join([text.removesuffix("."), *asides]) + stop

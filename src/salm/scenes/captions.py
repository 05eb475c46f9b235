"""Spatial captions: sentences that say what sounds and where, built from a caption and a sector.

The words for places are those of `salm.frame`, and what is written here is read back by `salm.frame.parse_direction`:
each is the test of the other. A phrasing is a template; everything is deterministic, so that embeddings of sentences
can be kept.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from types import MappingProxyType

import numpy as np

from salm.errors import InputError
from salm.frame import direction_word, parse_direction

__all__ = [
    "DIRECTION_PHRASINGS",
    "ELEVATION_SENTENCES",
    "HELD_OUT_DIRECTION_PHRASINGS",
    "HELD_OUT_PHRASINGS",
    "PAPER_PHRASING",
    "PAPER_TEMPLATE",
    "PLAIN_PHRASINGS",
    "TRAINING_PHRASINGS",
    "VOCABULARY_SHARES",
    "Phrasing",
    "direction_sentence",
    "draw_phrasing",
    "holds_place_words",
    "place_words",
    "spatial_caption",
    "within_sentence",
]

VOCABULARY_SHARES: Mapping[str, float] = MappingProxyType({"listener": 0.6, "compass": 0.2, "clock": 0.2})
"""The vocabularies that captions are written in, and the share of each among training phrasings that are drawn.

Nautical words are read but never written: evaluation asks models for words that training never had.
"""

_CAPTION_SLOTS = frozenset({"sentence", "clause"})
_PLACE_SLOTS = frozenset({"word", "at", "from", "to", "your"})


@dataclass(frozen=True)
class Phrasing:
    """One way to say where a sound is.

    A template that ends with a full stop begins with a capital letter once filled; any other is a short query.

    Raises
    ------
    InputError
        If the template names no place or a slot that is unknown.
    """

    template: str
    """Text with one place slot, e.g. for the left ``{word}`` (left), ``{at}`` (on the left), ``{from}`` (from the
    left), ``{to}`` (to the left), ``{your}`` (on your left), and, unless it is about the place alone, with ``{clause}``
    (the caption within a sentence) or ``{sentence}`` (the caption with its capital letter)."""
    vocabulary: str = "listener"
    """One of :data:`VOCABULARY_SHARES`."""

    def __post_init__(self) -> None:
        unknown = self._slots - _CAPTION_SLOTS - _PLACE_SLOTS
        if unknown or len(self._slots & _PLACE_SLOTS) != 1:
            raise InputError(
                f"template {self.template!r} must have one of the place slots {', '.join(sorted(_PLACE_SLOTS))} "
                f"and may have {' or '.join(sorted(_CAPTION_SLOTS))}."
            )
        _check_vocabulary(self.vocabulary)

    @property
    def says_what(self) -> bool:
        """Whether the template has a place for a caption."""
        return bool(self._slots & _CAPTION_SLOTS)

    @property
    def _slots(self) -> frozenset[str]:
        return frozenset(slot for _, slot, _, _ in Formatter().parse(self.template) if slot is not None)


def _check_vocabulary(vocabulary: str) -> None:
    if vocabulary not in VOCABULARY_SHARES:
        raise InputError(f"vocabulary is {vocabulary!r} but must be one of {', '.join(VOCABULARY_SHARES)}.")


def _phrasings(**templates: tuple[str, ...]) -> tuple[Phrasing, ...]:
    return tuple(Phrasing(template, vocabulary) for vocabulary, some in templates.items() for template in some)


PAPER_TEMPLATE = "The sound is coming from the {word}."
"""The zero-shot sentence of the paper's section 4.3."""

PAPER_PHRASING = Phrasing("The sound: {sentence} is coming from the {word}.")
"""The sentence that the paper's section 3.1 hands to a language model; neither for training nor held out."""

_PLAIN_FRAMES = (
    "{sentence} {at}.",
    "{sentence} {from}.",
    "{sentence}, coming {from}.",
    "{from}, {clause}.",
    "{at}, {clause}.",
    "{at}: {clause}.",
    "{to}, {clause}.",
    "Heard {from}: {clause}.",
)

# A model that has met a hundred shapes of sentences minds less which one it is asked in.
_FRAMES = (
    *_PLAIN_FRAMES,
    "{sentence}, heard {from}.",
    "{sentence}, and it comes {from}.",
    "{sentence}. It is {at}.",
    "{sentence}. The sound comes {from}.",
    "{sentence}, recorded {at}.",
    "There is a sound {at}: {clause}.",
    "I hear this {from}: {clause}.",
    "Listen {to}: {clause}.",
    "The following comes {from}: {clause}.",
    "A recording in which {clause} {at}.",
    "The noise {at} is as follows: {clause}.",
    "Audio {from}: {sentence}.",
    "It is {at}, and {clause}.",
    "{clause} {at}",
    "{clause} {from}",
    "{clause}, {word}",
    "{clause} ({word})",
    "{word}: {clause}",
    "find {clause} {at}",
    "sound of {clause} {from}",
    "{clause}, position {word}",
)

TRAINING_PHRASINGS = _phrasings(
    listener=(
        *_FRAMES,
        "{sentence} {your}.",
        "{your}: {clause}.",
        "{your}, {clause}.",
        "{sentence}; it happens {your}.",
        "{sentence}, somewhere {at} of the listener.",
        "{sentence}; it reaches you {from}.",
        "For the listener this is {at}: {clause}.",
        "{clause} {your}",
        "what is {at}? {clause}",
    ),
    compass=(
        *_FRAMES,
        "{sentence}; its bearing is {word}.",
        "{clause} {word}",
        "{clause}, bearing {word}",
    ),
    clock=(
        *_FRAMES,
        "{sentence}, as if the front were twelve and this {word}.",
        "Your {word}: {clause}.",
        "Clock position {word}: {clause}.",
        "{clause}, your {word}",
    ),
)
"""What spatial captions for training are drawn from."""

PLAIN_PHRASINGS = tuple(phrasing for phrasing in TRAINING_PHRASINGS if phrasing.template in _PLAIN_FRAMES)
"""Those that are one sentence of caption and place, and hardly a word besides."""

HELD_OUT_PHRASINGS = _phrasings(
    listener=(
        "What can be heard {at} is this: {clause}.",
        "The source lies {to}; {clause}.",
        "Direction: {word}. Sound: {sentence}.",
        "Turn your head {to} and you will face what is described as “{clause}”.",
        "{sentence}, and whoever listens would point {to}.",
    ),
    compass=(
        "{sentence}; a compass pointed at the source would read {word}.",
        "Somewhere {to} of the microphone: {clause}.",
    ),
    clock=("{sentence}; on a clock face laid flat that is {at}.",),
)
"""Sentences of other shapes, for evaluation only."""

DIRECTION_PHRASINGS = _phrasings(
    listener=(PAPER_TEMPLATE, "The sound is {at}.", "It comes {from}.", "Something is heard {your}."),
    compass=(PAPER_TEMPLATE, "The sound is {at}."),
    clock=("The sound is coming {from}.", "The sound is {at}."),
)
"""Sentences about the place alone, listener words first; one embedding of a sector is their mean."""

HELD_OUT_DIRECTION_PHRASINGS = _phrasings(
    listener=(
        "Whatever makes this noise must be {at}.",
        "Look {to} and you will see where it comes from.",
        "{your}, that is the place.",
        "Someone who hears it would point {to}.",
    ),
    compass=("A compass pointed at it would read {word}.", "Its origin lies {to}."),
    clock=("On a clock face laid flat it would be {at}.", "Think of a clock: this is {at}."),
)
"""Sentences about the place alone in frames for evaluation only, as many of each vocabulary as in training."""

ELEVATION_SENTENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "above": ("The sound is coming from above.", "The sound is up above.", "Something is heard overhead."),
        "level": ("The sound is coming from ear level.", "The sound is level.", "Something is heard at ear level."),
        "below": ("The sound is coming from below.", "The sound is down below.", "Something is heard low down."),
    }
)
"""Sentences about the height alone, by elevation band."""

_AT = ("in front", "at the front left", "on the left", "at the back left", "at the back")
_YOURS = ("in front of you", "ahead of you on your left", "on your left", "behind you on your left", "behind you")
_HEIGHTS = {"above": ("up above", "high"), "below": ("down below", "low")}

_ARTICLES = ("A", "An", "The")
_PROPER = re.compile(
    r"african|american|arabic|asian|australian|british|buddhist|chinese|christmas|dutch|english|european|french|german"
    r"|greek|indian|irish|italian|japanese|jewish|korean|latin|mexican|morse|russian|scottish|spanish|styrofoam|tibetan"
    r"|turkish|velcro|(mon|tues|wednes|thurs|fri|satur|sun)day",
    re.IGNORECASE,
)

# What is read as a place in a query and is none in a sentence about what is heard; not after what makes it one.
_NOT_AFTER_PLACE = r"(?<!the )(?<!your )(?<!my )(?<!to )(?<!on )(?<!from )(?<!front )(?<!back )(?<!rear )(?<!far )"
_NO_PLACES = re.compile(
    r"\b(?:(?:a|an|the|one|another)\s+(?!(?:front|back|rear|far|hard|extreme|top|upper|lower)\b)\w+"
    r"|it|somebody|someone|everybody|everyone)\s+left\b(?=\s*(?:[.,;!?]|$))"
    r"|\b(?:is|are|was|were|be|been|being|gets?|got)\s+(?:then\s+)?left\b(?!\s+of\b)"
    rf"|\b{_NOT_AFTER_PLACE}left\s+(?:the|a|an|his|her|their|its|my|our)\b(?!\s+(?:ear|channel|speaker|side|hand)\b)"
    rf"|\b{_NOT_AFTER_PLACE}left\s+to\s+(?!(?:the\s+)?(?:right|left|front|back|rear)\b)"
    rf"|\b{_NOT_AFTER_PLACE}right\s+(?:on\s+)?(?:up|through|down|out|off|back|beside|next)\b",
    re.IGNORECASE,
)
_FURTHER_PLACES = re.compile(
    r"\b(?:left|right)[\s-](?:hand|ear|channel|speaker|side)s?\b"
    r"|\b(?:on|from|at|to|towards?)\s+(?:the|my|your|one|either|both|each|every|another|the\s+other|the\s+opposite)"
    r"\s+sides?\b(?!\s+of\b(?!\s+(?:me|you|the\s+(?:listener|microphone)))|\s+\w+ing\b)"
    r"|\b(?:anti|counter)?[\s-]?clockwise\b|\b(?:port|starboard)\s+side\b",
    re.IGNORECASE,
)


def spatial_caption(
    caption: str, sector: int, *, phrasing: Phrasing, facing: str = "north", elevation: str | None = None
) -> str:
    """A caption together with its place, e.g. ``A dog barks on the left.``

    Parameters
    ----------
    caption
        What is heard, without place words: a sentence or a few words, with or without a full stop.
    sector
        Index into `salm.frame.SECTORS`.
    phrasing
        A phrasing that has a place for the caption.
    facing
        Where the front is on the compass.
    elevation
        ``above`` or ``below``; None says nothing about the height.

    Raises
    ------
    InputError
        If the caption is empty, the phrasing is about the place alone, or sector, facing or elevation is unknown.
    """
    if not phrasing.says_what:
        raise InputError(f"phrasing {phrasing.template!r} has no place for a caption; use direction_sentence.")
    sentence = caption.strip().rstrip(".!?… ")
    if not sentence:
        raise InputError(f"caption {caption!r} is empty; it must say what is heard.")
    place = place_words(sector, vocabulary=phrasing.vocabulary, facing=facing, elevation=elevation)
    return _fill(phrasing.template, place | {"sentence": sentence, "clause": within_sentence(sentence)})


def direction_sentence(
    sector: int,
    *,
    phrasing: Phrasing = DIRECTION_PHRASINGS[0],
    facing: str = "north",
    elevation: str | None = None,
) -> str:
    """A sentence about the place alone, e.g. ``The sound is coming from the left.``

    Raises
    ------
    InputError
        If the phrasing needs a caption, or sector, facing or elevation is unknown.
    """
    if phrasing.says_what:
        raise InputError(f"phrasing {phrasing.template!r} needs a caption; use spatial_caption.")
    return _fill(
        phrasing.template, place_words(sector, vocabulary=phrasing.vocabulary, facing=facing, elevation=elevation)
    )


def draw_phrasing(
    rng: np.random.Generator,
    shares: Mapping[str, float] = VOCABULARY_SHARES,
    *,
    caption: str = "",
    most: int = 0,
) -> Phrasing:
    """One of the training phrasings: a vocabulary by its share, relative to the others, then any phrasing in it.

    Parameters
    ----------
    shares
        Of the vocabularies.
    caption, most
        How many phrasings of a vocabulary a caption comes in, and which they are follows from the caption; 0 is all.
    """
    weights = np.array(list(shares.values()), float)
    vocabulary = rng.choice(list(shares), p=weights / weights.sum())
    choices = [phrasing for phrasing in TRAINING_PHRASINGS if phrasing.vocabulary == vocabulary]
    if most:
        own = np.random.default_rng(zlib.crc32(caption.encode())).permutation(len(choices))[:most]
        choices = [choices[index] for index in own]
    return choices[int(rng.integers(len(choices)))]


def holds_place_words(caption: str) -> bool:
    """Whether a caption says where a sound is in words that a mirrored or turned field would make false.

    Such a caption must not go with a field that was mirrored or turned, nor be given another place. Place words are
    left, right, front, back and their like, winds, hours and degrees as :func:`salm.frame.parse_direction` finds them,
    also several of them (``from left to right``), ears and channels (``in the left ear``), sides (``to one side``),
    and clockwise and counter-clockwise. In doubt a word is a place, which costs one caption; the other way costs a
    wrong label.

    No place words are

    - distances (``in the distance``, ``far away``, ``nearby``) and heights (``overhead``): they stay true;
    - places seen from another thing than the listener (``behind a car``, ``in front of a crowd``);
    - left as a verb after a noun with its article, or a pronoun (``a bird left``, ``is left to idle``, ``left the
      room``), right as an adverb or a judgement (``right away``, ``right after``, ``all right``), ``back and forth``,
      ``comes back``, ``the front door``, ``the north wind``. But ``a wind from the north`` is a place.
    """
    text = _NO_PLACES.sub(" _ ", caption)
    if _FURTHER_PLACES.search(text):
        return True
    try:
        place = parse_direction(text)
    except InputError:
        # Several directions, or an elevation that cannot be.
        return True
    return place is not None and place.azimuth_deg is not None


def place_words(
    sector: int, *, vocabulary: str = "listener", facing: str = "north", elevation: str | None = None
) -> dict[str, str]:
    """What fills each of the place slots of a :class:`Phrasing`.

    Raises
    ------
    InputError
        If sector, vocabulary, facing or elevation is unknown.
    """
    _check_vocabulary(vocabulary)
    word = direction_word(sector, vocabulary=vocabulary, facing=facing)
    if vocabulary == "listener":
        place = _listener_place(sector, word)
    elif vocabulary == "compass":
        place = {"word": word, "at": f"in the {word}", "from": f"from the {word}", "to": f"to the {word}"}
    else:
        place = {"word": word, "at": f"at {word}", "from": f"from {word}", "to": f"towards {word}"}
    place.setdefault("your", place["at"])
    return place if elevation is None else _raised(place, elevation)


def _listener_place(sector: int, word: str) -> dict[str, str]:
    # The right-hand half mirrors the left-hand one, so that neither can be worded better than the other.
    twin, side = (8 - sector, "right") if sector > 4 else (sector, "left")
    return {
        "word": word,
        "at": _AT[twin].replace("left", side),
        "from": "from behind" if word == "back" else f"from the {word}",
        "to": f"to the {word}",
        "your": _YOURS[twin].replace("left", side),
    }


def _raised(place: dict[str, str], elevation: str) -> dict[str, str]:
    if elevation not in _HEIGHTS:
        raise InputError(f"elevation is {elevation!r} but must be above, below or None.")
    up, high = _HEIGHTS[elevation]
    return {
        "word": f"{place['word']}, {elevation}",
        "at": f"{up} {place['at']}",
        "from": f"from {elevation} {place['at']}",
        "to": f"{high} {place['to']}",
        "your": f"{place['your']} and {elevation}",
    }


def _fill(template: str, slots: Mapping[str, str]) -> str:
    text = template.format_map(slots)
    return text[0].upper() + text[1:] if template.endswith(".") else text


def within_sentence(sentence: str) -> str:
    """The sentence without its capital letter, unless the word is the pronoun I, an acronym or a name."""
    first, _, rest = sentence.partition(" ")
    is_pronoun = first == "I" or first.startswith(("I'", "I’"))
    is_acronym = any(letter.isupper() or letter.isdigit() for letter in first[1:])
    is_full_name = first not in _ARTICLES and re.match("[A-Z][a-z]", rest)
    if is_pronoun or is_acronym or is_full_name or _PROPER.match(first):
        return sentence
    return first[0].lower() + sentence[1:]

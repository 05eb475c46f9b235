"""Whether an answer of a language model is a spatial caption: what is heard, where, and nothing else."""

import re
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType

from salm.errors import InputError
from salm.frame import SpokenDirection, parse_direction, sector_index
from salm.scenes.rephrase.words import content_stems, shared, words

__all__ = ["CHECKS", "KEPT_SHARE", "LONGER_BY", "NEW_SHARE", "failed_check", "tidied"]

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "empty": "there is nothing",
        "preface": "it talks about the task, such as “Here is ...” or “The sound: ...”",
        "quotes": "it has quotation marks or markup that the caption has not",
        "sentence": "it is not one line and one sentence with its full stop",
        "length": "it is too short or too long",
        "direction": "the asked direction is not said, or not in the asked words",
        "other direction": "another direction or height is said too",
        "twice": "the direction is said in two places",
        "content": "it leaves out what is heard",
        "additions": "it says what the caption does not",
    }
)
"""What an answer can fail by, in the order in which it is looked at."""

KEPT_SHARE = 0.8
"""Share of a caption's content stems that an answer must keep: of four all, of five to nine all but one."""
NEW_SHARE = 0.25
"""How many new content stems an answer may have, relative to the caption's; one is always allowed."""
LONGER_BY = 12
"""How many words an answer may have more than its caption."""

_JOINTS = frozenset({"and", "but", "also", "slightly", "somewhat", "a", "bit", "little"})
_LEAST_WORDS = 3
_LEAST_NEW = 1

_THOUGHT = re.compile(r"^.*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_QUOTES = ('""', "''", "“”", "‘’", "«»")
_MARKUP = re.compile(r"[\"“”„«»*#<>\[\]{}|`\\_]|(?<!\w)['‘]|['’](?!\w)")
_PREFACE = re.compile(
    r"^(?:here(?:['’]s|\s+is|\s+are)|sure|certainly|of course|ok(?:ay)?|yes|no|note)\b"
    r"|^i(?:['’]m|\s+(?:can|will|am|cannot))\b"
    r"|^[^.:]*\b(?:sound|sentence|version|answer|output|english|caption|description|direction|source|assistant)s?\b[^.:]*:"
    r"|\bsound\s+details?\b|\bdirection\s+of\s+(?:its|the|their)\s+(?:sound['’]?s?\s+)?source\b|\brephras"
    r"|\b(?:original|given|above)\s+sentence\b|\bas\s+an\s+ai\b",
    re.IGNORECASE,
)
_ABBREVIATIONS = re.compile(r"\b(?:mr|mrs|ms|dr|st|vs|etc|e\.g|i\.e|[ap]\.m)\.(?=[\s,;]+\w)", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?…\n]*[^.!?…\n\s,;:][.!]")

# "The sound is coming ..., with a dog" has mostly lost one of its sounds: the one that is coming.
_NAMELESS = re.compile(
    r"^(?:from\b[^,]*,\s*)?(?:the|a)\s+sounds?\s+(?:(?:is|are|can\s+be)\s+)?"
    r"(?:coming|comes?|heard|originat\w+|emanat\w+|from|loud)\b"
    r"|^it\s+(?:is|comes)\b",
    re.IGNORECASE,
)

_WIND = r"(?:north|south)(?:[\s-]?(?:east|west))?|east|west"
# What people say for "the northwest", and the parser of queries need not know.
_ADJECTIVE = re.compile(
    rf"\b(?:an?|the)\s+({_WIND})(?:ern|erly)(?:\s+(?:direction|side|part|end|corner|edge|area|region))?\b",
    re.IGNORECASE,
)
_TIME_OF_DAY = re.compile(r"\b(?:morning|afternoon|evening|night|noon|midnight|[ap]\.?m)\b", re.IGNORECASE)
_DENIAL = re.compile(r"\b(?:not|never|except|everywhere|nowhere|away\s+from|but\s+the|\w+n['’]t)\b", re.IGNORECASE)
_PLACE_WORDS: Mapping[str, re.Pattern[str]] = {
    vocabulary: re.compile(rf"\b(?:{pattern})", re.IGNORECASE)
    for vocabulary, pattern in {
        "listener": r"(?:left|right|front|back|rear|behind|ahead|forwards?|backwards?|(?:left|right)wards?)\b",
        "compass": rf"(?:{_WIND})(?:ern|erly|wards?|bound)?\b",
        "clock": r"o\s?['’]?\s?clock\b|half[\s-]past\b|\d{1,2}:\d\d\b",
        "degrees": r"degrees?\b|azimuth\b|elevation\b|\d+\s?°",
        "height": r"(?:above|overhead|below|beneath|underneath|underfoot|upstairs|downstairs)\b",
    }.items()
}


def tidied(answer: str) -> str:
    """An answer without what a model thought aloud before it, and without quotation marks around the whole.

    Nothing else is put right; in particular no full stop is added, since an answer without one may have been cut off.
    """
    text = _THOUGHT.sub("", answer).strip()
    if len(text) > 1 and text[0] + text[-1] in _QUOTES and not set(text[1:-1]) & {text[0], text[-1]} - {"'", "’"}:
        text = text[1:-1].strip()
    return text[:1].upper() + text[1:]


def failed_check(answer: str, *, caption: str, sector: int, vocabulary: str, facing: str) -> str | None:
    """The first of `CHECKS` that an answer fails; None if it is a spatial caption.

    It never trusts what it does not understand: a direction that :func:`salm.frame.parse_direction` cannot read fails,
    and so does any place word that the caption has not and that is no part of the direction. Wrongly refused answers
    cost a try; wrongly accepted ones would be learned.

    Parameters
    ----------
    answer
        As `tidied` gives it.
    caption
        What is heard; heights and place words that are in it may be in the answer.
    sector
        Index of the direction that was asked for.
    vocabulary, facing
        How it was to be said.
    """
    text = _ABBREVIATIONS.sub(lambda match: match[0].replace(".", ""), answer)
    return _failed_form(text, caption) or _failed_meaning(
        _ADJECTIVE.sub(r"the \1", text), caption, sector=sector, vocabulary=vocabulary, facing=facing
    )


def _failed_form(text: str, caption: str) -> str | None:
    if not text:
        return "empty"
    if _PREFACE.search(text) and not _PREFACE.search(caption):
        return "preface"
    if set(_MARKUP.findall(text)) - set(_MARKUP.findall(caption)):
        return "quotes"
    if not _SENTENCE.fullmatch(text):
        return "sentence"
    fits = _LEAST_WORDS <= len(words(text)) <= len(words(caption)) + LONGER_BY
    return None if fits else "length"


def _failed_meaning(text: str, caption: str, *, sector: int, vocabulary: str, facing: str) -> str | None:
    try:
        place = parse_direction(text, facing=facing)
    except InputError:
        return "other direction"
    if place is None or not _is_asked(text, caption, place, sector=sector, vocabulary=vocabulary):
        return "direction"
    own = _own_height(caption, facing)
    if place.elevation is not None and (own is None or place.elevation != own.elevation):
        return "other direction"
    said, rest = _apart(text, place)
    if _place_words(said, besides=vocabulary) + _place_words(rest) - _place_words(caption):
        return "other direction"
    if _is_said_twice(text, place, facing):
        return "twice"
    what = caption if own is None else _apart(caption, own)[1]
    return _failed_content(content_stems(rest), content_stems(what), is_named=not _NAMELESS.search(text))


def _is_asked(text: str, caption: str, place: SpokenDirection, *, sector: int, vocabulary: str) -> bool:
    if place.azimuth_deg is None or sector_index(place.azimuth_deg) != sector or place.vocabulary != vocabulary:
        return False
    is_time = vocabulary == "clock" and _TIME_OF_DAY.search(text)
    is_denied = _DENIAL.search(text) and not _DENIAL.search(caption)
    return not (is_time or is_denied)


def _apart(text: str, place: SpokenDirection) -> tuple[str, str]:
    """What says the direction, and the rest."""
    said, rest, end = "", "", 0
    for start, stop in place.spans:
        said, rest, end = f"{said} {text[start:stop]}", f"{rest} {text[end:start]}", stop
    return said, f"{rest} {text[end:]}"


def _is_said_twice(text: str, place: SpokenDirection, facing: str) -> bool:
    """Whether there is something between two mentions of the azimuth; "behind you, on the left" is one."""
    said = [(span, parse_direction(text[slice(*span)], facing=facing)) for span in place.spans]
    spans = [span for span, one in said if one and one.azimuth_deg is not None]
    between = [text[stop:start] for (_, stop), (start, _) in pairwise(spans)]
    return any(set(words(gap)) - _JOINTS for gap in between)


def _place_words(text: str, *, besides: str = "") -> Counter[str]:
    return Counter(
        found.lower()
        for vocabulary, pattern in _PLACE_WORDS.items()
        if vocabulary != besides
        for found in pattern.findall(text)
    )


def _own_height(caption: str, facing: str) -> SpokenDirection | None:
    """What a caption says of the height of its sound, such as a helicopter overhead."""
    try:
        place = parse_direction(caption, facing=facing)
    except InputError:
        return None
    return place if place and place.azimuth_deg is None else None


def _failed_content(said: frozenset[str], asked: frozenset[str], *, is_named: bool) -> str | None:
    if shared(asked, said) < (KEPT_SHARE if is_named else 1.0):
        return "content"
    return "additions" if len(said - asked) > max(_LEAST_NEW, NEW_SHARE * len(asked)) else None

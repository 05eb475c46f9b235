"""Sentences that ask for an edit, turned into plain operations.

Absolute or relative
    "Move it to the left", "put it at 3 o'clock", "turn it so that it is behind me" say where the sound shall be: a
    `MoveTo`. "Rotate 90 degrees to the right", "turn it by 45 degrees", "move it 30 degrees left" say how far it shall
    go: a `TurnBy`. A number of degrees is an amount unless it follows "to" or "at", or the verb is one of placing (put,
    place, set, bring, make); without a number, a direction is a goal: "turn it to the left" ends on the left.
Signs
    An amount without a side counts as azimuth does, counter-clockwise, to the left.
Facing
    Compass words mean what `salm.frame` says for the wind that the listener faces.
"""

import re
from dataclasses import dataclass

from salm.errors import InputError
from salm.frame import parse_direction, wrap_deg

__all__ = ["BAND_ELEVATIONS_DEG", "EditOperation", "Mirror", "MoveTo", "TurnBy", "parse_edit"]

BAND_ELEVATIONS_DEG = {"above": 45.0, "level": 0.0, "below": -45.0}
"""Elevation that is meant where a sentence says only above, level or below."""


@dataclass(frozen=True)
class MoveTo:
    """Bring the sound to a direction; an angle that is None stays as it is."""

    azimuth_deg: float | None = None
    elevation_deg: float | None = None


@dataclass(frozen=True)
class TurnBy:
    """Turn the whole scene around the vertical axis."""

    counterclockwise_deg: float
    """In (-180, 180]; positive moves what is in front to the left."""


@dataclass(frozen=True)
class Mirror:
    """Exchange left and right."""


EditOperation = MoveTo | TurnBy | Mirror
"""What a sentence can ask for."""

_EXAMPLES = "'move it to the left', 'rotate 90 degrees to the right' or 'swap left and right'"

_MIRROR = re.compile(r"\b(?:(?P<mirror>mirror)\w*|flip|swap|exchange|switch|reverse)\b", re.IGNORECASE)
_BOTH_SIDES = re.compile(
    r"\b(?:the\s+)?(?:left\b\W+(?:\w+\W+){0,3}?right|right\b\W+(?:\w+\W+){0,3}?left|horizontally|sideways)\b",
    re.IGNORECASE,
)
_OTHER_AXIS = re.compile(r"\b(?:front|back|top|bottom|up|down|upside|vertical\w*)\b", re.IGNORECASE)

_GOING = re.compile(r"\b(?:rotate|turn|spin|swing|twist|pan|yaw|revolve|move|shift|slide|nudge)\b", re.IGNORECASE)
_PLACING = re.compile(r"\b(?:put|place|set|bring|make|position|send|pull|push|drag|point|let|have)\b", re.IGNORECASE)
_AROUND = re.compile(r"\b(?:rotate|turn|spin|swing)\b.*\b(?:around|round|about)\b", re.IGNORECASE)
_GOAL = re.compile(r"\b(?:so|until|till)\b", re.IGNORECASE)

_NUMBER_WORDS = {"ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "forty-five": 45, "forty five": 45}
_NUMBER_WORDS |= {"forty": 40, "sixty": 60, "ninety": 90, "a hundred and eighty": 180, "one hundred eighty": 180}
_NUMBER_WORD = re.compile(rf"\b({'|'.join(_NUMBER_WORDS)})(?=[\s-]degrees?\b)", re.IGNORECASE)
_FRACTION = re.compile(
    r"\b(?:an?\s+)?(?P<part>quarter|half)(?:\s+(?:of\s+)?an?)?[\s-](?:turn|circle|rotation)\b", re.IGNORECASE
)
_FRACTIONS_DEG = {"quarter": 90, "half": 180}
_AMOUNT = re.compile(
    r"(?P<goal>\b(?:to|at|towards|azimuth(?:\s+of)?)\s+(?:an\s+angle\s+of\s+)?)?(?:\bby\s+)?"
    r"(?<![\w.])(?P<number>[+−-]?\d{1,3}(?:\.\d+)?)[\s-]*(?:°|deg(?:ree)?s?\b)(?P<tilt>\s+(?:up|down|above|below|high|low))?",
    re.IGNORECASE,
)
_SIDE = re.compile(
    r"\b(?:(?:to|towards|on)\s+)?(?:(?:the|my|your)\s+)?"
    r"(?:(?P<left>left|(?:counter|anti)[\s-]?clockwise)|(?P<right>right|clockwise))\b",
    re.IGNORECASE,
)

# Sentences that sound like an edit but cannot be carried out as they are meant.
_TRAPS = {
    re.compile(r"\b(?:not|don['’]?t|never)\b", re.IGNORECASE): "it says what not to do",
    re.compile(r"\b(?:slightly|somewhat|more|further|an?\s+(?:little|bit|touch))\b", re.IGNORECASE): (
        "it does not say by how many degrees"
    ),
    re.compile(
        r"\b(?:turn|rotate|spin|move)\s+(?:(?:the|my|your)\s+)?(?:listener|microphone|mic|camera|head|me|myself)\b"
        r"|\bfac(?:e|ing)\b",
        re.IGNORECASE,
    ): "it turns the listener, not the sound",
}


def parse_edit(sentence: str, *, facing: str = "north") -> EditOperation:
    """The one operation that a sentence asks for.

    Parameters
    ----------
    sentence
        For example "move it to the left", "rotate 90 degrees to the right", "turn it around", "swap left and right", or
        just a direction.
    facing
        Where the front is on the compass.

    Raises
    ------
    InputError
        If the sentence asks for nothing of the kind, for several things, or names several directions.
    """
    text = _NUMBER_WORD.sub(lambda match: str(_NUMBER_WORDS[match[0].lower()]), " ".join(sentence.split()))
    for trap, reason in _TRAPS.items():
        if trap.search(text):
            raise _not_understood(sentence, reason)
    for read in (_mirror, _turn, _move):
        if (operation := read(text, facing)) is not None:
            return operation
    raise _not_understood(sentence, "it names no edit that is known")


def _not_understood(sentence: str, reason: str) -> InputError:
    return InputError(f"the edit {sentence!r} is not understood, because {reason}; say for example {_EXAMPLES}.")


def _mirror(text: str, facing: str) -> Mirror | None:
    verb = _MIRROR.search(text)
    if verb is None:
        return None
    rest, pairs = _BOTH_SIDES.subn("", text)
    if _OTHER_AXIS.search(rest) or not (pairs or verb["mirror"]):
        raise _not_understood(text, "only left and right can be exchanged")
    _refuse_more(text, _MIRROR.sub("", rest), facing)
    return Mirror()


def _turn(text: str, facing: str) -> TurnBy | None:
    """A turn by an amount; None if the sentence names a goal instead."""
    amounts = [*_FRACTION.finditer(text), *_AMOUNT.finditer(text)]
    if not amounts:
        if "clockwise" in text.lower():
            raise _not_understood(text, "it does not say by how many degrees")
        goes_around = _AROUND.search(text) and parse_direction(text, facing=facing) is None
        return TurnBy(180.0) if goes_around else None
    amount = amounts[0].groupdict()
    if amount.get("goal") or _GOAL.search(text) or not _GOING.search(text) or _PLACING.search(text):
        return None
    if amount.get("tilt"):
        raise _not_understood(text, "a scene is turned around the vertical axis only")
    rest = text[: amounts[0].start()] + " " + text[amounts[0].end() :]
    sides = {side.lastgroup for side in _SIDE.finditer(rest)}
    rest = _SIDE.sub(" ", rest)
    if len(sides) > 1:
        raise _not_understood(text, "it goes both ways")
    _refuse_more(text, rest, facing)
    degrees = _FRACTIONS_DEG[amount["part"].lower()] if "part" in amount else float(amount["number"].replace("−", "-"))
    return TurnBy(wrap_deg(-degrees if sides == {"right"} else degrees))


def _move(text: str, facing: str) -> MoveTo | None:
    place = parse_direction(text, facing=facing)
    if place is None:
        return None
    rest = text
    for start, stop in reversed(place.spans):
        rest = rest[:start] + rest[stop:]
    if re.search(r"\w", rest) and not (_GOING.search(rest) or _PLACING.search(rest)):
        return None
    if re.search(r"\bdegrees?\b|°", rest):
        raise _not_understood(text, "its number of degrees cannot be read")
    elevation_deg = place.elevation_deg
    if elevation_deg is None and place.elevation is not None:
        elevation_deg = BAND_ELEVATIONS_DEG[place.elevation]
    return MoveTo(azimuth_deg=place.azimuth_deg, elevation_deg=elevation_deg)


def _refuse_more(text: str, rest: str, facing: str) -> None:
    """Refuse a sentence whose rest, without the operation that was read, asks for something else."""
    others = any(other.search(rest) for other in (_MIRROR, _AMOUNT, _FRACTION))
    if others or parse_direction(rest, facing=facing) is not None:
        raise _not_understood(text, "it asks for several things at once")

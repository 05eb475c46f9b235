"""Sentences that ask for an edit, turned into plain operations.

Absolute or relative
    "Move it to the left", "put it at 3 o'clock", "turn it so that it is behind me" say where the sound shall be: a
    `MoveTo`. "Rotate 90 degrees to the right", "turn it by 45 degrees", "move it 30 degrees left" say how far it shall
    go: a `TurnBy`; "raise it by 20 degrees", "move it 10 degrees down": a `RaiseBy`. A number of degrees is an amount
    unless it follows "to" or "at", or the verb is one of placing (put, place, set, bring, make); without a number, a
    direction is a goal: "turn it to the left" ends on the left.
Signs
    An amount without a side counts as azimuth does, counter-clockwise, to the left.
Tilting
    "Tilt it 20 degrees forward" lowers what is in front, "back" raises it; "to the left" lowers what is on the left, as
    a ship lists; to roll clockwise is to the right. `Tilt` moves everything, `RaiseBy` is about the sound.
Loudness
    "Make the left louder by 6 dB", "duck what is behind": a `Louder` for a direction, or for everything if the sentence
    names no place. Without a number it is 6 dB. Degrees turn and decibels change the level: "raise the left by 3 dB".
Facing
    Compass words mean what `salm.frame` says for the wind that the listener faces.
"""

import re

from salm.editing.beam import MOST_DB
from salm.editing.operations import EditOperation, Louder, Mirror, MoveTo, RaiseBy, Tilt, TurnBy
from salm.errors import InputError
from salm.frame import SpokenDirection, check_length, parse_direction, wrap_deg

__all__ = ["BAND_ELEVATIONS_DEG", "USUAL_DB", "parse_edit"]

BAND_ELEVATIONS_DEG = {"above": 45.0, "level": 0.0, "below": -45.0}
"""Elevation that is meant where a sentence says only above, level or below."""
USUAL_DB = 6.0
"""How much louder or quieter where a sentence does not say."""

_EXAMPLES = (
    "'move it to the left', 'rotate 90 degrees to the right', 'raise it by 20 degrees', 'swap left and right' or "
    "'make the left louder by 6 dB'"
)

_MIRROR = re.compile(r"\b(?:(?P<mirror>mirror)\w*|flip|swap|exchange|switch|reverse)\b", re.IGNORECASE)
_BETWEEN = r"\b\W+(?:\w+\W+){0,3}?"
_LEFT, _RIGHT = r"(?:left|port)", r"(?:right|starboard)"
_TOP, _BOTTOM = r"(?:top|up|above)", r"(?:bottom|down|below)"
_SIDES = {
    "left-right": rf"{_LEFT}{_BETWEEN}{_RIGHT}|{_RIGHT}{_BETWEEN}{_LEFT}|horizontally|sideways",
    "front-back": rf"front{_BETWEEN}(?:back|rear)|(?:back|rear){_BETWEEN}front",
    "up-down": rf"{_TOP}{_BETWEEN}{_BOTTOM}|{_BOTTOM}{_BETWEEN}{_TOP}|vertically|upside\s+down",
}
_PAIR = re.compile(
    r"\b(?:the\s+)?(?:" + "|".join(f"(?P<{axis.replace('-', '_')}>{words})" for axis, words in _SIDES.items()) + r")\b",
    re.IGNORECASE,
)
_ONE_SIDE = re.compile(r"\b(?:front|back|rear|top|bottom|up|down|upside|vertical\w*)\b", re.IGNORECASE)

_GOING = re.compile(r"\b(?:rotate|turn|spin|swing|twist|pan|yaw|revolve|move|shift|slide|nudge)\b", re.IGNORECASE)
_PLACING = re.compile(r"\b(?:put|place|set|bring|make|position|send|pull|push|drag|point|let|have)\b", re.IGNORECASE)
_RAISING = re.compile(r"\b(?:(?P<up>raise|lift|elevate)|(?P<down>lower|sink|drop))\b", re.IGNORECASE)
_TILTING = re.compile(r"\b(?:(?P<tilt>tilt|lean|bank)|(?P<pitch>pitch)|(?P<roll>roll))(?:ed|s)?\b", re.IGNORECASE)
_AROUND = re.compile(r"\b(?:rotate|turn|spin|swing)\b.*\b(?:around|round|about)\b", re.IGNORECASE)
_GOAL = re.compile(r"\b(?:so|until|till)\b", re.IGNORECASE)

_NUMBER_WORDS = {"three": 3, "five": 5, "six": 6, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30}
_NUMBER_WORDS |= {"forty-five": 45, "forty five": 45, "forty": 40, "sixty": 60, "ninety": 90}
_NUMBER_WORDS |= {"a hundred and eighty": 180, "one hundred eighty": 180}
_NUMBER_WORD = re.compile(rf"\b({'|'.join(_NUMBER_WORDS)})(?=[\s-](?:degrees?|db|decibels?)\b)", re.IGNORECASE)
_FRACTION = re.compile(
    r"\b(?:an?\s+)?(?P<part>quarter|half)(?:\s+(?:of\s+)?an?)?[\s-](?:turn|circle|rotation)\b", re.IGNORECASE
)
_FRACTIONS_DEG = {"quarter": 90, "half": 180}
_NUMBER = r"(?<![\w.])(?P<number>[+−-]?\d{1,3}(?:\.\d+)?)[\s-]*"
_AMOUNT = re.compile(
    r"(?P<goal>\b(?:to|at|towards|azimuth(?:\s+of)?)\s+(?:an\s+angle\s+of\s+)?)?(?:\bby\s+)?"
    rf"{_NUMBER}(?:°|deg(?:ree)?s?\b)",
    re.IGNORECASE,
)
_DECIBELS = re.compile(rf"(?:\bby\s+)?{_NUMBER}(?:dB|decibels?)\b", re.IGNORECASE)
_LEFT_RIGHT = r"(?P<left>left|port|(?:counter|anti)[\s-]?clockwise)|(?P<right>right|starboard|clockwise)"
_SIDE = re.compile(
    rf"\b(?:(?:to|towards|on)\s+)?(?:(?:the|my|your)\s+)?(?:{_LEFT_RIGHT})\b",
    re.IGNORECASE,
)
_HEIGHT = re.compile(
    r"\b(?:(?P<up>upwards?|up|higher|above|high)|(?P<down>downwards?|down|lower|below|low))\b", re.IGNORECASE
)
_WAY = re.compile(
    r"\b(?:(?:to|towards)\s+)?(?:the\s+)?(?:(?P<forward>forwards?|front|down(?:wards?)?)|(?P<back>back(?:wards?)?|rear|up(?:wards?)?)"
    rf"|{_LEFT_RIGHT})\b",
    re.IGNORECASE,
)
_STRAIGHT = re.compile(r"overhead|straight|directly|zenith|underfoot", re.IGNORECASE)

_LOUD = re.compile(
    r"\b(?:(?P<louder>boost|amplify|emphasi[sz]e|strengthen|louder)|(?P<quieter>duck|attenuate|quieter|quieten|softer|soften"
    r"|suppress|weaken|dim)|turn\b(?:\s+[\w'’]+){0,6}?\s+(?:(?P<turn_up>up)|(?P<turn_down>down)))\b",
    re.IGNORECASE,
)
# These change the level only where decibels or a word for the level stand beside them.
_MAYBE_LOUD = re.compile(
    r"\b(?:(?P<louder>raise|lift|increase|gain)|(?P<quieter>lower|reduce|decrease|cut|drop))\b", re.IGNORECASE
)
_LEVEL = re.compile(r"\b(?:the\s+)?(?:volume|level|loudness|gain)(?:\s+of)?\b", re.IGNORECASE)
_NO_PLACE = re.compile(
    r"\b(?:make|turn|up|down|please|it|this|that|is|sounds?|everything|all|of|the|whole|entire|recording|file|clip"
    r"|scene|field|by|a|an|and)\b|[^\w]",
    re.IGNORECASE,
)

# Sentences that sound like an edit but cannot be carried out as they are meant.
_TRAPS = {
    re.compile(r"\b(?:not|don['’]?t|never)\b", re.IGNORECASE): "it says what not to do",
    re.compile(
        rf"\bto\s+{_NUMBER}(?:dB|decibels?)\b", re.IGNORECASE
    ): "it sets a level; say by how many dB to change it",
    re.compile(r"\bthan\b", re.IGNORECASE): "it compares two things; say what one of them gains",
    re.compile(r"\b(?:slightly|somewhat|more|further|much|an?\s+(?:little|bit|touch))\b", re.IGNORECASE): (
        "it does not say by how much, in degrees or dB"
    ),
    re.compile(
        r"\b(?:turn|rotate|spin|move)\s+(?:(?:the|my|your)\s+)?(?:listener|microphone|mic|camera|head|me|myself)\b"
        r"|\bfac(?:e|ing)\b",
        re.IGNORECASE,
    ): "it turns the listener, not the sound",
    re.compile(r"\b(?:delete|remove|erase|mute|silence|kill|isolate|solo|extract)\b", re.IGNORECASE): (
        f"nothing can be taken out of a first-order recording, only made up to {MOST_DB:g} dB quieter"
    ),
    re.compile(r"\b(?:turn|rotate|spin)\b.*\bupside\b", re.IGNORECASE): (
        "it may mean 'swap up and down' or 'roll it by 180 degrees'"
    ),
}


def parse_edit(sentence: str, *, facing: str = "north") -> EditOperation:
    """The one operation that a sentence asks for.

    Parameters
    ----------
    sentence
        For example "move it to the left", "rotate 90 degrees to the right", "turn it around", "raise it by 20 degrees",
        "tilt it 10 degrees forward", "swap left and right", "duck what is behind by 6 dB", or just a direction.
    facing
        Where the front is on the compass.

    Raises
    ------
    InputError
        If the sentence asks for nothing of the kind, for several things, names several directions, or is too long.
    """
    check_length(sentence)
    text = _NUMBER_WORD.sub(lambda match: str(_NUMBER_WORDS[match[0].lower()]), " ".join(sentence.split()))
    for trap, reason in _TRAPS.items():
        if trap.search(text):
            raise _not_understood(sentence, reason)
    for read in (_louder, _mirror, _tilt, _raise, _turn, _move):
        if (operation := read(text, facing)) is not None:
            return operation
    if _HEIGHT.search(text) or _RAISING.search(text):
        raise _not_understood(sentence, "it does not say by how many degrees, or where to")
    raise _not_understood(sentence, "it names no edit that is known")


def _not_understood(sentence: str, reason: str) -> InputError:
    return InputError(f"the edit {sentence!r} is not understood, because {reason}; say for example {_EXAMPLES}.")


def _louder(text: str, facing: str) -> Louder | None:
    amounts = list(_DECIBELS.finditer(text))
    words = _loudness_words(text)
    if not amounts and not (words and (words[0].re is _LOUD or _LEVEL.search(text))):
        return None
    ways = {_way(word) for word in words}
    if len(ways) > 1:
        raise _not_understood(text, "it goes both ways")
    if len(amounts) > 1:
        raise _not_understood(text, "it asks for several things at once")
    number = float(amounts[0]["number"].replace("−", "-")) if amounts else USUAL_DB
    # "Duck it by -6 dB" means six less, not six more.
    gain_db = -abs(number) if ways == {"quieter"} else number
    if abs(gain_db) > MOST_DB:
        raise _not_understood(text, f"a direction can be made up to {MOST_DB:g} dB louder or quieter, not {number:g}")
    rest = _LEVEL.sub(" ", _DECIBELS.sub(" ", text))
    for word in reversed(_loudness_words(rest)):
        rest = _without_word(rest, word)
    return _louder_there(text, " ".join(rest.split()), gain_db, facing)


def _loudness_words(text: str) -> list[re.Match[str]]:
    """Words that say louder or quieter, or may; to turn up or down by degrees is something else."""
    turned = _AMOUNT.search(text) is not None
    sure = [word for word in _LOUD.finditer(text) if not (turned and _turns(word))]
    return sure or list(_MAYBE_LOUD.finditer(text))


def _way(word: re.Match[str]) -> str:
    return "louder" if word.lastgroup in ("louder", "turn_up") else "quieter"


def _turns(word: re.Match[str]) -> bool:
    return word.lastgroup in ("turn_up", "turn_down")


def _without_word(text: str, word: re.Match[str]) -> str:
    """Without a word that says louder or quieter; of "turn the left up" the left stays."""
    inner = re.sub(r"^turn\b|\b(?:up|down)$", "", word[0], flags=re.IGNORECASE) if _turns(word) else ""
    return f"{text[: word.start()]} {inner} {text[word.end() :]}"


def _louder_there(text: str, rest: str, gain_db: float, facing: str) -> Louder:
    rest = re.sub(r"\bthe\s+top\b", "above", re.sub(r"\bthe\s+bottom\b", "below", rest, flags=re.IGNORECASE))
    place = parse_direction(rest, facing=facing)
    if _MIRROR.search(rest) or _TILTING.search(rest) or _AMOUNT.search(_without(rest, place)):
        raise _not_understood(text, "it asks for several things at once")
    if place is None:
        if _NO_PLACE.sub("", rest):
            raise _not_understood(text, "it names no direction to make louder or quieter, such as 'the left'")
        return Louder(gain_db)
    elevation_deg = _elevation_deg(rest, place)
    if place.azimuth_deg is None and place.elevation == "level":
        raise _not_understood(text, "what is level is all around, and no beam looks there")
    if place.azimuth_deg is None and place.elevation_deg is None:
        # Straight up: a beam that looks 45 degrees up would have to look to a side as well.
        elevation_deg = {"above": 90.0, "below": -90.0}[str(place.elevation)]
    return Louder(gain_db, place.azimuth_deg or 0.0, elevation_deg or 0.0)


def _mirror(text: str, facing: str) -> Mirror | None:
    verb = _MIRROR.search(text)
    if verb is None:
        return None
    pairs = {group for pair in _PAIR.finditer(text) for group, said in pair.groupdict().items() if said}
    rest = _PAIR.sub("", text)
    if len(pairs) > 1:
        raise _not_understood(text, "it asks for several things at once")
    if _ONE_SIDE.search(rest) or not (pairs or verb["mirror"]):
        raise _not_understood(text, "it does not say which two sides are exchanged")
    _refuse_more(text, _MIRROR.sub("", rest), facing)
    return Mirror(pairs.pop().replace("_", "-") if pairs else "left-right")


def _tilt(text: str, facing: str) -> Tilt | None:
    verb = _TILTING.search(text)
    if verb is None:
        return None
    degrees, rest = _amount(text)
    if degrees is None:
        raise _not_understood(text, "it does not say by how many degrees")
    rest = _TILTING.sub(" ", rest)
    ways = {way.lastgroup for way in _WAY.finditer(rest)}
    _refuse_more(text, _WAY.sub(" ", rest), facing)
    allowed = {"pitch": {"forward", "back"}, "roll": {"left", "right"}}.get(str(verb.lastgroup))
    if len(ways) != 1 or (allowed is not None and not ways <= allowed):
        raise _not_understood(text, "it does not say one way to tilt, such as forward, back, left or right")
    way = ways.pop()
    turned_deg = wrap_deg(degrees if way in ("back", "right") else -degrees)
    return Tilt(pitch_deg=turned_deg) if way in ("forward", "back") else Tilt(roll_deg=turned_deg)


def _raise(text: str, facing: str) -> RaiseBy | MoveTo | None:
    """Up or down by an amount; with a goal, as in "raise it to 20 degrees", to that elevation."""
    verb = _RAISING.search(text)
    amounts = list(_AMOUNT.finditer(text))
    goes = _GOING.search(text) and _HEIGHT.search(text) and not _PLACING.search(text)
    if not amounts or not (verb or goes or re.search(r"\bhigher\b", text, re.IGNORECASE)):
        return None
    if len(amounts) > 1:
        raise _not_understood(text, "it asks for several things at once")
    rest = text[: amounts[0].start()] + " " + text[amounts[0].end() :]
    heights = {height.lastgroup for height in _HEIGHT.finditer(rest)} | ({verb.lastgroup} if verb else set())
    rest = _HEIGHT.sub(" ", _RAISING.sub(" ", rest))
    _refuse_more(text, rest, facing)
    if len(heights) > 1:
        raise _not_understood(text, "it goes both ways")
    degrees = float(amounts[0]["number"].replace("−", "-"))
    if amounts[0]["goal"] and verb:
        if abs(degrees) > 90:
            raise _not_understood(text, "an elevation lies between -90 and 90 degrees")
        return MoveTo(None, degrees)
    if amounts[0]["goal"] or _GOAL.search(text):
        return None
    return RaiseBy(wrap_deg(degrees if heights == {"up"} else -degrees))


def _amount(text: str) -> tuple[float | None, str]:
    """Degrees that a sentence names first, and the sentence without them."""
    amounts = [*_FRACTION.finditer(text), *_AMOUNT.finditer(text)]
    if not amounts:
        return None, text
    amount = amounts[0].groupdict()
    degrees = _FRACTIONS_DEG[amount["part"].lower()] if "part" in amount else float(amount["number"].replace("−", "-"))
    return degrees, text[: amounts[0].start()] + " " + text[amounts[0].end() :]


def _turn(text: str, facing: str) -> TurnBy | None:
    """A turn by an amount; None if the sentence names a goal instead."""
    degrees, rest = _amount(text)
    if degrees is None:
        if "clockwise" in text.lower():
            raise _not_understood(text, "it does not say by how many degrees")
        goes_around = _AROUND.search(text) and parse_direction(text, facing=facing) is None
        return TurnBy(180.0) if goes_around else None
    goal = next((match["goal"] for match in _AMOUNT.finditer(text)), None) and not _FRACTION.search(text)
    if goal or _GOAL.search(text) or not _GOING.search(text) or _PLACING.search(text):
        return None
    sides = {side.lastgroup for side in _SIDE.finditer(rest)}
    rest = _SIDE.sub(" ", rest)
    if len(sides) > 1:
        raise _not_understood(text, "it goes both ways")
    _refuse_more(text, rest, facing)
    return TurnBy(wrap_deg(-degrees if sides == {"right"} else degrees))


def _move(text: str, facing: str) -> MoveTo | None:
    place = parse_direction(text, facing=facing)
    if place is None:
        return None
    rest = _without(text, place)
    if re.search(r"\w", rest) and not (_GOING.search(rest) or _PLACING.search(rest)):
        return None
    if re.search(r"\bdegrees?\b|°", rest):
        raise _not_understood(text, "its number of degrees cannot be read")
    return MoveTo(azimuth_deg=place.azimuth_deg, elevation_deg=_elevation_deg(text, place))


def _elevation_deg(text: str, place: SpokenDirection) -> float | None:
    """Elevation that is meant: a number, straight up or down, or the middle of a band."""
    if place.elevation_deg is not None or place.elevation is None:
        return place.elevation_deg
    said = " ".join(text[start:stop] for start, stop in place.spans)
    if place.azimuth_deg is None and place.elevation != "level" and _STRAIGHT.search(said):
        return 90.0 if place.elevation == "above" else -90.0
    return BAND_ELEVATIONS_DEG[place.elevation]


def _without(text: str, place: SpokenDirection | None) -> str:
    for start, stop in reversed(() if place is None else place.spans):
        text = text[:start] + text[stop:]
    return text


def _refuse_more(text: str, rest: str, facing: str) -> None:
    """Refuse a sentence whose rest, without the operation that was read, asks for something else."""
    others = any(other.search(rest) for other in (_MIRROR, _AMOUNT, _FRACTION, _TILTING, _DECIBELS))
    if others or parse_direction(rest, facing=facing) is not None:
        raise _not_understood(text, "it asks for several things at once")

"""The one frame of reference: axes, angles, sectors, and the words for them. Every other page links to this one.

Recordings
    First-order Ambisonics is AmbiX: channels in ACN order W, Y, Z, X with SN3D normalisation, float32, (channel, time).
    A plane wave from the unit vector (x, y, z) has Y = y W, Z = z W, X = x W.
Axes
    Right-handed and seen from the listener: +x front, +y left, +z up.
Angles
    Degrees. Azimuth runs counter-clockwise seen from above, from the front, in (-180, 180]: left is +90. Elevation runs
    from -90 (below) to +90 (above). The unit vector is (cos az cos el, sin az cos el, sin el).
Sectors
    Eight of 45 degrees, centred on 0, 45, ...: index = floor((azimuth + 22.5) / 45) mod 8, in the order of `SECTORS`.
    A border belongs to the sector counter-clockwise of it: -22.5 is front and +22.5 is front left.
Elevation bands
    Above from +20 degrees up, below from -20 degrees down, level between.
Vocabularies
    Listener words are native. Compass, clock and nautical words are views of the same angle. The compass needs to know
    where the listener faces: facing north, left is west; facing south (as in the paper's code line), left is east. On
    the clock 12 is the front and 9 is left; an hour is 30 degrees, so the diagonals are half hours. On a ship port is
    the left of who looks ahead, whichever way the ship goes. As azimuth grows the words run east, north, west, south;
    3, 12, 9, 6; starboard, ahead, port, astern. A mirrored map is no rotation and would halve accuracy silently.
"""

import math
import re
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Float64, Int64, Num

from salm.errors import InputError

__all__ = [
    "ABOVE_DEG",
    "BELOW_DEG",
    "LONGEST_TEXT",
    "SECTORS",
    "VOCABULARIES",
    "WINDS",
    "Direction",
    "SpokenDirection",
    "angle_between_deg",
    "azimuth_elevation",
    "check_length",
    "direction_word",
    "elevation_band",
    "parse_direction",
    "relative_to_front",
    "sector_centre_deg",
    "sector_index",
    "sector_indices",
    "unit_vector",
    "wrap_deg",
]

SECTORS = ("front", "front left", "left", "back left", "back", "back right", "right", "front right")
"""Listener words, by index of the sector."""
WINDS = ("north", "northwest", "west", "southwest", "south", "southeast", "east", "northeast")
"""Compass words, counter-clockwise as azimuth is."""
VOCABULARIES = ("listener", "compass", "clock", "nautical")
"""Ways to say an azimuth; `salm.scenes.captions.VOCABULARY_SHARES` are those that models are trained on."""
LONGEST_TEXT = 1000
"""Characters of a text in which a direction is looked for; time grows with more than their square."""
ABOVE_DEG = 20.0
"""Lowest elevation that is called above."""
BELOW_DEG = -20.0
"""Highest elevation that is called below."""

_HOURS = (
    "12 o'clock",
    "half past 10",
    "9 o'clock",
    "half past 7",
    "6 o'clock",
    "half past 4",
    "3 o'clock",
    "half past 1",
)
_ABOARD = (
    "ahead",
    "port bow",
    "port",
    "port quarter",
    "astern",
    "starboard quarter",
    "starboard",
    "starboard bow",
)

_Angles = Num[np.ndarray, "..."]
_Angle = TypeVar("_Angle", float, _Angles)
"""One angle, or an array of them: as it comes in, so it goes out."""


def wrap_deg(angle_deg: _Angle) -> _Angle:
    """_Angle brought into (-180, 180], exactly: no rounding is added."""
    # Of what is not negative the remainder is exact; of what is, it would be rounded on its way to the other sign.
    rest = abs(angle_deg) % 360.0 * (2 * (angle_deg >= 0) - 1)
    wrapped: _Angle = rest - 360.0 * (rest > 180.0) + 360.0 * (rest <= -180.0)
    return wrapped


def unit_vector(azimuth_deg: float | _Angles, elevation_deg: float | _Angles = 0.0) -> Float64[np.ndarray, "... 3"]:
    """Unit vector (cos az cos el, sin az cos el, sin el) = x, y, z; the two angles broadcast."""
    azimuth, elevation = np.broadcast_arrays(np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg))
    level = np.cos(elevation)
    return np.stack([np.cos(azimuth) * level, np.sin(azimuth) * level, np.sin(elevation)], axis=-1).astype(np.float64)


def azimuth_elevation(
    vectors: Float[np.ndarray, "*batch 3"],
) -> tuple[Float64[np.ndarray, "*batch"], Float64[np.ndarray, "*batch"]]:
    """Azimuth and elevation, in degrees, of vectors of any length; a vector without length has both angles 0."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
    azimuth_deg = np.rad2deg(np.arctan2(y, x))
    # arctan2 puts y = -0.0 behind the listener at -180, which the frame calls +180.
    return np.asarray(wrap_deg(azimuth_deg)), np.asarray(np.rad2deg(np.arctan2(z, np.hypot(x, y))))


def angle_between_deg(
    a: Float[np.ndarray, "*#batch 3"], b: Float[np.ndarray, "*#batch 3"]
) -> Float64[np.ndarray, "..."]:
    """_Angle between vectors of any length, 0 to 180 degrees: atan2(norm(a x b), a . b), which is never NaN.

    A vector without length points nowhere and is 90 degrees, the mean over all directions, from everything.
    """
    a, b = _scaled(a), _scaled(b)
    angle_deg = np.rad2deg(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))
    return np.asarray(np.where(a.any(axis=-1) & b.any(axis=-1), angle_deg, 90.0))


def _scaled(vectors: Float[np.ndarray, "*batch 3"]) -> Float64[np.ndarray, "*batch 3"]:
    vectors = np.asarray(vectors, np.float64)
    largest = np.abs(vectors).max(axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(largest > 0, largest, 1.0))


def sector_index(azimuth_deg: float) -> int:
    """Index into `SECTORS`, 0 to 7, of any azimuth, wrapped or not."""
    return math.floor((azimuth_deg + 22.5) / 45.0) % len(SECTORS)


def sector_indices(azimuths_deg: Num[np.ndarray, "*batch"]) -> Int64[np.ndarray, "*batch"]:
    """:func:`sector_index` of every azimuth of an array."""
    return np.asarray(np.floor((azimuths_deg + 22.5) / 45.0) % len(SECTORS), np.int64)


def sector_centre_deg(index: _Angle) -> _Angle:
    """Azimuth in the middle of a sector, in (-180, 180]; of an index or an array of them."""
    return wrap_deg(45.0 * index)


def elevation_band(elevation_deg: float) -> str:
    """``above``, ``below`` or ``level``."""
    if elevation_deg >= ABOVE_DEG:
        return "above"
    return "below" if elevation_deg <= BELOW_DEG else "level"


def relative_to_front(azimuth_deg: _Angle, front_deg: float) -> _Angle:
    """The azimuth as a listener names it who faces ``front_deg``, an azimuth of the recording.

    With a microphone whose front faced 30 degrees to the right of the stage, the stage is at +30: a sound from there
    has azimuth 0 with ``front_deg=30``.
    """
    return wrap_deg(azimuth_deg - front_deg)


def direction_word(sector: int, *, vocabulary: str = "listener", facing: str = "north") -> str:
    """The word for a sector; on the clock the diagonals are half hours, because no full hour is there.

    Parameters
    ----------
    sector
        Index into `SECTORS`, 0 to 7.
    vocabulary
        One of `VOCABULARIES`.
    facing
        One of `WINDS`: where the front is on the compass.

    Raises
    ------
    InputError
        If the sector, the vocabulary or the wind is unknown.
    """
    if not 0 <= sector < len(SECTORS):
        raise InputError(f"sector is {sector} but there are eight, 0 (front) to 7 (front right).")
    if vocabulary == "listener":
        return SECTORS[sector]
    if vocabulary == "compass":
        return WINDS[(sector + _wind(facing)) % len(WINDS)]
    if vocabulary == "clock":
        return _HOURS[sector]
    if vocabulary == "nautical":
        return _ABOARD[sector]
    raise InputError(f"vocabulary is {vocabulary!r} but must be one of {', '.join(VOCABULARIES)}.")


def _wind(facing: str) -> int:
    if facing not in WINDS:
        raise InputError(f"facing is {facing!r} but must be one of {', '.join(WINDS)}.")
    return WINDS.index(facing)


@dataclass(frozen=True)
class Direction:
    """Where a sound is, seen from the listener; the azimuth is kept wrapped.

    Raises
    ------
    InputError
        If an angle is not finite or the elevation is not between -90 and 90.
    """

    azimuth_deg: float
    elevation_deg: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.azimuth_deg) and -90 <= self.elevation_deg <= 90):
            raise InputError(
                f"azimuth {self.azimuth_deg}, elevation {self.elevation_deg} is no direction; the azimuth must be "
                "a number of degrees and the elevation lie between -90 and 90."
            )
        object.__setattr__(self, "azimuth_deg", wrap_deg(float(self.azimuth_deg)))

    @classmethod
    def from_vector(cls, vector: Float[np.ndarray, " 3"]) -> "Direction":
        """Direction of a vector x, y, z of any length but zero."""
        if not np.any(vector):
            raise InputError("the vector is zero and has no direction.")
        azimuth_deg, elevation_deg = azimuth_elevation(vector)
        return cls(float(azimuth_deg), float(elevation_deg))

    @property
    def vector(self) -> Float64[np.ndarray, " 3"]:
        """Unit vector x, y, z."""
        return unit_vector(self.azimuth_deg, self.elevation_deg)

    @property
    def sector(self) -> str:
        """Listener word of the sector."""
        return SECTORS[sector_index(self.azimuth_deg)]

    def spoken(self, *, vocabulary: str = "listener", facing: str = "north") -> str:
        """The direction in words, e.g. ``front left, above``; on the clock by the nearest hour, else by its sector."""
        word = direction_word(sector_index(self.azimuth_deg), vocabulary=vocabulary, facing=facing)
        if vocabulary == "clock":
            word = f"{round(-self.azimuth_deg / 30) % 12 or 12} o'clock"
        band = elevation_band(self.elevation_deg)
        return word if band == "level" else f"{word}, {band}"


@dataclass(frozen=True, kw_only=True)
class SpokenDirection:
    """A direction as a text names it; what the text leaves open is None."""

    azimuth_deg: float | None = None
    elevation: str | None = None
    """``above``, ``below`` or ``level``."""
    elevation_deg: float | None = None
    """Only where the text gives a number."""
    vocabulary: str | None = None
    """How the azimuth is said: one of `VOCABULARIES`, or ``degrees``."""
    spans: tuple[tuple[int, int], ...] = ()
    """Start and stop of every piece of the text that names the direction, in order."""

    @property
    def sector(self) -> str | None:
        """Listener word of the azimuth's sector."""
        return None if self.azimuth_deg is None else SECTORS[sector_index(self.azimuth_deg)]


def parse_direction(text: str, *, facing: str = "north") -> SpokenDirection | None:
    """Direction that a text names in the words of any vocabulary or in degrees; None if it names none.

    Understood are the words of `direction_word` and what people say for them (``behind me``, ``straight ahead``,
    ``left-hand side``, ``ahead on the right``, ``overhead``, ``and high``, ``three o'clock``, ``at 10:30``,
    ``to port``, ``off the starboard bow``, ``60 degrees to the left``, ``azimuth -90``, ``elevation 30``). A word such
    as left, back, high or north counts only where it names a place seen from the listener: after a preposition or at
    the end of a clause, and neither in ``the back door``, ``comes back``, ``all right`` and ``a high voice`` nor in
    ``behind a car``. A port with an article, or one that is left, entered or returned to, is a harbour. Ahead is the
    listener's.

    Parameters
    ----------
    text
        Any sentence or query.
    facing
        One of `WINDS`: where the front is on the compass.

    Raises
    ------
    InputError
        If the text names several directions or an elevation beyond 90 degrees, is too long, or `facing` is unknown.
    """
    check_length(text)
    mentions = _mentions(text, facing=facing)
    azimuths = {azimuth for cluster in _clusters(text, mentions) for azimuth in cluster}
    bands = {mention.elevation for mention in mentions} - {None}
    if len(azimuths) > 1 or len(bands) > 1:
        said = ", ".join(text[slice(*mention.spans[0])].strip(" ,") for mention in mentions)
        raise InputError(f"{text!r} names several directions ({said}); name one.")
    if not mentions:
        return None
    return SpokenDirection(
        azimuth_deg=next(iter(azimuths), None),
        elevation=next(iter(bands), None),
        elevation_deg=next((m.elevation_deg for m in mentions if m.elevation_deg is not None), None),
        vocabulary=next((m.vocabulary for m in mentions if m.vocabulary), None),
        spans=tuple(m.spans[0] for m in mentions),
    )


def check_length(text: str) -> None:
    """Refuse a text that is longer than `LONGEST_TEXT`.

    Raises
    ------
    InputError
        If it is.
    """
    if len(text) > LONGEST_TEXT:
        raise InputError(f"the text {text[:20]!r}... has {len(text)} characters; use at most {LONGEST_TEXT}.")


def _clusters(text: str, mentions: list[SpokenDirection]) -> list[set[float]]:
    """Azimuths of mentions that stand together: "behind me, on the left" is one direction."""
    clusters: list[set[float]] = []
    end = 0
    for mention in mentions:
        start, stop = mention.spans[0]
        if not clusters or not _JOINT.fullmatch(text, end, start):
            clusters.append(set())
        if mention.azimuth_deg is not None:
            clusters[-1].add(mention.azimuth_deg)
        end = stop
    return [_diagonal(cluster) for cluster in clusters]


def _diagonal(azimuths: set[float]) -> set[float]:
    """Front or back together with left or right is the diagonal between them; anything else stays as it is."""
    along, across = azimuths & {0.0, 180.0}, azimuths & {90.0, -90.0}
    if len(azimuths) != 2 or not along or not across:
        return azimuths
    side = next(iter(across))
    return {side / 2 if 0.0 in along else side * 1.5}


def _mentions(text: str, *, facing: str) -> list[SpokenDirection]:
    """Pieces of the text that name a direction, from left to right."""
    ahead = _wind(facing)
    found = [(m.start(), -m.end(), number, m) for number, rule in enumerate(_RULES) for m in rule.finditer(text)]
    mentions: list[SpokenDirection] = []
    end = 0
    for start, minus_end, _, match in sorted(found, key=lambda item: item[:3]):
        # "and high" is a place only right after a place.
        follows = bool(mentions) and mentions[-1].spans[0][1] == end and not text[end:start].strip()
        if start < end or (match.groupdict().get("after") and not follows):
            continue
        end = -minus_end
        if mention := _read(match, ahead):
            mentions.append(mention)
    return mentions


def _read(match: re.Match[str], ahead: int) -> SpokenDirection | None:
    """What a match of a rule says; ``ahead`` is the index of the wind in front. An idiom says nothing."""
    said = {name: text.lower() for name, text in match.groupdict().items() if text and name != "after"}
    spans = (match.span(),)
    if "word" in said:
        azimuth_deg, vocabulary = _azimuth_of_word(re.sub(r"[\s-]", "", said["word"]), ahead)
        return SpokenDirection(azimuth_deg=azimuth_deg, vocabulary=vocabulary, spans=spans)
    if "aboard" in said:
        word = re.sub(r"[\s-]+", " ", said["aboard"]).removesuffix(" beam")
        azimuth_deg = sector_centre_deg(_ABOARD.index(word))
        return SpokenDirection(azimuth_deg=azimuth_deg, vocabulary="nautical", spans=spans)
    if "hour" in said:
        hour = _HOUR_WORDS.index(said["hour"]) + 1 if said["hour"].isalpha() else int(said["hour"])
        azimuth_deg = wrap_deg(-30.0 * (hour + ("half" in said) / 2))
        return SpokenDirection(azimuth_deg=azimuth_deg, vocabulary="clock", spans=spans)
    way = said.get("way", "")
    if "azimuth" in said:
        sign = -1 if way in ("right", "clockwise", "starboard") else 1
        azimuth_deg = wrap_deg(sign * _number(said["azimuth"]))
        return SpokenDirection(azimuth_deg=azimuth_deg, vocabulary="degrees", spans=spans)
    if "elevation" in said:
        elevation_deg = _number(said["elevation"]) * (-1 if way.startswith(("down", "below", "low")) else 1)
        if abs(elevation_deg) > 90:
            raise InputError(f"{match[0].strip()!r} is no direction; an elevation lies between -90 and 90 degrees.")
        return SpokenDirection(elevation=elevation_band(elevation_deg), elevation_deg=elevation_deg, spans=spans)
    band = next((_BANDS[name] for name in said), None)
    return None if band is None else SpokenDirection(elevation=band, spans=spans)


def _azimuth_of_word(word: str, ahead: int) -> tuple[float, str]:
    wind = re.sub("wards?$", "", word)
    if wind in WINDS:
        return sector_centre_deg((WINDS.index(wind) - ahead) % len(WINDS)), "compass"
    (azimuth_deg,) = _diagonal({angle for side, angle in _SIDES.items() if side in word})
    return azimuth_deg, "listener"


def _number(text: str) -> float:
    return float(text.replace("−", "-"))


# What the rules below are made of; nothing here captures. A word is atomic, (?>...), so that "back" is not found in
# "back left wheel" after "back left" has failed.
_SIDES = {"front": 0.0, "ahead": 0.0, "forward": 0.0, "left": 90.0, "back": 180.0, "rear": 180.0, "behind": 180.0}
_SIDES["right"] = -90.0
_HOUR_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_HEARER = r"(?:me|us|you|(?:(?:the|my|your)\s+)?(?:listener|microphone|mic|recorder|camera|head|centre|center))\b"
_SCENE = r"(?:the\s+)?(?:room|scene|hall|stage|recording|image|field)\b"
_LEAD = (
    r"\b(?:(?:off|over|out)\s+)?(?:from|on|to|at|in|into|towards?)\s+(?:(?:the|my|your|our|his|her|its|their)\s+)?"
    r"(?:(?:far|hard|directly|slightly|extreme)\s+)?"
)
_WORD = (
    r"(?>(?:front|forward|back|rear)[\s-]*(?:left|right)|(?:left|right)[\s-](?:front|back|rear)"
    r"|(?:north|south)(?:[\s-]?(?:east|west))?(?:wards?)?|(?:east|west)(?:wards?)?"
    rf"|(?:{'|'.join(_SIDES)})(?:wards?|s)?)\b"
)
# A port is a harbour unless a side of a ship is meant.
_SHIP_WORD = r"(?>(?:port|starboard)[\s-](?:bow|beam|quarter)\b|starboard\b|port(?=[\s-](?:hand[\s-])?side\b)|astern\b)"
_TAIL = rf"(?>(?:[\s-]hand\b)?(?:[\s-]side\b)?(?:\s+of\s+(?:{_HEARER}|{_SCENE}))?)"
_HOUR = rf"(?:1[0-2]|0?[1-9]|{'|'.join(_HOUR_WORDS)})\b"
_CLOCK = r"o\s?['’]?\s?clock\b"
_NUMBER = r"(?<![\w.])[+−-]?\d{1,3}(?:\.\d+)?"
_DEGREES = r"\s*(?:°|º|deg(?:ree)?s?\b)"
_END = r"(?=\s*(?:$|[^\w\s'’-]|[-–—]\s))"
_STOP = rf"(?:{_END}|(?=\s+(?:and|or|but|on|to|at|in|from|towards|please)\b))"
_BEFORE_PLACE = rf"(?=\s+(?:and\s+)?(?:{_WORD}{_STOP}|{_LEAD}(?:{_WORD}|{_HOUR}|half\b)))"
_CLAUSE_END = rf"(?:{_STOP}|{_BEFORE_PLACE})"
_NOT_A_THING = (
    r"(?!-|\s+(?:ground|doors?|yard|seats?|porch|alley|garden|foot|wheels?|gate|teeth|pole|sea|africa\w*|americ\w*|korea\w*"
    r"|up|off|down|over|of)\b)"
)

# Of the rules that match, the one that begins first holds; of those, the longest; of those, the first here. Idioms
# capture nothing and so take words away that would name a place elsewhere.
_RULES = [
    re.compile(rule, re.IGNORECASE)
    for rule in (
        # Idioms.
        r"\b(?:all|quite|you['’]re|that['’]s|exactly)\s+right\b",
        r"\bright(?=\s+(?:now|away|after|before|then|there|here|behind|above|below|in|ahead|next|at|by|on|to|into)\b)",
        r"\b(?:has|have|had|having|who|they|he|she|we|just)\s+left\b|\bleft\s+(?:over|behind|out|alone|open|running)\b",
        r"\b(?:com|came|go|went|play|bring|get|fall|hit|pull|roll|run|answer|talk|speak|echo|bounc|kick|spring|push"
        r"|throttl)(?:e?[sd]|e|ing|ning|ting)?\s+back\b(?:\s+to\s+back\b)?(?!\s(?:left|right))",
        r"\bback\s+(?:and\s+forth|to\s+back|then|home|again|up|off|down|in|into|out)\b",
        rf"\b(?:str[iu]\w+|chim\w+|toll\w*|rings?|says?|shows?|reads?|before|after|until)\s+{_HOUR}\s*{_CLOCK}",
        r"\b(?:back|home|return\w*|sail\w*|com(?:es?|ing)|came)\s+(?:in)?to\s+port\b|\bport\s+to\s+port\b",
        r"\b(?:full|half|slow|dead\s+slow|go(?:es|ing)?|speed)\s+astern\b",
        # Around the listener and on the compass.
        rf"{_LEAD}(?P<word>{_WORD}){_TAIL}{_NOT_A_THING}",
        rf"(?<![\w'’-])(?:straight\s+|dead\s+)?(?P<word>{_WORD})(?:{_TAIL}{_CLAUSE_END}|\s+of\s+{_HEARER})",
        rf"\b(?:from\s+)?(?P<word>behind)(?:\s+{_HEARER}|{_CLAUSE_END})",
        # On a ship.
        rf"(?:{_LEAD}|\boff\s+(?:the\s+)?)(?P<aboard>{_SHIP_WORD}){_TAIL}{_NOT_A_THING}",
        rf"(?<![\w'’-])(?P<aboard>{_SHIP_WORD})(?:{_TAIL}{_CLAUSE_END}|\s+of\s+{_HEARER})",
        rf"\b(?:from|to|towards?)\s+(?P<aboard>port)(?:{_CLAUSE_END}|\s+of\s+{_HEARER})",
        r"^\s*(?P<aboard>port)(?=\W*$|,\s*(?:above|below)\W*$)",
        # On the clock.
        rf"(?:{_LEAD})?\b(?P<hour>{_HOUR})(?P<half>:30|\s+thirty)?\s*{_CLOCK}",
        rf"(?:{_LEAD})?\b(?P<half>half)[\s-]past\s+(?P<hour>{_HOUR})(?:\s*{_CLOCK})?",
        rf"\b(?:at|from|to|towards?)\s+(?P<hour>{_HOUR}):(?:00|(?P<half>30))\b(?!\s*[ap]\.?m)",
        # Numbers.
        rf"(?:{_LEAD})?(?P<azimuth>{_NUMBER}){_DEGREES}\s+(?:(?:to|on|towards)\s+)?(?:(?:the|my|your)\s+)?"
        rf"(?P<way>left|right|port|starboard|clockwise|(?:counter|anti)[\s-]?clockwise)\b{_TAIL}",
        rf"\b(?:at|from|to|towards?)\s+(?:an\s+)?(?:angle\s+of\s+)?(?P<azimuth>{_NUMBER}){_DEGREES}"
        r"(?!\s*(?:c|f|celsius|fahrenheit)\b)",
        rf"(?:\bat\s+)?(?:an\s+)?\baz(?:imuth)?\b(?:\s+(?:of|is))?\s*[=:]?\s*(?P<azimuth>{_NUMBER})(?:{_DEGREES})?",
        rf"(?:\bat\s+)?(?:an\s+)?\bel(?:evation)?\b(?:\s+(?:of|is))?\s*[=:]?\s*(?P<elevation>{_NUMBER})(?:{_DEGREES})?",
        rf"(?:{_LEAD})?(?P<elevation>{_NUMBER}){_DEGREES}\s+(?P<way>up|above|high|upwards?|down|below|low|downwards?)\b"
        r"(?:\s+the\s+horizon\b)?",
        # Heights.
        rf"\b(?:(?:from|up|high|straight|directly|right|just)\s+)*(?P<above>above\s+{_HEARER}|over\s+(?:me|us|you|(?:my|your)\s+head)\b"
        rf"|(?:above|overhead)\b{_CLAUSE_END})|\b(?:from\s+)?(?P<high>high\s+up|up\s+high)\b",
        rf"\b(?:(?:from|down|low|straight|directly|right|just)\s+)*(?P<below>(?:below|beneath|under)\s+{_HEARER}"
        rf"|(?:below|beneath|underneath|underfoot)\b{_CLAUSE_END})|\b(?:from\s+)?(?P<low>low\s+down|down\s+low)\b",
        rf"(?P<after>,?\s+(?:and\s+)?)(?:(?P<high>high)|(?P<low>low)|(?P<level>level)){_END}",
        r"^\s*(?:(?P<high>high)|(?P<low>low)|(?P<level>level))\W*$",
        rf"\b(?:(?P<high>high)|(?P<low>low)){_BEFORE_PLACE}",
        r"(?:\b(?:at|on|from)\s+)?(?:\b(?:the|my|your)\s+)?\b(?P<level>(?:ear|eye|head)[\s-](?:level|height)|horizon)\b",
        rf"\b(?:is|are)\s+(?P<level>level){_END}",
    )
]
_BANDS = {"above": "above", "high": "above", "below": "below", "low": "below", "level": "level"}
_JOINT = re.compile(r"[\s,]*(?:\b(?:and|but|also|slightly|somewhat|a bit|a little)\s+)*")

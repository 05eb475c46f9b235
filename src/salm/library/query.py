"""The language of searches: plain sentences, joined by AND, OR, NOT and brackets, and conditions such as `from:left`.

    query  = some { "OR" some }
    some   = one { [ "AND" ] one }
    one    = "NOT" one | "(" query ")" | name ":" value | words | '"' words '"'

AND, OR and NOT are written in capitals, so that "thunder that is behind and high" stays a sentence. AND may be left out
beside a condition, a bracket or NOT. Words up to the next of those are one phrase, which says what, where, or both; in
quotation marks they may be anything. :mod:`salm.library.filters` has the conditions.

Whatever is written becomes an OR of alternatives, each with phrases that are wanted, phrases that are not, and
conditions; :mod:`salm.library.scoring` says what that is worth.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import inf
from typing import Any, NamedTuple

from salm.errors import InputError
from salm.frame import ABOVE_DEG, BELOW_DEG, check_length, parse_direction, wrap_deg
from salm.library.filters import Filter, InRange, Named
from salm.library.phrase import Phrase, parse_phrase

__all__ = ["Alternative", "Condition", "Query", "parse_query", "parse_where"]

MOST_ALTERNATIVES = 64

FILTERS = ("from", "azimuth", "elevation", "confidence", "duration", "file")
"""Names of the conditions."""


class Condition(NamedTuple):
    """A condition, or its opposite."""

    filter: Filter
    negated: bool = False

    def __str__(self) -> str:
        return f"not {self.filter}" if self.negated else str(self.filter)


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """One way to satisfy a query."""

    wanted: tuple[Phrase, ...] = ()
    unwanted: tuple[Phrase, ...] = ()
    conditions: tuple[Condition, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        return {
            "wanted": [phrase.to_dict() for phrase in self.wanted],
            "unwanted": [phrase.to_dict() for phrase in self.unwanted],
            "conditions": [filter.to_dict() | {"negated": negated} for filter, negated in self.conditions],
        }

    def __str__(self) -> str:
        said = [*map(str, self.wanted), *map(str, self.conditions), *(f"not {phrase}" for phrase in self.unwanted)]
        return "; ".join(said)


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a text asks for: any of the alternatives."""

    text: str
    """As it was given."""
    alternatives: tuple[Alternative, ...]

    @property
    def phrase(self) -> Phrase | None:
        """The one phrase that is wanted, if there is one and no more."""
        wanted = {phrase for alternative in self.alternatives for phrase in alternative.wanted}
        return wanted.pop() if len(wanted) == 1 else None

    @property
    def what(self) -> str:
        """What the one phrase is looking for; empty without one, or if it says only where."""
        return self.phrase.what if self.phrase else ""

    @property
    def azimuth_deg(self) -> float | None:
        """Azimuth that the one phrase names."""
        return self.phrase.azimuth_deg if self.phrase else None

    @property
    def elevation(self) -> str | None:
        """Height that the one phrase names: ``above``, ``below`` or ``level``."""
        return self.phrase.elevation if self.phrase else None

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON; what and where of a query of one phrase stand at the top too."""
        phrase = self.phrase or Phrase(text=self.text, what="")
        alternatives = [alternative.to_dict() for alternative in self.alternatives]
        return phrase.to_dict() | {"text": self.text, "understood": str(self), "alternatives": alternatives}

    def __str__(self) -> str:
        return " | ".join(map(str, self.alternatives))


def parse_query(text: str, *, facing: str = "north") -> Query:
    """Understand a query.

    Parameters
    ----------
    text
        For example "dog from the left", "rain AND dog from:left elevation:>20 NOT music" or "a car at 3 o'clock".
    facing
        Where the front is on the compass.

    Raises
    ------
    InputError
        If the text cannot be understood, with the place where, is too long, or ``facing`` is unknown.
    """
    check_length(text)
    if not text.strip():
        raise InputError("the query is empty; say what, where, or both, as in 'dog from the left'.")
    # A facing that is unknown is refused as such, and not as words that cannot be understood.
    parse_direction("", facing=facing)
    try:
        found = _Parser(text, facing).read()
    except RecursionError:
        raise InputError("the query has too many brackets or NOTs within each other; use fewer.") from None
    return Query(text=text, alternatives=tuple(dict.fromkeys(found)))


def parse_where(text: str, *, facing: str = "north") -> Query:
    """Understand what stands beside an example: a direction, conditions, what is not wanted; or nothing at all.

    Raises
    ------
    InputError
        As :func:`parse_query`, or if an alternative says what is wanted, or several directions.
    """
    if not text.strip():
        parse_direction("", facing=facing)
        return Query(text="", alternatives=(Alternative(),))
    query = parse_query(text, facing=facing)
    for alternative in query.alternatives:
        for phrase in alternative.wanted:
            if phrase.azimuth_deg is None and phrase.elevation is None:
                raise InputError(
                    f"{phrase.text!r} names no direction; say one such as 'from the left', or leave it out."
                )
            if phrase.what:
                raise InputError(f"the example says what to find, so {phrase.what!r} is one too many; say only where.")
        if len(alternative.wanted) > 1:
            raise InputError("an example can come from one direction only; name one, or join them by OR.")
    return query


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


# A query is built as a function of whether it is negated: NOT of a bracket is de Morgan's.
_Node = Callable[[bool], list[Alternative]]

_TOKEN = re.compile(
    r'\s*(?:(?P<quoted>"[^"]*")|(?P<unclosed>")|(?P<open>\()|(?P<close>\))|(?P<operator>(?:AND|OR|NOT)(?![\w:]))'
    rf'|(?P<filter>(?:{"|".join(FILTERS)}):(?:"[^"]*"|[^\s()"]*))|(?P<word>[^\s()"]+))',
)


class _Parser:
    def __init__(self, text: str, facing: str) -> None:
        self._text, self._facing = text, facing
        self._tokens = _tokens(text)
        self._at = 0

    def read(self) -> list[Alternative]:
        node = self._query()
        if self._next.kind == "close":
            raise self._wrong("there is no bracket open for this one")
        return node(False)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _wrong(self, reason: str, token: _Token | None = None) -> InputError:
        token = token or self._next
        place = f"at character {token.start + 1}, {token.text!r}" if token.text else "at its end"
        return InputError(f"the query {self._text!r} cannot be understood {place}: {reason}.")

    def _query(self) -> _Node:
        nodes = [self._some()]
        while self._next == ("operator", "OR", self._next.start):
            self._take()
            nodes.append(self._some())
        return lambda negated: _all(nodes, negated) if negated else _any(nodes, negated)

    def _some(self) -> _Node:
        nodes = [self._one()]
        while self._next.kind not in ("end", "close") and self._next.text != "OR":
            if self._next == ("operator", "AND", self._next.start):
                self._take()
            nodes.append(self._one())
        return lambda negated: _any(nodes, negated) if negated else _all(nodes, negated)

    def _one(self) -> _Node:
        token = self._take()
        match token.kind:
            case "operator" if token.text == "NOT":
                node = self._one()
                return lambda negated: node(not negated)
            case "open":
                node = self._query()
                if self._next.kind != "close":
                    raise self._wrong("a bracket is not closed", token)
                self._take()
                return node
            case "filter":
                name, _, value = token.text.partition(":")
                conditions = self._filter(name, value.strip('"'), token)
                return lambda negated: [Alternative(conditions=(Condition(conditions, negated),))]
            case "words" | "quoted":
                phrase = self._phrase(token)
                return lambda negated: [Alternative(unwanted=(phrase,)) if negated else Alternative(wanted=(phrase,))]
            case _:
                self._at -= 1
                raise self._wrong("words, a condition such as from:left, or a bracket should stand here")

    def _phrase(self, token: _Token) -> Phrase:
        try:
            phrase = parse_phrase(token.text.strip('"'), facing=self._facing)
        except InputError as error:
            raise self._wrong(str(error).removesuffix("."), token) from error
        if not phrase.what and phrase.azimuth_deg is None and phrase.elevation is None:
            raise self._wrong("it says neither what nor where", token)
        return phrase

    def _filter(self, name: str, value: str, token: _Token) -> Filter:
        if not value:
            raise self._wrong(f"{name}: needs a value right behind it, such as {_EXAMPLES[name]}", token)
        if name == "file":
            return Named(pattern=value)
        found = self._from(value, token) if name == "from" else self._range(name, value, token)
        if found.empty:
            raise self._wrong("nothing is in this range", token)
        return found

    def _from(self, value: str, token: _Token) -> InRange:
        words = re.sub(r"[-_]+", " ", value)
        if number := _NUMBER.fullmatch(value):
            return _sector(float(number[0]))
        for said in (f"from the {words}", f"from {words}", words):
            try:
                place = parse_direction(said, facing=self._facing)
            except InputError as error:
                raise self._wrong(str(error).removesuffix("."), token) from error
            if place and place.spans == ((0, len(said)),) and place.azimuth_deg is not None:
                return _sector(place.azimuth_deg)
            if place and place.spans == ((0, len(said)),) and place.elevation is not None:
                return _BANDS[place.elevation]
        raise self._wrong(f"{value!r} names no direction; say {_EXAMPLES['from']}", token)

    def _range(self, name: str, value: str, token: _Token) -> InRange:
        if name == "elevation" and value in _BANDS:
            return _BANDS[value]
        scale = _SCALES[name]
        if between := _BETWEEN.fullmatch(value):
            low, high = (float(between[i]) * scale.get(between[i + 1] or "", 0) for i in (1, 3))
            units = {between[2] or "", between[4] or ""}
            found = InRange(quantity=name, low=low, high=high)  # type: ignore[arg-type]
        elif bound := _BOUND.fullmatch(value):
            number = float(bound[2]) * scale.get(bound[3] or "", 0)
            units = {bound[3] or ""}
            is_open = "=" not in bound[1]
            found = (
                InRange(quantity=name, low=number, low_open=is_open)  # type: ignore[arg-type]
                if bound[1][0] == ">"
                else InRange(quantity=name, high=number, high_open=is_open)  # type: ignore[arg-type]
            )
        else:
            raise self._wrong(f"{name}: takes a bound or a range, such as {_EXAMPLES[name]}", token)
        if any(unit not in scale for unit in units):
            raise self._wrong(f"{name}: has the units {', '.join(unit for unit in scale if unit)}", token)
        return self._within(found, token)

    def _within(self, found: InRange, token: _Token) -> InRange:
        """The range, unless its numbers are none of its quantity."""
        least, most = _LIMITS[found.quantity]
        outside = [bound for bound in (found.low, found.high) if abs(bound) != inf and not least <= bound <= most]
        if outside:
            raise self._wrong(
                f"{found.quantity}: is between {least:g} and {most:g}{_percentage(token, outside)}", token
            )
        return found


def _tokens(text: str) -> list[_Token]:
    """Tokens of a text, words that stand together as one, and an end."""
    tokens: list[_Token] = []
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        start = match.start(kind)
        if kind == "unclosed":
            raise InputError(
                f"the query {text!r} cannot be understood at character {start + 1}, '\"': a quotation is not closed."
            )
        if kind == "word" and ":" in match["word"]:
            _refuse_unknown_filter(text, match["word"], start)
        if kind == "word" and tokens and tokens[-1].kind == "words":
            tokens[-1] = tokens[-1]._replace(text=text[tokens[-1].start : match.end()])
        else:
            tokens.append(_Token("words" if kind == "word" else kind, match[kind], start))
    return [*tokens, _Token("end", "", len(text))]


def _refuse_unknown_filter(text: str, word: str, start: int) -> None:
    """A name with a value right behind its colon is meant as a condition; "10:30" and "left: a dog" are words."""
    name, _, value = word.partition(":")
    if value and re.fullmatch(r"[A-Za-z_]+", name) and not value.startswith("//"):
        known = ", ".join(f"{known}:" for known in FILTERS)
        raise InputError(
            f"the query {text!r} cannot be understood at character {start + 1}, {word!r}: there is no condition "
            f"{name}:; there are {known}. Put words with a colon in quotation marks."
        )


def _any(nodes: Sequence[_Node], negated: bool) -> list[Alternative]:
    return _few([alternative for node in nodes for alternative in node(negated)])


def _all(nodes: Sequence[_Node], negated: bool) -> list[Alternative]:
    ways = [node(negated) for node in nodes]
    count = 1
    for way in ways:
        count *= len(way)
    if count > MOST_ALTERNATIVES:
        raise _too_many()
    return [_merged(way) for way in product(*ways)]


def _few(alternatives: list[Alternative]) -> list[Alternative]:
    if len(alternatives) > MOST_ALTERNATIVES:
        raise _too_many()
    return alternatives


def _too_many() -> InputError:
    return InputError(f"the query has more than {MOST_ALTERNATIVES} alternatives; use fewer ORs, or several searches.")


def _merged(parts: Sequence[Alternative]) -> Alternative:
    merged = Alternative()
    for part in parts:
        merged = replace(
            merged,
            wanted=tuple(dict.fromkeys(merged.wanted + part.wanted)),
            unwanted=tuple(dict.fromkeys(merged.unwanted + part.unwanted)),
            conditions=tuple(dict.fromkeys(merged.conditions + part.conditions)),
        )
    return merged


def _percentage(token: _Token, outside: Sequence[float]) -> str:
    """How a confidence is written, whose numbers are a percentage without its sign."""
    if not token.text.startswith("confidence:") or "%" in token.text or not all(1 < bound <= 100 for bound in outside):
        return ""
    return "; a percentage is written " + _NUMBER.sub(r"\g<0>%", token.text)


def _sector(azimuth_deg: float) -> InRange:
    """The eighth of the circle around an azimuth; of its borders the clockwise one belongs to it (`salm.frame`)."""
    low, high = wrap_deg(azimuth_deg - 22.5), wrap_deg(azimuth_deg + 22.5)
    return InRange(quantity="azimuth", low=low, high=high, high_open=True)


_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_BETWEEN = re.compile(r"([+-]?\d+(?:\.\d+)?)([a-z%°]*)\.\.([+-]?\d+(?:\.\d+)?)([a-z%°]*)")
_BOUND = re.compile(r"([<>]=?)([+-]?\d+(?:\.\d+)?)([a-z%°]*)")
_BANDS = {
    "above": InRange(quantity="elevation", low=ABOVE_DEG),
    "level": InRange(quantity="elevation", low=BELOW_DEG, high=ABOVE_DEG, low_open=True, high_open=True),
    "below": InRange(quantity="elevation", high=BELOW_DEG),
}
_SCALES = {
    "azimuth": {"": 1.0, "deg": 1.0, "°": 1.0},
    "elevation": {"": 1.0, "deg": 1.0, "°": 1.0},
    "confidence": {"": 1.0, "%": 0.01},
    "duration": {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0},
}
_LIMITS = {"azimuth": (-180, 180), "elevation": (-90, 90), "confidence": (0, 1), "duration": (0, inf)}
_EXAMPLES = {
    "from": "from:left, from:front-left, from:behind, from:above or from:-90",
    "azimuth": "azimuth:60..120, azimuth:150..-150 or azimuth:>0",
    "elevation": "elevation:>20, elevation:-10..10 or elevation:above",
    "confidence": "confidence:>0.8 or confidence:>=80%",
    "duration": "duration:>10, duration:<2min or duration:1h..3h",
    "file": "file:rain, file:*.flac or file:takes/*",
}

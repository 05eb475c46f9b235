"""Strategies that spoil what is sound: bytes, trees of plain values, and texts."""

import copy
import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["ODD_TEXTS", "ODD_VALUES", "damaged", "damaged_text", "deep", "spoilt_tree"]

_EXTREMES = (0, 1, 2, 3, 7, 64, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 768_000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE)
_EXTREMES = (*_EXTREMES, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**63, 2**64 - 1)

_LONG = 3000
ODD_TEXTS: tuple[str, ...] = (
    *("", " ", "\t", "\0", "a\0b", "\ufeff", "é", "ÿ\u0301", "🐕", "\u202eright", "\n", "a\nb", "a\r\nb", "%s", "{}"),
    *("../../etc/passwd", "/dev/null", "/proc/self/mem", "CON", "-1", "nan", "inf", "-inf", "1e999", "1e-999", "0x10"),
    *("null", "true", "'", '"', '"""', ",", ";", "|", "|||", "\\", "\x1b[31m", "<script>", "x" * _LONG, "dog " * 300),
    *("((((", "NOT", "AND OR", "from:", "from:nowhere", "elevation:>", "azimuth:nan", "duration:<1e400", "٣", "１２"),
)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3, 7, 255, 10**9, -(10**9), 2**31, 2**63, 2**64, 10**30, -(10**30), 10**400),
    *(0.0, -0.0, 0.5, -0.5, 1e-320, 1e-30, 1e30, -1e30, 1e308, float("nan"), float("inf"), float("-inf")),
    *([], {}, [[]], [None], [1, 2, 3], [0, 0], [1.0, -1.0], [float("nan")] * 3, {"a": 1}, {"": None}, [{}], ["x", 1]),
)
_NEAR: tuple[Callable[[float], float], ...] = (
    *(lambda x: -x, lambda x: x + 1, lambda x: x - 1, lambda x: 2 * x, lambda x: x / 2, lambda x: type(x)(x // 2)),
    *(lambda x: 10 * x, lambda x: 1000 * x, lambda x: type(x)(0), lambda x: float(x), lambda x: x + 0.25),
)
_VALUES: SearchStrategy[Any] = st.sampled_from(ODD_VALUES) | st.sampled_from(ODD_TEXTS)


@st.composite
def damaged(draw: DrawFn, seeds: Sequence[bytes], *, header: int = 160) -> bytes:
    """One of some sound files with one to four things done to its bytes, mostly in its header."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        change = draw(st.sampled_from(_CHANGES))
        last = len(content) - 1
        reach = min(last, header) if draw(st.integers(0, 3)) else last
        content = bytearray(change(draw, content, draw(st.integers(0, max(0, reach))), seeds))
    return bytes(content)


def _flip(draw: DrawFn, content: bytearray, at: int, seeds: Sequence[bytes]) -> bytes:
    if content:
        content[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(content)


def _random(draw: DrawFn, content: bytearray, at: int, seeds: Sequence[bytes]) -> bytes:
    fresh = draw(st.binary(min_size=1, max_size=12))
    return bytes(content[:at] + fresh + content[at + len(fresh) :])


def _truncate(draw: DrawFn, content: bytearray, at: int, seeds: Sequence[bytes]) -> bytes:
    return bytes(content[:at])


def _insert(draw: DrawFn, content: bytearray, at: int, seeds: Sequence[bytes]) -> bytes:
    return bytes(content[:at] + draw(st.binary(min_size=1, max_size=40)) + content[at:])


def _delete(draw: DrawFn, content: bytearray, at: int, seeds: Sequence[bytes]) -> bytes:
    return bytes(content[:at] + content[at + draw(st.integers(1, 40)) :])


def _field(draw: DrawFn, content: bytearray, at: int, seeds: Sequence[bytes]) -> bytes:
    """A field of a header, overwritten with a value at the end of its range."""
    size, order = draw(st.sampled_from((2, 4, 8))), draw(st.sampled_from(("little", "big")))
    value = draw(st.sampled_from(_EXTREMES)) % 256**size
    at -= at % 2
    return bytes(content[:at] + value.to_bytes(size, order) + content[at + size :])


def _splice(draw: DrawFn, content: bytearray, at: int, seeds: Sequence[bytes]) -> bytes:
    other = draw(st.sampled_from(seeds))
    return bytes(content[:at] + other[draw(st.integers(0, max(0, len(other) - 1))) :])


def _twice(draw: DrawFn, content: bytearray, at: int, seeds: Sequence[bytes]) -> bytes:
    return bytes(content + content)[: 1 << 20]


_Change = Callable[[DrawFn, bytearray, int, Sequence[bytes]], bytes]
_CHANGES: tuple[_Change, ...] = (_flip, _random, _truncate, _insert, _delete, _field, _field, _field, _splice, _twice)


@st.composite
def spoilt_tree(draw: DrawFn, trees: Sequence[Any]) -> Any:
    """One of some trees of plain values with one to three of its values changed, missing, or under other names."""
    tree = copy.deepcopy(draw(st.sampled_from(trees)))
    for _ in range(draw(st.integers(1, 3))):
        holders = _holders(tree)
        if not holders:
            return draw(_VALUES)
        holder = draw(st.sampled_from(holders))
        key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        what = draw(st.integers(0, 9))
        if what < 4 and type(holder[key]) in (int, float) and abs(holder[key]) < 1e15:
            holder[key] = draw(st.sampled_from(_NEAR))(holder[key])
        elif what < 7:
            holder[key] = copy.deepcopy(draw(_VALUES))
        elif what == 7:
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw(st.sampled_from(ODD_TEXTS))] = holder[key]
        else:
            holder.append(copy.deepcopy(holder[key]))
    return tree


def _holders(tree: Any) -> list[Any]:
    """Every dictionary and list of a tree that holds something."""
    if not isinstance(tree, dict | list) or not tree:
        return []
    inside = tree.values() if isinstance(tree, dict) else tree
    return [tree, *(holder for value in inside for holder in _holders(value))]


def deep(opening: str, closing: str, depth: int) -> str:
    """Something within itself."""
    return opening * depth + closing * depth


@st.composite
def damaged_text(draw: DrawFn, sound: SearchStrategy[str]) -> bytes:
    """A text as a file: as it is, or with another encoding, a mark, a NUL, or bytes out of place."""
    text = draw(sound)
    content = text.encode("utf-8", "surrogatepass")
    how = draw(st.integers(0, 23))
    if how == 0:
        return b"\xef\xbb\xbf" + content
    if how == 1:
        return text.encode("utf-16", "surrogatepass")
    if how == 2:
        return text.encode("latin-1", "replace").replace(b"e", b"\xe9")
    if how in (3, 4):
        return draw(damaged([content], header=len(content)))
    if how == 5:
        lines = content.splitlines(keepends=True)
        return b"".join([*lines, draw(st.sampled_from(lines))]) if lines else b""
    if how == 6:
        return draw(st.sampled_from(_FORMLESS)).encode()
    return content


_FORMLESS = (
    *("", "\n", "[]", "{}", "null", "0", "nan", '"text"', "- a\n- b\n", "a: b", "a: &a [*a]\n", "{", "[", "\0", "{}{}"),
    *(deep("[", "]", 60), deep("[", "]", 20_000), deep('{"a":', "}", 5_000), "a: " * 3000, "- " * 3000 + "x"),
    *(json.dumps({"x": "y" * 100_000}), "9" * 10_000, "model: " + "9" * 5_000),
    "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{n}: &{n} [{','.join([f'*{p}'] * 9)}]\n" for p, n in itertools.pairwise("abcdefghi")),
)

"""Cosine similarities with every row of half-precision matrices, which stay where they are: on disk, memory-mapped.

NumPy would first make single precision of them, twice the bytes. Here every number is read once from memory, and what
takes the time is that: decoding, lengths and products of a row are one pass over it.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, no_type_check

import numba
import numpy as np
import torch
from jaxtyping import Float16, Float32, Int16, Int64
from llvmlite import ir
from numba.extending import intrinsic

from salm.compiled import compiled

__all__ = ["cosines"]

CHUNK = 4096
"""Rows that a thread takes at a time."""

_LEAST = np.float32(1e-12)

_quick = partial(compiled, fastmath=True)


def cosines(
    semantic: Float16[np.ndarray, "window width"],
    spatial: Float16[np.ndarray, "window width"],
    directed: Float32[np.ndarray, " window"],
    rows: Int64[np.ndarray, " row"],
    *,
    what: Float32[np.ndarray, "content width"],
    joint: Float32[np.ndarray, "whole width"],
    joint_weight: Float32[np.ndarray, " width"],
) -> tuple[Float32[np.ndarray, "content row"], Float32[np.ndarray, "whole row"]]:
    """Cosine similarities of some windows with queries, exactly.

    Parameters
    ----------
    semantic, spatial
        Raw embeddings E_ASe and E_ASp of all windows.
    directed
        1 where the joint embedding is E_ASe + s E_ASp (Eq. 2), 0 where nothing is known of where and it is E_ASe.
    rows
        The windows to compare.
    what, joint
        Queries of any length for the semantic and for the joint embedding; there may be none.
    joint_weight
        s.

    Returns
    -------
    array, array
        One row a query each.
    """
    found = np.empty((len(what) + len(joint), len(rows)), np.float32)
    halves = _bits(semantic), _bits(spatial)
    queries = _unit(what), _unit(joint), np.ascontiguousarray(joint_weight, np.float32)

    def part(start: int) -> None:
        here = slice(start, start + CHUNK)
        _compare(*halves, directed, rows[here], *queries, found[:, here])

    starts = range(0, len(rows), CHUNK)
    if len(found) and len(starts) > 1 and torch.get_num_threads() > 1:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(part, starts))
    elif len(found):
        for start in starts:
            part(start)
    return found[: len(what)], found[len(what) :]


def _bits(halves: Float16[np.ndarray, "window width"]) -> Int16[np.ndarray, "window width"]:
    """Bits of the numbers, which may not be written: what is memory-mapped may not, and numba compiles for either."""
    bits = halves.view(np.int16)
    bits.flags.writeable = False
    return bits


def _unit(vectors: Float32[np.ndarray, "query width"]) -> Float32[np.ndarray, "query width"]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(length, _LEAST), np.float32)


def _converted(builder: Any, bits: Any) -> Any:
    """A half as a float, by the processor."""
    return builder.fpext(builder.bitcast(bits, ir.HalfType()), ir.FloatType())


def _shifted(builder: Any, bits: Any) -> Any:
    """A finite half as a float, by its bits: at the place of a float's they are the number times 2^-112."""
    wide = builder.sext(bits, ir.IntType(32))
    placed = builder.and_(builder.shl(wide, ir.IntType(32)(13)), ir.IntType(32)(0x8FFFE000))
    return builder.fmul(builder.bitcast(placed, ir.FloatType()), ir.FloatType()(2.0**112))


@intrinsic
@no_type_check
def _decoded(_context: Any, _bits: Any) -> Any:
    """A half, given as bits, as a float, in compiled code."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        triple, _, features = context.codegen().magic_tuple()
        # Without the instruction the compiler would call a function that is nowhere, and crash.
        has_halves = triple.startswith(("aarch64", "arm64")) or "+f16c" in features
        return (_converted if has_halves else _shifted)(builder, *arguments)

    return numba.float32(numba.int16), generate


# Type checkers at run time wrap what they check, and numba compiles plain functions only.
@_quick
@no_type_check
def _cosine(half: Any, query: Any) -> Any:
    """Of numbers of half precision, given as bits, with a vector of length one."""
    product = square = np.float32(0)
    for j in range(len(half)):
        value = _decoded(half[j])
        product += value * query[j]
        square += value * value
    return product / max(np.sqrt(square), _LEAST)


@_quick
@no_type_check
def _cosine_of_sum(half: Any, more: Any, weight: Any, query: Any) -> Any:
    """As `_cosine`, of ``half + weight * more``."""
    product = square = np.float32(0)
    for j in range(len(half)):
        value = _decoded(half[j]) + weight[j] * _decoded(more[j])
        product += value * query[j]
        square += value * value
    return product / max(np.sqrt(square), _LEAST)


@_quick
@no_type_check
def _compare(
    semantic: Any, spatial: Any, directed: Any, rows: Any, what: Any, joint: Any, joint_weight: Any, found: Any
) -> None:
    """Fill ``found`` with the cosines of the rows, first those of ``what``, then those of ``joint``."""
    for at in range(len(rows)):
        row = rows[at]
        for q in range(len(what)):
            found[q, at] = _cosine(semantic[row], what[q])
        for q in range(len(joint)):
            if directed[row]:
                cosine = _cosine_of_sum(semantic[row], spatial[row], joint_weight, joint[q])
            else:
                cosine = _cosine(semantic[row], joint[q])
            found[len(what) + q, at] = cosine

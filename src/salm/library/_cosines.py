"""Cosine similarities with every row of half-precision matrices, which stay where they are: on disk, memory-mapped.

NumPy would first make single precision of them, twice the bytes; the bytes are what takes the time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, no_type_check

import numba
import numpy as np
import torch
from jaxtyping import Float16, Float32, Int64, UInt16

__all__ = ["cosines"]

CHUNK = 4096
"""Rows that a thread takes at a time."""

_LEAST = np.float32(1e-12)
# Bits of a half at the place of a float's are the number times 2^-112, subnormal ones too.
_UP = np.float32(2.0**112)

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _compiled(function: _Function) -> _Function:
    compiled: _Function = numba.njit(cache=True, nogil=True, fastmath=True)(function)
    return compiled


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


def _bits(halves: Float16[np.ndarray, "window width"]) -> UInt16[np.ndarray, "window width"]:
    """Bits of the numbers, which may not be written: what is memory-mapped may not, and numba compiles for either."""
    bits = halves.view(np.uint16)
    bits.flags.writeable = False
    return bits


def _unit(vectors: Float32[np.ndarray, "query width"]) -> Float32[np.ndarray, "query width"]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(length, _LEAST), np.float32)


# Type checkers at run time wrap what they check, and numba compiles plain functions only.
@_compiled
@no_type_check
def _decode(half: Any, bits: Any, vector: Any) -> None:
    """Numbers of half precision, given as bits, into ``vector``, which lies in the memory of ``bits``."""
    for j in range(len(half)):
        value = np.int32(half[j])
        bits[j] = ((value & 0x8000) << 16) | ((value & 0x7FFF) << 13)
    for j in range(len(half)):
        vector[j] *= _UP


@_compiled
@no_type_check
def _dot(a: Any, b: Any) -> Any:
    total = np.float32(0)
    for j in range(len(a)):
        total += a[j] * b[j]
    return total


@_compiled
@no_type_check
def _compare(
    semantic: Any, spatial: Any, directed: Any, rows: Any, what: Any, joint: Any, joint_weight: Any, found: Any
) -> None:
    """Fill ``found`` with the cosines of the rows, first those of ``what``, then those of ``joint``."""
    width = semantic.shape[1]
    bits, more_bits = np.empty(width, np.int32), np.empty(width, np.int32)
    vector, more = bits.view(np.float32), more_bits.view(np.float32)
    for at in range(len(rows)):
        row = rows[at]
        _decode(semantic[row], bits, vector)
        scale = np.float32(1) / max(np.sqrt(_dot(vector, vector)), _LEAST)
        for q in range(len(what)):
            found[q, at] = scale * _dot(vector, what[q])
        if len(joint):
            if directed[row]:
                _decode(spatial[row], more_bits, more)
                for j in range(width):
                    vector[j] += joint_weight[j] * more[j]
                scale = np.float32(1) / max(np.sqrt(_dot(vector, vector)), _LEAST)
            for q in range(len(joint)):
                found[len(what) + q, at] = scale * _dot(vector, joint[q])

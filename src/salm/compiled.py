"""Loops in machine code, kept for the next process where that can be."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

__all__ = ["compiled"]

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function, *, fastmath: bool = False) -> Function:
    """The function compiled by numba when it is first called, without Python's lock.

    The code is kept beside the source or in the user's cache; where neither can be written, as in an installation that
    is read-only for somebody without a home, every process compiles anew.
    """
    try:
        kept: Function = numba.njit(cache=True, nogil=True, fastmath=fastmath)(function)
    except RuntimeError:
        kept = numba.njit(nogil=True, fastmath=fastmath)(function)
    return kept

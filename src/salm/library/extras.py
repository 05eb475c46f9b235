"""Packages that only some searches need: imported when they are, and one clear line if they are not there."""

from importlib import import_module
from typing import Any

from salm.errors import InputError

__all__ = ["extra"]


def extra(module: str, *, why: str) -> Any:
    """A module of the extra ``search``.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(f'{why} needs {module}; install it with: pip install "salm[search]"') from error

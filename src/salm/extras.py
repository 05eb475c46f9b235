"""Packages that only some commands need: imported when they are, and one line if they are not installed."""

from importlib import import_module
from typing import Any

from salm.errors import InputError

__all__ = ["needed"]


def needed(*modules: str, extra: str, by: str) -> Any:
    """Modules that an extra brings: the first of them, once all are imported.

    Parameters
    ----------
    extra
        Of this package, such as ``search``.
    by
        What needs them, as the beginning of a sentence.

    Raises
    ------
    InputError
        If one of them is not installed.
    """
    try:
        first, *_ = [import_module(module) for module in modules]
    except ImportError as error:
        missing = (error.name or modules[0]).partition(".")[0]
        raise InputError(f'{by} needs {missing}, not installed here; pip install "salm[{extra}]".') from error
    return first

"""The one exception for bad input: its message is a single line that says what was wrong, where, and what to do."""

__all__ = ["InputError"]


class InputError(ValueError):
    """Input from outside (a file, a sentence, an option) that cannot be used.

    The commands print its message as one line and exit with status 2; anything else is a fault of ours.
    """

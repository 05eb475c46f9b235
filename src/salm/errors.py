"""The one exception for bad input: its message is a single line that says what was wrong, where, and what to do."""

__all__ = ["InputError"]

_LONGEST = 1000


class InputError(ValueError):
    """Input from outside (a file, a sentence, an option) that cannot be used.

    The commands print its message as one line and exit with status 2; anything else is a fault of ours. Whatever is
    quoted in it, a message is one line, and of more than a thousand characters the middle is left out.
    """

    def __init__(self, message: str = "") -> None:
        line = " ".join(message.splitlines())
        super().__init__(line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 3 :]}")

"""The one exception for bad input: its message is a single line that says what was wrong, where, and what to do."""

__all__ = ["InputError", "one_line"]

_LONGEST = 1000


class InputError(ValueError):
    """Input from outside (a file, a sentence, an option) that cannot be used.

    The commands print its message, `one_line` whatever is quoted in it, and exit with status 2; anything else is a
    fault of ours.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


def one_line(message: str) -> str:
    """A message in one line; of more than a thousand characters the middle is left out."""
    line = " ".join(message.splitlines())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 3 :]}"

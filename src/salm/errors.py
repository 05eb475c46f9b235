"""The one exception for bad input: its message is a single line that says what was wrong, where, and what to do."""

__all__ = ["InputError", "check_text", "one_line"]

_LONGEST = 1000


class InputError(ValueError):
    """Input from outside (a file, a sentence, an option) that cannot be used.

    The commands print its message, `one_line` whatever is quoted in it, and exit with status 2; anything else is a
    fault of ours.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


def check_text(text: str) -> None:
    """Refuse what is no Unicode text, such as bytes of a command line that are no UTF-8.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{text!r} is no Unicode text; write it in UTF-8.") from error


def one_line(message: str) -> str:
    """A message in one line; of more than a thousand characters the middle is left out."""
    line = " ".join(message.splitlines())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 3 :]}"

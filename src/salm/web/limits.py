"""What one client, and all of them together, may ask of a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from salm.errors import InputError, check_text

__all__ = ["Limits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of a server; what is beyond them is refused in one line.

    Raises
    ------
    InputError
        If a bound leaves nothing.
    """

    max_mb: float = 200.0
    """Size of one upload, in millions of bytes."""
    max_s: float = 600.0
    """Length of one recording in seconds."""
    max_values: int = 250_000_000
    """Samples times channels of one recording; as floating point they take four bytes each."""
    places: int = 128
    """Requests that send something and are at work or wait, at once."""
    wait_s: float = 30.0
    """How long the next piece of an upload may take."""
    jobs: int = 8
    """Scans that run or wait, at once."""
    results: int = 16
    """Edits that can be fetched; the oldest is deleted when there are more. As many finished scans are remembered."""
    sentences: int = 100
    """Sentences in one request."""
    characters: int = 500
    """Length of one sentence."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value < inf:
                raise InputError(f"{name} is {value} but must be more than 0, and finite.")

    @property
    def max_bytes(self) -> int:
        """Size of one upload."""
        return round(self.max_mb * 1e6)

    def too_long(self, file: object) -> str:
        """What is said of a recording that is longer than it may be."""
        return f"{file} is longer than the {self.max_s:g} s that this server takes; salm serve --max-s takes more."

    def checked(self, sentences: Sequence[str], *, least: int = 1) -> list[str]:
        """Sentences without the blanks around them and without empty ones.

        Raises
        ------
        InputError
            If there are too few or too many, or one is too long or no Unicode text.
        """
        said = [sentence.strip() for sentence in sentences if sentence.strip()]
        if len(said) < least:
            raise InputError("there is no sentence; give at least one as text.")
        if len(said) > self.sentences:
            raise InputError(f"there are {len(said)} sentences; at most {self.sentences} are taken at once.")
        for sentence in said:
            check_text(sentence)
        longest = max(map(len, said), default=0)
        if longest > self.characters:
            raise InputError(f"a sentence has {longest} characters; at most {self.characters} are taken.")
        return said

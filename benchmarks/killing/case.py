"""What a command that is killed has to tell of itself."""

from pathlib import Path
from typing import Any, Protocol

from killing.digests import Digests, digests


class Wrong(Exception):  # noqa: N818
    """Something that must not be after a kill."""


class Case(Protocol):
    """One command, which writes into a folder."""

    def words(self, out: Path) -> list[str]:
        """What it is asked for."""

    def prepare(self) -> None:
        """What makes it smaller, in its own process."""

    def begin(self, out: Path) -> None:
        """What is there before."""

    def learn(self, out: Path) -> None:
        """What an undisturbed run leaves; comes first."""

    def look(self, out: Path) -> int:
        """How much is done, which must never become less; raises `Wrong` for what must not be seen."""

    def result(self, out: Path) -> dict[str, Any]:
        """What must be equal in the end; raises `Wrong` for what must not be there."""


class Plain:
    """A command whose files have the bytes of before or of an undisturbed run, whenever they are there."""

    def __init__(self) -> None:
        self.known: dict[str, set[str]] = {}

    def prepare(self) -> None:
        pass

    def begin(self, out: Path) -> None:
        out.mkdir()

    def learn(self, out: Path) -> None:
        for name, its in self.result(out).items():
            known = self.known.setdefault(name, set())
            if its in known:
                raise Wrong(f"{name} is still what was there before: the command does not write it")
            known.add(its)

    def look(self, out: Path) -> int:
        there = digests(out)
        for name, its in there.items():
            if its not in self.known.get(name, set()):
                raise Wrong(f"{name} is neither what was there before nor what an undisturbed run writes")
        return len(there)

    def result(self, out: Path) -> Digests:
        return digests(out)

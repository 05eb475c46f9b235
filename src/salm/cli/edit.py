"""``salm edit``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from salm.cli.command import Command, Out
from salm.cli.telling import complain, say

__all__ = ["Edit"]


@dataclass(frozen=True, kw_only=True)
class Edit(Command):
    """Move, turn or mirror a sound field by a sentence; the input is left alone."""

    file: Positional[Path]
    """A recording."""
    sentence: Positional[str]
    """Such as "move it to the left", "turn it 90 degrees clockwise", "swap left and right"."""
    out: Out
    """AmbiX file to write."""
    binaural: Path | None = None
    """Also write a headphone preview here."""
    facing: str = "north"
    """Where the front is on the compass."""

    def run(self) -> int:
        """Write the edited recording."""
        from salm.editing.sound import edit_file

        done = edit_file(self.file, self.sentence, self.out, binaural=self.binaural, facing=self.facing)
        for note in done["notes"]:
            complain(f"{self.file}: {note}")
        written = self.out if self.binaural is None else f"{self.out} and, for headphones, {self.binaural}"
        self.tell(done, lambda: say(f"{done['description']} Written: {written}"))
        return 0

"""``salm edit``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from salm.cli.command import Command, Format, plain
from salm.cli.telling import complain, say
from salm.errors import InputError

__all__ = ["Edit"]


@dataclass(frozen=True, kw_only=True)
class Edit(Command):
    """Move, turn, tilt, mirror or make louder by a sentence, and undo it; the input is left alone."""

    file: Positional[Path | None] = None
    """A recording."""
    sentence: Positional[str | None] = None
    """Such as "move it to the left", "turn it 90 degrees clockwise", "raise it by 20 degrees", "swap left and right",
    "make the left louder by 6 dB"."""
    out: Annotated[Path | None, arg(aliases=["-o"])] = None
    """AmbiX file to write; what was done is written beside it, as OUT.edit.json."""
    binaural: Path | None = None
    """Also write a headphone preview here."""
    dry_run: bool = False
    """Say what would be done, and write nothing."""
    undo: Path | None = None
    """Undo the edit that wrote this file: -o gets the original byte for byte, or what can be rebuilt of it."""
    guard: bool = True
    """Lower everything where the true peak would rise above -1 dB of full scale."""
    model_name: Annotated[str | None, arg(name="model")] = None
    """Locate the sound that moves with this model; left out, by intensity."""
    facing: str = "north"
    """Where the front is on the compass."""
    layout: Format = None
    """What the channels of the file are, where you know it: ambix, n3d, fuma, a-format, dcase-mic, em32."""

    def run(self) -> int:
        """Write the edited recording, say what would be written, or undo an edit."""
        if self.undo is not None:
            return self._undo(self.undo)
        if self.file is None or self.sentence is None:
            raise InputError(
                "give a recording and a sentence, such as: salm edit take.wav 'move it to the left' -o out.wav"
            )
        if self.out is None and not self.dry_run:
            raise InputError("give --out to write the edit, or --dry-run to be told what it would do.")
        from salm.editing.files import edit_file

        done = edit_file(
            self.file,
            self.sentence,
            self.out,
            dry_run=self.dry_run,
            binaural=self.binaural,
            facing=self.facing,
            model=None if self.model_name is None else self.model(self.model_name),
            guard=self.guard,
            layout=self.layout,
        )
        for note in done["notes"]:
            complain(f"{self.file}: {note}")
        self.tell(done, lambda: self._say(done))
        return 0

    def _say(self, done: dict[str, Any]) -> None:
        if self.dry_run:
            say(f"{done['description']} Nothing is written.")
            return
        written = self.out if self.binaural is None else f"{self.out} and, for headphones, {self.binaural}"
        say(f"{done['description']} Written: {written}")

    def _undo(self, record: Path) -> int:
        if self.file is not None or self.dry_run or self.binaural is not None:
            raise InputError("--undo takes the result of an edit and --out, and nothing else.")
        from salm.editing.files import undo_file

        undone = undo_file(record, self.out)
        self.tell(plain(undone), lambda: say(undone.description))
        return 0

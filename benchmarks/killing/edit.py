"""`salm edit`, killed."""

import shutil
from pathlib import Path

from killing.case import Plain, Wrong
from killing.digests import digest, digests
from killing.process import start
from killing.sounds import AMBIX, sound
from salm.editing.files import undo_file
from salm.errors import InputError


class Edit(Plain):
    """Over the edit of another recording, whose outputs are there; undoing always leads to the right original."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.take, self.before = sound(home / "take.wav", seconds=6, seed=1), home / "before"
        other = sound(home / "other.wav", seconds=6, seed=2)
        words = ["edit", str(other), "mirror it", *self._outputs(self.before)]
        start(words, home / "said", prepare=self.prepare).succeed()
        self.known = {name: {its} for name, its in digests(self.before).items()}

    @staticmethod
    def _outputs(out: Path) -> list[str]:
        return ["-o", str(out / "moved.flac"), "--binaural", str(out / "ears.wav"), *AMBIX]

    def words(self, out: Path) -> list[str]:
        return ["edit", str(self.take), "move it behind me", *self._outputs(out), "--json"]

    def begin(self, out: Path) -> None:
        shutil.copytree(self.before, out)

    def look(self, out: Path) -> int:
        done = super().look(out)
        is_new = digest(out / "moved.flac") != digest(self.before / "moved.flac")
        try:
            original = undo_file(out / "moved.flac").original
        except InputError:
            return done
        if original is None or original.name != ("take.wav" if is_new else "other.wav"):
            raise Wrong(f"moved.flac would be undone to {original}")
        return done

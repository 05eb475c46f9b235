"""`salm scan -o`, killed."""

from pathlib import Path

from killing.case import Plain
from killing.digests import digest
from killing.loading import with_loaded_model
from killing.sounds import AMBIX, sound


class Scan(Plain):
    """Over the files of an earlier scan."""

    TABLES = ("a.csv", "a.txt", "a.json")
    PICTURE = "a.svg"

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.take = sound(home / "take.wav", seconds=6, seed=1)

    def words(self, out: Path) -> list[str]:
        outputs = ["-o", *(str(out / name) for name in self.TABLES), "--plot", str(out / self.PICTURE)]
        return ["scan", str(self.take), *outputs, "--sentences", "rain", "dog", *AMBIX, "--json"]

    def prepare(self) -> None:
        with_loaded_model()

    def begin(self, out: Path) -> None:
        super().begin(out)
        for name in (*self.TABLES, self.PICTURE):
            (out / name).write_text("before", encoding="utf-8")
            self.known.setdefault(name, set()).add(digest(out / name))

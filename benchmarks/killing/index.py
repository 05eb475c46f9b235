"""`salm index add`, killed."""

import hashlib
import shutil
from pathlib import Path

import numpy as np

from killing.case import Wrong
from killing.digests import Digests
from killing.loading import with_loaded_model
from killing.process import start
from killing.sounds import AMBIX, sound
from salm.errors import InputError
from salm.library import adding, storage


class Index:
    """A library from which one file has gone, in which one has changed and one has moved, and to which ten come."""

    def __init__(self, home: Path) -> None:
        self.sounds, self.before = home / "sounds", home / "before"
        for seed in range(3):
            sound(self.sounds / f"{seed}.wav", seconds=1, seed=seed)
        start(self.words(self.before), home / "said", prepare=with_loaded_model).succeed()
        self.old = _windows(self.before)
        (self.sounds / "0.wav").unlink()
        sound(self.sounds / "1.wav", seconds=1, seed=9)
        (self.sounds / "2.wav").rename(self.sounds / "moved.wav")
        for seed in range(3, 13):
            sound(self.sounds / f"{seed}.wav", seconds=1, seed=seed, azimuth_deg=20.0 * seed)

    def words(self, out: Path) -> list[str]:
        return ["index", "add", str(self.sounds), "--to", str(out), *AMBIX, "--json"]

    def prepare(self) -> None:
        with_loaded_model()
        adding.FILES_A_PART, storage.MAX_PARTS = 2, 3

    def begin(self, out: Path) -> None:
        shutil.copytree(self.before, out)

    def learn(self, out: Path) -> None:
        self.new = self.result(out)

    def look(self, out: Path) -> int:
        """How many files have the windows of the end."""
        try:
            found = _windows(out)
        except InputError as error:
            raise Wrong(str(error)) from error
        for file, its in found.items():
            if its not in (self.old.get(file), self.new.get(file)):
                raise Wrong(f"{Path(file).name} has other windows than were heard in it")
        if lost := [file for file in self.old if file in self.new and file not in found]:
            raise Wrong(f"{Path(lost[0]).name} is lost")
        return sum(self.new.get(file) == its for file, its in found.items())

    def result(self, out: Path) -> Digests:
        manifest = storage.Storage(out).manifest()
        kept = {*(manifest.parts if manifest else ()), "library"}
        # What safetensors begins and is killed within is called .tmp and six letters, and is nobody's to delete.
        names = [path.name for path in out.iterdir() if not path.name.startswith(".tmp")]
        if stray := [name for name in names if name.split(".")[0] not in kept]:
            raise Wrong(f"{stray[0]} stays")
        if left := list(out.glob("*.part")):
            raise Wrong(f"{left[0].name} stays")
        return _windows(out)


def _windows(out: Path) -> Digests:
    """Every file with what is known of its windows, in one word."""
    contents = storage.Storage(out).contents()
    if contents is None:
        return {}
    return {file: _digest(contents.windows_of(file)) for file in contents.files}


def _digest(columns: tuple[np.ndarray, ...]) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(column).tobytes() for column in columns)).hexdigest()

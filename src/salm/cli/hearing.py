"""What is heard in a recording: ``salm locate``, ``rank`` and ``embed``."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from salm.cli.command import Command, Format, Out, check_picture
from salm.cli.telling import complain, counted, say, table
from salm.errors import InputError
from salm.whole import check_outputs

__all__ = ["Embed", "Locate", "Rank"]

_AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".caf", ".w64", ".rf64", ".aif", ".aiff", ".amb"})


@dataclass(frozen=True, kw_only=True)
class Locate(Command):
    """Where is it: azimuth, elevation, sector, how sure that is, and nothing where nothing can be known."""

    files: Positional[tuple[Path, ...]]
    """Recordings: Ambisonics, stereo or mono."""
    model_name: Annotated[str, arg(name="model")] = "small"
    """A model that ships, a folder, or a hub id."""
    method: Literal["model", "intensity"] = "model"
    """`intensity` is the un-learned direction and needs no weights."""
    windows: bool = False
    """One direction for every window of the model, not one for the file."""
    what: str | None = None
    """Also say how well each window fits these words, such as "a dog"."""
    front_deg: float = 0.0
    """Which way the listener's front is, as an azimuth of the microphone."""
    layout: Format = None
    """What the channels of the files are, where you know it: ambix, n3d, fuma, a-format, dcase-mic, em32."""
    widest_deg: float = 60.0
    """Say no direction if the cone that holds it with 90 % probability has a wider half angle; 180 always says one."""
    plot: Path | None = None
    """SVG picture to draw: a plan of the direction, with --windows direction against time, of several files a line
    each."""

    def run(self) -> int:
        """Locate every file; one bad file does not stop the rest."""
        from salm.model.locate import locate_file

        if not self.files:
            raise InputError("there is nothing to locate; give one or more audio files.")
        if self.method == "intensity" and (self.windows or self.what is not None):
            raise InputError("--windows and --what need the model; leave out --method intensity.")
        if not math.isfinite(self.front_deg):
            raise InputError(f"--front-deg is {self.front_deg} but must be a number of degrees.")
        if not 0 <= self.widest_deg <= 180:
            raise InputError(f"--widest-deg is {self.widest_deg} but must be from 0 to 180.")
        check_picture(self.plot)
        check_outputs([self.plot], inputs=self.files)
        locator = None if self.method == "intensity" else self.model(self.model_name)
        results = []
        for path in self.files:
            try:
                found = locate_file(
                    path,
                    locator,
                    windows=self.windows,
                    what=self.what,
                    front_deg=self.front_deg,
                    layout=self.layout,
                    widest_deg=self.widest_deg,
                )
                results.append({"file": str(path), "error": None, **found})
            except InputError as error:
                results.append({"file": str(path), "error": str(error), "windows": []})
                complain(str(error))
            if not self.json:
                _print_located(results[-1])
            for note in results[-1].get("notes", []):
                complain(f"{path}: {note}")
        if self.plot is not None:
            from salm.pictures.drawing import write_drawing
            from salm.pictures.located import located_picture

            write_drawing(self.plot, located_picture(results))
        self.tell({"front_deg": self.front_deg, "files": results}, lambda: None)
        return 2 if any(result["error"] for result in results) else 0


@dataclass(frozen=True, kw_only=True)
class Rank(Command):
    """Which sentence fits a recording, with what and where scored apart."""

    file: Positional[Path]
    """A recording."""
    text: Positional[tuple[str, ...]]
    """Sentences."""
    model_name: Annotated[str, arg(name="model")] = "small"
    """A model that ships, a folder, or a hub id."""
    layout: Format = None
    """What the channels of the file are, where you know it: ambix, n3d, fuma, a-format, dcase-mic, em32."""

    def run(self) -> int:
        """Print the sentences, best first."""
        if not self.text:
            raise InputError("there is no sentence to rank; give one or more after the file.")
        recording = self.recording(self.file, self.layout)
        ranking = [asdict(item) for item in self.model(self.model_name).rank(recording, self.text)]
        document = {"file": str(self.file), "ranking": ranking, "notes": list(recording.notes)}
        self.tell(document, lambda: table(ranking))
        return 0


@dataclass(frozen=True, kw_only=True)
class Embed(Command):
    """Embeddings of recordings and sentences, as npz, with the model's digest."""

    inputs: Positional[tuple[str, ...]]
    """Audio files; everything that is not a file is a sentence."""
    out: Out
    """Where to write: keys joint, semantic, spatial (recordings), text (sentences), files, sentences, model."""
    model_name: Annotated[str, arg(name="model")] = "small"
    """A model that ships, a folder, or a hub id."""
    layout: Format = None
    """What the channels of the files are, where you know it: ambix, n3d, fuma, a-format, dcase-mic, em32."""

    def run(self) -> int:
        """Write the embeddings."""
        from salm.model.inference import save_embeddings

        files = [text for text in self.inputs if _is_file(text)]
        sentences = [text for text in self.inputs if not _is_file(text)]
        if not self.inputs:
            raise InputError("there is nothing to embed; give audio files or sentences.")
        check_outputs([self.out], inputs=files)
        model = self.model(self.model_name)
        recordings = [self.recording(path, self.layout) for path in files]
        save_embeddings(self.out, model, recordings=recordings, files=files, sentences=sentences)
        notes = {file: list(recording.notes) for file, recording in zip(files, recordings, strict=True)}
        document = {
            "out": str(self.out),
            "files": files,
            "sentences": sentences,
            "model": model.digest,
            "notes": notes,
        }
        counts = f"{counted(len(files), 'recording')} and {counted(len(sentences), 'sentence')}"
        self.tell(document, lambda: say(f"{counts} in {self.out}"))
        return 0


def _is_file(text: str) -> bool:
    """Whether an input is meant as a file: it exists, or it looks like a path to audio."""
    try:
        return Path(text).exists() or (" " not in text and Path(text).suffix.lower() in _AUDIO_SUFFIXES)
    except OSError:
        return False


def _print_located(result: dict[str, Any]) -> None:
    from salm.frame import wrap_deg

    for place in result["windows"]:
        span = f"{place['start_s']:7.1f}-{place['end_s']:.1f} s"
        fit = f", fits {place['what']:+.2f}" if "what" in place else ""
        if place["azimuth_deg"] is None:
            where = f"no direction: {place['reason']}{fit}"
        else:
            # Wrapped after rounding, so that what is behind is +180 and never -180; and nothing is -0.
            angle = f"azimuth {wrap_deg(round(place['azimuth_deg'])):+.0f}"
            height = "" if place["elevation_deg"] is None else f", elevation {round(place['elevation_deg']):+d}"
            doubt = f"; {place['reason']}" if place["reason"] else ""
            cone = "" if place["cone_deg"] is None else f", ±{place['cone_deg']:.0f}°"
            where = f"{place['sector']}, {angle}{height}{cone}, confidence {place['confidence']:.2f}{fit}{doubt}"
        say(f"{result['file']} {span}  {where}")

"""Timelines of long recordings: ``salm scan``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from salm.cli.command import Command, Format, check_picture
from salm.cli.telling import Bar, complain, counted, say
from salm.errors import InputError
from salm.whole import check_outputs

if TYPE_CHECKING:
    from salm.model.inference import Model
    from salm.scanning.event import Event
    from salm.scanning.formats import TimelineFormat
    from salm.scanning.timeline import Timeline

__all__ = ["Scan"]

_ENDINGS = {"dcase": ".csv", "audacity": ".txt", "reaper": ".csv", "json": ".json"}


@dataclass(frozen=True, kw_only=True)
class Scan(Command):
    """Timeline of a long recording: what is heard from where, from when to when."""

    files: Positional[tuple[Path, ...]]
    """Recordings of any length: Ambisonics, stereo or mono."""
    out: Annotated[tuple[Path, ...], arg(aliases=["-o"])] = ()
    """Files to write the events to, or for several recordings one folder; left out, they are printed."""
    # As `salm.scanning.formats.TimelineFormat`, whose import would make every command wait.
    out_format: Literal["dcase", "audacity", "reaper", "json"] | None = None
    """What to write; left out, by the ending: .csv is DCASE rows, .txt Audacity labels, .json everything."""
    plot: Path | None = None
    """SVG picture to draw, direction against time; for several recordings a folder."""
    sentences: Annotated[tuple[str, ...], arg(aliases=["--sentence"])] = ()
    """What may be heard, or text files with one sentence a line; each event is told which fit best."""
    top: int = 3
    """How many of the sentences each event has."""
    method: Literal["model", "intensity"] = "model"
    """`intensity` only finds events and needs no weights."""
    model_name: Annotated[str, arg(name="model")] = "small"
    """A model that ships, a folder, or a hub id."""
    gate_db: float = -70.0
    """Level in dB of full scale below which all is silence."""
    front_deg: float = 0.0
    """Which way the listener's front is, as an azimuth of the microphone."""
    layout: Format = None
    """What the channels of the files are, where you know it: ambix, n3d, fuma."""

    def run(self) -> int:
        """Scan every file; one bad file does not stop the rest."""
        if not self.files:
            raise InputError("there is nothing to scan; give one or more audio files.")
        if self.method == "intensity" and self.sentences:
            raise InputError("--sentences need the model; leave out --method intensity.")
        sentences = _sentences(self.sentences)
        self._check_outputs()
        model = None if self.method == "intensity" else self.model(self.model_name)
        results = []
        for path in self.files:
            result: dict[str, Any] = {"file": str(path), "error": None}
            try:
                timeline = self._scanned(path, model, sentences)
                result |= {**timeline.to_dict(), "written": self._written(path, timeline)}
            except InputError as error:
                result |= {"error": str(error), "events": []}
                complain(str(error))
            results.append(result)
        self.tell({"files": results}, lambda: None)
        return 2 if any(result["error"] for result in results) else 0

    def _check_outputs(self) -> None:
        """Refuse what could not be written before hours are spent on it."""
        from salm.scanning.formats import format_of

        if len(self.files) == 1:
            if self.out_format is None:
                for path in self.out:
                    format_of(path)
            check_picture(self.plot)
        elif len(self.out) > 1 or any(path.suffix for path in (*self.out, self.plot) if path is not None):
            raise InputError(f"there are {len(self.files)} recordings; give one folder with -o, and one with --plot.")
        stems = [path.stem for path in self.files]
        twice = next((stem for stem in stems if stems.count(stem) > 1), None)
        if twice is not None and (self.out or self.plot):
            raise InputError(f"two of the recordings are called {twice}; scan them one by one.")
        outputs = [out for path in self.files for out in self._outputs(path)]
        check_outputs(outputs, inputs=[*self.files, *filter(_is_list, self.sentences)])

    @property
    def _form(self) -> "TimelineFormat | None":
        """What to write; None goes by the ending."""
        return self.out_format or ("dcase" if len(self.files) > 1 else None)

    def _outputs(self, path: Path) -> list[Path]:
        """Files to write of one recording, the picture last."""
        if len(self.files) == 1 or self._form is None:
            return [*self.out, *([self.plot] if self.plot else [])]
        tables = [out / f"{path.stem}{_ENDINGS[self._form]}" for out in self.out]
        return [*tables, *([self.plot / f"{path.stem}.svg"] if self.plot else [])]

    def _scanned(self, path: Path, model: "Model | None", sentences: tuple[str, ...]) -> "Timeline":
        from salm.scanning.timeline import scan

        with Bar(f"scanning {path.name}", unit="s") as bar:
            timeline = scan(
                path,
                model,
                sentences,
                layout=self.layout,
                front_deg=self.front_deg,
                gate_db=self.gate_db,
                top=self.top,
                progress=lambda done_s, total_s: bar(round(done_s), round(total_s)),
            )
        for note in timeline.notes:
            complain(f"{path}: {note}")
        return timeline

    def _written(self, path: Path, timeline: "Timeline") -> list[str]:
        """Write and print what is asked for; the files that were written."""
        from salm.pictures.drawing import write_drawing
        from salm.pictures.timeline import timeline_picture
        from salm.scanning.formats import write_timeline

        outs = self._outputs(path)
        for out in outs[: len(self.out)]:
            write_timeline(out, timeline, self._form)
        for plot in outs[len(self.out) :]:
            write_drawing(plot, timeline_picture(timeline))
        if not self.json:
            _print_timeline(timeline, outs)
        return [str(out) for out in outs]


def _is_list(text: str) -> bool:
    """Whether a sentence is the name of a file of sentences."""
    return Path(text).suffix.lower() == ".txt"


def _sentences(given: tuple[str, ...]) -> tuple[str, ...]:
    """Sentences as they are, and those of the text files among them."""
    sentences: list[str] = []
    for text in given:
        if not _is_list(text):
            sentences.append(text)
            continue
        try:
            lines = [line.strip() for line in Path(text).read_text(encoding="utf-8-sig").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{text} cannot be read as a list of sentences in UTF-8, one a line.") from error
        if not any(lines):
            raise InputError(f"{text} holds no sentences; write one a line.")
        sentences += filter(None, lines)
    return tuple(sentences)


def _print_timeline(timeline: "Timeline", outs: list[Path]) -> None:
    if not outs:
        for event in timeline.events:
            say(_line(event))
    found = f"{counted(len(timeline.events), 'event')} in {timeline.duration_s:.1f} s"
    where = f", written to {', '.join(map(str, outs))}" if outs else ""
    say(f"{timeline.file}: {found}{where}")


def _line(event: "Event") -> str:
    from salm.frame import wrap_deg

    times = f"{_clock(event.onset_s)}-{_clock(event.offset_s)}  track {event.track}"
    if event.azimuth_deg is None:
        where = "no direction"
    else:
        height = "" if event.elevation_deg is None else f", elevation {round(event.elevation_deg):+d}"
        cone = "" if event.cone_deg is None else f", ±{event.cone_deg:.0f}°"
        moves = f", moves to {round(event.path[-1].azimuth_deg):+d}" if event.path else ""
        where = f"{event.sector}, azimuth {wrap_deg(round(event.azimuth_deg)):+.0f}{height}{cone}{moves}"
    name = "".join(f"  {fit.sentence} ({fit.share:.0%}, cosine {fit.cosine:.2f})" for fit in event.fits[:1])
    return f"{times}  {where}{name}"


def _clock(time_s: float) -> str:
    tenths = round(time_s * 10)
    return f"{tenths // 36000}:{tenths // 600 % 60:02d}:{tenths % 600 / 10:04.1f}"

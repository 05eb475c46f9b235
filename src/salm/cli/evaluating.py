"""``salm evaluate``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from salm.cli.command import Command, Layout, ResponseLayout, at_least, check_picture, chosen_rows
from salm.cli.telling import complain, scene_bar
from salm.errors import InputError
from salm.whole import check_outputs, written_whole

if TYPE_CHECKING:
    from salm.acoustics.measured.base import ResponseSet
    from salm.evaluation.protocol import FieldRecordings

__all__ = ["Evaluate"]

# As `salm.scenes.recordings.RecordingLayout`, whose import would make every command wait.
RecordingLayout = Literal[
    "folder", "starss22", "starss23", "dcase22-synth", "tau-nigens-2020", "tau-nigens-2021", "tut-2018", "tau-2019"
]


@dataclass(frozen=True, kw_only=True)
class Evaluate(Command):
    """Measure a model on simulated scenes, measured rooms and recordings, beside the un-learned baselines."""

    model_name: Positional[str]
    """A model that ships, a folder, or a hub id."""
    protocol: Literal["default", "paper"] = "default"
    """Scenes that all differ with controls, or the galleries and sentences of the paper's tables."""
    table: Literal["1", "2", "3", "all"] | None = None
    """Table 1 (retrieval, localisation), 2 (zero-shot direction), 3 (editing) or all three; left out, everything."""
    corpus: Path | None = None
    """Folder with sounds and a manifest; left out, the built-in procedural sounds."""
    layout: Layout = "manifest"
    """How the corpus is laid out, if it is a published one and has no manifest."""
    split: str = "test"
    """Split of the corpus."""
    rows: tuple[str, ...] = ()
    """Only rows of the manifest with these values, as COLUMN=VALUE."""
    scenes: int | None = None
    """Scenes to draw; left out, 500, or with --protocol paper all clips at three positions each."""
    jitter: Literal["wide", "narrow"] | None = None
    """With --protocol paper, how far sounds are off their sectors' centres; left out, wide, which leaves no gaps."""
    scene_file: Path | None = None
    """With --protocol paper, what `salm scenes make` wrote, instead of scenes drawn now; it names its own corpus."""
    spatial_captions: Path | None = None
    """What `salm scenes rephrase` wrote of it, instead of the sentence that was handed to the language model."""
    responses: Path | None = None
    """Measured room responses to evaluate through besides, in tables of their own."""
    responses_layout: ResponseLayout | None = None
    """How they are laid out; left out, folder."""
    responses_split: str | None = None
    """Only the rooms of this split, of a layout that has splits."""
    recordings: Path | None = None
    """Labelled recordings to evaluate on besides, where one source sounds alone, in tables of their own."""
    recordings_layout: RecordingLayout | None = None
    """How they are laid out; left out, folder."""
    recordings_split: str | None = None
    """Only recordings of this split."""
    min_s: float | None = None
    """Shortest stretch of a recording with a single source, in seconds; left out, 1."""
    seed: int = 0
    """Of everything."""
    out_format: Literal["text", "markdown", "latex"] | None = None
    """How the tables are written; left out, text."""
    out: Path | None = None
    """File for the tables instead of standard output."""
    plot: Path | None = None
    """SVG picture to draw: errors beside the baselines', by direction, recall, zero-shot direction and confidence."""

    def run(self) -> int:
        """Evaluate and print the tables."""
        from salm.evaluation.made import open_made
        from salm.evaluation.protocol import evaluate
        from salm.scenes.corpora import open_corpus

        at_least(0, seed=self.seed)
        self._check()
        rows, made = chosen_rows(self.rows), None
        if self.scene_file is not None:
            corpus, made = open_made(self.scene_file, split=self.split, captions=self.spatial_captions)
        else:
            corpus = open_corpus(self.corpus, split=self.split, layout=self.layout, rows=rows)
        responses, field = self._responses(), self._field()
        model = self.model(self.model_name)
        report = evaluate(
            model,
            corpus,
            protocol=self.protocol,
            tables=self._tables(),
            scenes=self.scenes,
            seed=self.seed,
            rows=rows,
            ranges=self._ranges(),
            responses=responses,
            field=field,
            made=made,
            progress=scene_bar,
        )
        self._write(report)
        if self.plot is not None:
            from salm.pictures.drawing import write_drawing
            from salm.pictures.evaluated import evaluation_picture

            write_drawing(self.plot, evaluation_picture(report))
        self.tell(report, lambda: self._show(report))
        if self.corpus is None and made is None:
            complain("no --corpus was given: these are synthesised sounds, which say little of real ones.")
        return 0

    def _check(self) -> None:
        check_picture(self.plot)
        check_outputs([self.out, self.plot], inputs=[self.scene_file, self.spatial_captions])
        if self.plot is not None and self.table == "3":
            raise InputError("--plot has no picture of table 3 alone; ask for another table too, or leave it out.")
        if self.jitter is not None and self.protocol != "paper":
            raise InputError("--jitter belongs to --protocol paper; the default protocol leaves no gaps.")
        if self.scene_file is not None:
            self._check_made()
        if self.min_s is not None and not self.min_s > 0:
            raise InputError(f"--min-s is {self.min_s:g} but must be positive.")
        for needed, options in (
            ("responses", ("responses_layout", "responses_split")),
            ("recordings", ("recordings_layout", "recordings_split", "min_s")),
            ("scene_file", ("spatial_captions",)),
        ):
            if getattr(self, needed) is None and (given := [o for o in options if getattr(self, o) is not None]):
                raise InputError(f"{_option(given[0])} needs {_option(needed)}; give that too, or leave it out.")

    def _check_made(self) -> None:
        if self.protocol != "paper":
            raise InputError("--scene-file belongs to --protocol paper; the default protocol draws its scenes.")
        if given := [o for o in ("corpus", "rows", "jitter") if getattr(self, o)]:
            raise InputError(f"--{given[0]} does not go with --scene-file, which says what its scenes are of.")

    def _tables(self) -> tuple[int, ...]:
        if self.table is None:
            return ()
        return (1, 2, 3) if self.table == "all" else (int(self.table),)

    def _ranges(self) -> Any:
        from salm.scenes.recipes import JITTERS

        return None if self.jitter is None else JITTERS[self.jitter]

    def _responses(self) -> "ResponseSet | None":
        from salm.acoustics.measured import open_responses

        if self.responses is None:
            return None
        return open_responses(self.responses, layout=self.responses_layout or "folder", split=self.responses_split)

    def _field(self) -> "FieldRecordings | None":
        from salm.evaluation.protocol import FieldRecordings
        from salm.scenes.recordings import open_recordings

        if self.recordings is None:
            return None
        layout = self.recordings_layout or "folder"
        recordings = open_recordings(self.recordings, layout=layout, split=self.recordings_split)
        return FieldRecordings(recordings) if self.min_s is None else FieldRecordings(recordings, min_s=self.min_s)

    def _write(self, report: dict[str, Any]) -> None:
        from salm.evaluation.report import FORMATS

        if self.out is not None:
            with written_whole(self.out) as part:
                part.write_text(FORMATS[self.out_format or "text"](report), encoding="utf-8")

    def _show(self, report: dict[str, Any]) -> None:
        from salm.cli.telling import say
        from salm.evaluation.report import FORMATS, print_report

        if self.out is not None:
            say(str(self.out))
        elif self.out_format in (None, "text"):
            print_report(report)
        else:
            say(FORMATS[self.out_format or "text"](report).rstrip("\n"))


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"

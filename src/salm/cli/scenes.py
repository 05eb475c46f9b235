"""Scenes as data: ``salm scenes make``, ``show``, ``export`` and ``rephrase``."""

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from salm.cli.command import Command, Layout, Out, ResponseLayout, at_least
from salm.cli.telling import complain, counted, facts, say, scene_bar, table
from salm.errors import InputError
from salm.whole import check_outputs

if TYPE_CHECKING:
    from salm.acoustics.measured import ResponsesFrom
    from salm.scenes.histogram import Histogram
    from salm.scenes.rephrase.backends import Backend
    from salm.scenes.sample import SceneRanges
    from salm.scenes.scene import Scene, Source
    from salm.scenes.storage import SceneTable
    from salm.scenes.summary import SceneSummary

__all__ = ["ScenesExport", "ScenesMake", "ScenesRephrase", "ScenesShow"]


_OF_RANGES = ("sources", "moving", "ambience")
_OF_RESPONSES = ("responses_layout", "responses_share", "responses_channels", "responses_split", "responses_rooms")


@dataclass(frozen=True, kw_only=True)
class ScenesMake(Command):
    """Draw scenes as JSON lines: some from a corpus, or all of one of the paper's data sets."""

    recipe: Positional[str] = ""
    """Data set of the paper, sclotho or saudiocaps, to make from a copy of its corpus; left out, any corpus."""
    out: Out
    """File to write, one scene a line."""
    root: Path | None = None
    """Folder with Clotho's or AudioCaps' tables and audio, for a data set of the paper."""
    jitter: Literal["wide", "narrow"] | None = None
    """How far sounds of a data set are off their sectors' centres; left out, wide, which leaves no gaps."""
    corpus: Path | None = None
    """Folder with sounds and a manifest; left out, the built-in procedural sounds."""
    layout: Layout | None = None
    """How the corpus is laid out, if it is a published one and has no manifest."""
    split: str | None = None
    """Split of the corpus; left out, train."""
    count: int | None = None
    """Scenes to draw from the corpus; left out, 100."""
    sources: tuple[float, float, float] | None = None
    """Shares of scenes with one, two and three sources; left out, all have one."""
    moving: float | None = None
    """Share of sources that move; left out, none."""
    ambience: float | None = None
    """Share of scenes with a background from everywhere; left out, none."""
    ranges: Path | None = None
    """File of a training run: scenes are drawn from what its table `scenes` says."""
    responses: Path | None = None
    """Folder or SOFA file with measured responses, through which a share of the scenes sounds."""
    responses_layout: ResponseLayout | None = None
    """How the responses are laid out; left out, a folder of audio files with responses.csv."""
    responses_share: float | None = None
    """Share of the scenes that sound through measured responses; left out, a half."""
    responses_channels: str | None = None
    """What their files hold, such as n3d or em32; left out, what the layout says."""
    responses_split: str | None = None
    """Split of TAU-SRIR DB: train or test."""
    responses_rooms: tuple[str, ...] = ()
    """Only these rooms of the responses; left out, all."""
    seed: int = 0
    """Of everything."""

    def run(self) -> int:
        """Write the scenes."""
        at_least(0, seed=self.seed)
        return self._of_recipe() if self.recipe else self._of_corpus()

    def _of_corpus(self) -> int:
        from salm.scenes.make import make_scenes

        check_outputs([self.out], inputs=[self.corpus, self.ranges, self.responses])

        self._refuse("root", "jitter", because="belongs to a data set of the paper; name sclotho or saudiocaps too")
        count = 100 if self.count is None else self.count
        at_least(1, count=count)
        split = "train" if self.split is None else self.split
        layout = self.layout or "manifest"
        count = make_scenes(
            self.out,
            corpus=self.corpus,
            layout=layout,
            split=split,
            count=count,
            seed=self.seed,
            ranges=self._ranges(),
            measured=self._measured(),
        )
        self.tell({"out": str(self.out), "scenes": count}, lambda: say(f"{counted(count, 'scene')} in {self.out}"))
        return 0

    def _ranges(self) -> "SceneRanges":
        from salm.scenes.sample import SceneRanges
        from salm.training.config import read_scene_ranges

        ranges = SceneRanges() if self.ranges is None else read_scene_ranges(self.ranges)
        own = {name: getattr(self, name) for name in _OF_RANGES if getattr(self, name) is not None}
        return replace(ranges, **own)

    def _measured(self) -> "tuple[ResponsesFrom, float] | None":
        from salm.acoustics.measured import ResponsesFrom
        from salm.scenes.storage import MEASURED_SHARE

        if self.responses is None:
            self._refuse(*_OF_RESPONSES, because="needs --responses, where they are")
            return None
        share = MEASURED_SHARE if self.responses_share is None else self.responses_share
        if not 0 <= share <= 1:
            raise InputError(f"--responses-share is {share} but must be from 0 to 1.")
        named = ResponsesFrom(
            path=str(self.responses),
            layout=self.responses_layout or "folder",
            channels=self.responses_channels,
            split=self.responses_split,
            rooms=self.responses_rooms,
        )
        return named, share

    def _of_recipe(self) -> int:
        from salm.scenes.recipes import make_recipe

        because = f"does not go with {self.recipe}, which is every clip below --root"
        own = ("corpus", "layout", "split", "count", "ranges", "responses", *_OF_RANGES, *_OF_RESPONSES)
        self._refuse(*own, because=because)
        if self.root is None:
            raise InputError(f"{self.recipe} needs --root, the folder with a copy of its corpus.")
        made = make_recipe(self.recipe, self.root, self.out, seed=self.seed, jitter=self.jitter or "wide")
        rows, clips, missing = made["rows"], made["clips"], made["missing"]
        lacking = f"; {missing} left out for want of audio"
        summary = f"{counted(rows, 'scene')} of {counted(clips, 'clip')} in {self.out}{lacking if missing else ''}"
        document = {"out": str(self.out), "scenes": rows, "clips": clips, "missing": missing}
        self.tell(document, lambda: say(summary))
        return 0

    def _refuse(self, *options: str, because: str) -> None:
        if given := [option for option in options if getattr(self, option) not in (None, ())]:
            raise InputError(f"--{given[0].replace('_', '-')} {because}.")


@dataclass(frozen=True, kw_only=True)
class ScenesShow(Command):
    """Look at drawn scenes."""

    file: Positional[Path]
    """What `salm scenes make` wrote."""
    out: Annotated[Path | None, arg(aliases=["-o"])] = None
    """File to draw a page into: counts, histograms, and some scenes from above with their captions."""
    limit: int = 10
    """Scenes to show: the first ones in the table, any of them on the page."""
    seed: int = 0
    """Of which scenes the page draws, and of the phrasings of their captions."""

    def run(self) -> int:
        """Count the scenes, print the first ones, and draw the page if it is asked for."""
        from salm.scenes.storage import SceneTable
        from salm.scenes.summary import summarise

        at_least(1, limit=self.limit)
        at_least(0, seed=self.seed)
        check_outputs([self.out], inputs=[self.file])
        scenes = SceneTable(self.file)
        summary = summarise(scene_bar(scenes, "counting"))
        splits = scenes.count_splits()
        first = scenes[: self.limit]
        document = {
            "scenes": [scene.to_dict() for scene in first],
            "head": scenes.head,
            "splits": splits,
            "summary": summary.to_dict(),
            "out": None if self.out is None else str(self.out),
        }
        if self.out is not None:
            self._draw(self.out, scenes, summary)
        self.tell(document, lambda: self._print(first, summary, splits))
        return 0

    def _draw(self, out: Path, scenes: "SceneTable", summary: "SceneSummary") -> None:
        from salm.pictures.page import write_page
        from salm.pictures.scenes_page import scenes_page

        samples = [(row, scenes[row]) for row in scenes.sample_rows(self.limit, seed=self.seed)]
        page = scenes_page(self.file.name, scenes.head, scenes.count_splits(), summary, samples, seed=self.seed)
        write_page(out, page)

    def _print(self, first: "list[Scene]", summary: "SceneSummary", splits: dict[str, int]) -> None:
        facts(_lines_of(summary, splits))
        if self.out is not None:
            say(f"drawn in {self.out}")
            return
        say("")
        table([_row(source) for scene in first for source in scene.sources])


def _row(source: "Source") -> dict[str, Any]:
    """A source without its path, which is no cell of a table."""
    values = {**vars(source), "moves": "yes" if source.path else None}
    del values["path"]
    return values


def _lines_of(summary: "SceneSummary", splits: dict[str, int]) -> dict[str, str]:
    """The numbers of scenes for people, a line each; what there is nothing of is left out."""
    kinds = {"simulated": summary.simulated, "measured": summary.measured, "free field": summary.free_field}
    of_each = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    lines = {
        "scenes": f"{summary.scenes:,}{f' ({of_each})' if of_each else ''}",
        "splits": _counted_each(splits) if any(splits) else "",
        "responses": _counted_each(summary.responses),
        "sources": ", ".join(f"{number} in {count:,}" for number, count in summary.sources.items()),
        "moving": f"{summary.moving:,}" if summary.moving else "",
        "sectors": _counted_each(summary.sectors),
        "heights": _counted_each(summary.heights),
        "distance": _range(summary.distance_m, "m"),
        "RT60": _range(summary.rt60_s, "s"),
        "floor area": _range(summary.floor_area_m2, "m²"),
        "noise": _range(summary.noise_db, "dB"),
        "over ambience": _range(summary.ambience_snr_db, "dB"),
        "length": _range(summary.duration_s, "s"),
        "captions": f"{summary.captions:,} different",
    }
    return {name: line for name, line in lines.items() if line}


def _counted_each(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _range(histogram: "Histogram", unit: str) -> str:
    if histogram.mean is None:
        return ""
    unknown = f", {histogram.unknown:,} without" if histogram.unknown else ""
    return f"{histogram.least:.4g} to {histogram.most:.4g} {unit}, mean {histogram.mean:.4g}{unknown}"


@dataclass(frozen=True, kw_only=True)
class ScenesExport(Command):
    """Render drawn scenes into shards for WebDataset with a Parquet table, or go on with that."""

    file: Positional[Path]
    """What `salm scenes make` wrote."""
    out: Out
    """Folder for the shards; those that are finished are kept."""
    shard_scenes: int = 500
    """Scenes of a shard."""
    workers: int = 0
    """Processes to render with; 0 is one for each processor."""
    ray: str | None = None
    """Render on a Ray cluster instead: auto, which is this machine's, or its address."""

    def run(self) -> int:
        """Write the shards; scenes whose sound cannot be read are named and left out."""
        from salm.scenes.export import export_scenes
        from salm.scenes.workers import ProcessPool, RayCluster

        at_least(1, shard_scenes=self.shard_scenes)
        at_least(0, workers=self.workers)
        if self.workers and self.ray is not None:
            raise InputError("--workers does not go with --ray, whose cluster has workers of its own.")
        workers = ProcessPool(self.workers or None) if self.ray is None else RayCluster(self.ray)
        done = export_scenes(self.file, self.out, shard_scenes=self.shard_scenes, workers=workers)
        for item in done.skipped:
            complain(f"{item.reason} {counted(len(item.rows), 'scene')} left out, the first in row {item.rows[0]}.")
        if done.lowered:
            complain(f"{counted(done.lowered, 'recording')} beyond full scale, written lower; see gain_db.")
        document = {
            "out": str(self.out),
            "shards": done.shards,
            "recordings": done.recordings,
            "lowered": done.lowered,
            "skipped": done.scenes_skipped,
            "failed": [asdict(item) for item in done.skipped],
        }
        counts = f"{counted(done.recordings, 'recording')} in {counted(done.shards, 'shard')}"
        lacking = f", {counted(done.scenes_skipped, 'scene')} left out" if done.skipped else ""
        self.tell(document, lambda: say(f"{counts}{lacking} in {self.out}"))
        return 2 if done.skipped else 0


@dataclass(frozen=True, kw_only=True)
class ScenesRephrase(Command):
    """Spatial captions of drawn scenes by a language model, each checked; a template where it fails; resumes."""

    file: Positional[Path]
    """What `salm scenes make` wrote."""
    out: Out
    """File of captions, one a line; if it is there, what is missing is added."""
    backend: Literal["template", "server", "transformers"] = "template"
    """No model at all; a server that speaks OpenAI's protocol (llama.cpp, Ollama, vLLM); a model in this process."""
    model_name: Annotated[str, arg(name="model")] = "meta-llama/Llama-3.2-3B-Instruct"
    """What the server calls the model, or a folder or hub id; left out, the paper's."""
    url: str = "http://localhost:8080/v1"
    """Where the server is."""
    key_variable: str | None = None
    """Environment variable with the server's key, if it wants one."""
    prompt: Literal["paper", "code", "examples"] = "paper"
    """The paper's own; that of its code line, with a system turn; or one that shows three answers first."""
    vocabulary: Literal["listener", "compass", "clock"] = "compass"
    """Words for directions; left out, the paper's."""
    facing: str = "south"
    """Where the front is on the compass; left out, as in the paper's code line."""
    every_caption: bool = False
    """All captions that the corpus has of a scene's sound, not only the scene's own."""
    limit: int | None = None
    """Only so many scenes from the beginning."""
    tries: int = 3
    """How often the model is asked for one caption before a template takes its place."""
    temperature: float = 0.2
    """Of sampling; left out, the paper's."""
    max_tokens: int = 128
    """Longest answer; models that think aloud first need more."""
    concurrency: int = 4
    """Requests that a server gets at once."""
    timeout_s: float = 120.0
    """How long an answer of a server may take."""
    seed: int = 0
    """Of everything."""

    def run(self) -> int:
        """Write the captions."""
        from salm.scenes.rephrase.ask import Asker, AskSettings
        from salm.scenes.rephrase.run import rephrase_scenes

        at_least(1, concurrency=self.concurrency, **({} if self.limit is None else {"limit": self.limit}))
        settings = AskSettings(
            prompt=self.prompt,
            vocabulary=self.vocabulary,
            facing=self.facing,
            temperature=self.temperature,
            tries=self.tries,
            max_tokens=self.max_tokens,
            seed=self.seed,
        )
        done = rephrase_scenes(
            self.file,
            self.out,
            Asker(backend=self._opened(), settings=settings),
            every_caption=self.every_caption,
            limit=self.limit,
            concurrency=self.concurrency if self.backend == "server" else 1,
        )
        self.tell(done, lambda: _print_rephrased(done))
        return 0

    def _opened(self) -> "Backend | None":
        if self.backend == "server":
            from salm.scenes.rephrase.server import ServerBackend

            key = None if self.key_variable is None else os.environ.get(self.key_variable)
            if self.key_variable is not None and not key:
                raise InputError(f"--key-variable {self.key_variable}: there is no such environment variable.")
            return ServerBackend(self.url, model=self.model_name, key=key, timeout_s=self.timeout_s)
        if self.backend == "transformers":
            from salm.scenes.rephrase.local import TransformersBackend

            return TransformersBackend(self.model_name, device=self.device)
        return None


def _print_rephrased(done: dict[str, Any]) -> None:
    speed = "" if done["captions_per_s"] is None else f", {done['captions_per_s']:.3g} a second"
    say(f"{counted(done['captions'], 'caption')} in {done['out']}, {done['new']} of them new{speed}")
    if done["acceptance"] is not None:
        refused = ", ".join(f"{check} {count}" for check, count in done["refused"].items())
        say(
            f"accepted {done['acceptance']:.1%} ({done['acceptance_at_first']:.1%} at first), "
            f"templates for {done['templates']}{f'; answers refused: {refused}' if refused else ''}"
        )

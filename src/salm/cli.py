"""The commands: each a few lines over the library, which can do everything that they do.

With ``--json`` a command prints one JSON document on standard output; everything else goes to standard error. Exit
status: 0 done, 2 wrong usage or bad input with one clear line, 1 a fault of ours.
"""

import difflib
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import OmitArgPrefixes, Positional, arg

import salm
from salm.errors import InputError

if TYPE_CHECKING:
    from salm.model.inference import Model
    from salm.model.ledger import Report
    from salm.scenes.rephrase.backends import Backend

__all__ = ["main"]

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".caf", ".w64", ".rf64", ".aif", ".aiff", ".amb"})
Out = Annotated[Path, arg(aliases=["-o"])]
# As `salm.scenes.corpora.CorpusLayout`, whose import would make every command wait.
Layout = Literal["manifest", "clotho", "audiocaps", "fsd50k", "esc50"]


@dataclass(frozen=True, kw_only=True)
class Command:
    """What every command understands."""

    json: bool = False
    """Print one JSON document on standard output."""
    device: str = "cpu"
    """Where the model runs: cpu, cuda, mps."""
    threads: int = 0
    """Threads to compute with; 0 leaves the choice to torch."""

    def run(self) -> int:
        """Do it; the exit status."""
        raise NotImplementedError

    def compute_with_threads(self) -> None:
        """Keep torch to the chosen number of threads."""
        _at_least(0, threads=self.threads)
        if self.threads:
            import torch

            torch.set_num_threads(self.threads)

    def model(self, name: str) -> "Model":
        """A trained model on the chosen device."""
        self.check_device()
        return salm.load(name, device=self.device)

    def check_device(self) -> None:
        """Refuse a device that is not there."""
        import torch

        try:
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            raise InputError(f"--device {self.device} cannot be used here; try cpu.") from error

    def tell(self, document: Any, text: Callable[[], None]) -> None:
        """Print the document as JSON, or what is for people."""
        if self.json:
            sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")
        else:
            text()


@dataclass(frozen=True, kw_only=True)
class Demo(Command):
    """Simulate a small library, index it, search, locate, edit, and write a page of results."""

    out: Out = Path("salm-demo")
    """Folder for the recordings, the results and the page."""
    seed: int = 0
    """Another seed is another library."""

    def run(self) -> int:
        """Write the page and say where it is."""
        from salm.demo import run_demo

        _at_least(0, seed=self.seed)
        page = run_demo(self.out, model=self.model("small"), seed=self.seed, progress=_remark)
        results = json.loads((self.out / "results.json").read_text(encoding="utf-8"))
        self.tell({"page": str(page), **results}, lambda: _say(f"Open {page}"))
        return 0


@dataclass(frozen=True, kw_only=True)
class Locate(Command):
    """Where is it: azimuth, elevation, sector, confidence."""

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
    layout: str | None = None
    """Channel layout of four-channel files, if it is not AmbiX: fuma or n3d."""

    def run(self) -> int:
        """Locate every file; one bad file does not stop the rest."""
        from salm.model.locate import locate_file

        if not self.files:
            raise InputError("there is nothing to locate; give one or more audio files.")
        if self.method == "intensity" and (self.windows or self.what is not None):
            raise InputError("--windows and --what need the model; leave out --method intensity.")
        if not math.isfinite(self.front_deg):
            raise InputError(f"--front-deg is {self.front_deg} but must be a number of degrees.")
        locator = None if self.method == "intensity" else self.model(self.model_name)
        results = []
        for path in self.files:
            try:
                found = locate_file(
                    path, locator, windows=self.windows, what=self.what, front_deg=self.front_deg, layout=self.layout
                )
                results.append({"file": str(path), "error": None, **found})
            except InputError as error:
                results.append({"file": str(path), "error": str(error), "windows": []})
                _complain(str(error))
            if not self.json:
                _print_located(results[-1])
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

    def run(self) -> int:
        """Print the sentences, best first."""
        if not self.text:
            raise InputError("there is no sentence to rank; give one or more after the file.")
        recording = salm.read(self.file)
        ranking = [asdict(item) for item in self.model(self.model_name).rank(recording, self.text)]
        self.tell({"file": str(self.file), "ranking": ranking}, lambda: _table(ranking))
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

    def run(self) -> int:
        """Write the embeddings."""
        from salm.model.inference import save_embeddings

        files = [text for text in self.inputs if _is_file(text)]
        sentences = [text for text in self.inputs if not _is_file(text)]
        if not self.inputs:
            raise InputError("there is nothing to embed; give audio files or sentences.")
        model = self.model(self.model_name)
        recordings = [salm.read(path) for path in files]
        save_embeddings(self.out, model, recordings=recordings, files=files, sentences=sentences)
        document = {"out": str(self.out), "files": files, "sentences": sentences, "model": model.digest}
        counted = f"{_counted(len(files), 'recording')} and {_counted(len(sentences), 'sentence')}"
        self.tell(document, lambda: _say(f"{counted} in {self.out}"))
        return 0


@dataclass(frozen=True, kw_only=True)
class IndexAdd(Command):
    """Index folders of recordings; files that have not changed are skipped."""

    folders: Positional[tuple[Path, ...]]
    """Folders or files."""
    to: Path
    """The library: a folder that is made if need be."""
    model_name: Annotated[str, arg(name="model")] = "small"
    """A model that ships, a folder, or a hub id."""

    def run(self) -> int:
        """Index; files that cannot be read are named and left out."""
        if not self.folders:
            raise InputError("there is nothing to index; give folders or audio files.")
        library, model = salm.Library(self.to), self.model(self.model_name)
        with _Bar("indexing", unit="file") as bar:
            report = library.add(list(self.folders), model, progress=bar)
        for path, reason in report.failed:
            _complain(reason if path in reason else f"{path}: {reason}")
        document = {"library": str(self.to), **_plain(report), "failed": [file._asdict() for file in report.failed]}
        counts = f"{len(report.added)} added, {len(report.skipped)} unchanged"
        more = "".join(f", {len(document[what])} {what}" for what in ("removed", "failed") if document[what])
        self.tell(document, lambda: _say(f"{counts}{more} in {self.to}"))
        return 2 if report.failed else 0


@dataclass(frozen=True, kw_only=True)
class Search(Command):
    """Search a library by words (what, where, or both) or by an example."""

    library: Positional[Path]
    """A library made by `salm index add`."""
    text: Positional[str] = ""
    """Such as "dog from the left"; with --like only where, such as "from the left", or nothing."""
    like: Path | None = None
    """A recording: find what sounds like it, from its direction or from the one in the text."""
    limit: int = 10
    """Hits to show."""
    facing: str = "north"
    """Where the front is on the compass."""
    model_name: Annotated[str, arg(name="model")] = "small"
    """The model the library was made with."""

    def run(self) -> int:
        """Print the hits, best first."""
        library = salm.Library(self.library, must_exist=True)
        example = None if self.like is None else salm.read(self.like)
        model = self.model(self.model_name)
        if example is None:
            result = library.search(self.text, model, limit=self.limit, facing=self.facing)
        else:
            result = library.search_like(example, model, where=self.text, limit=self.limit, facing=self.facing)
        hits = [_plain(hit) for hit in result.hits]
        query = result.query.to_dict() if result.query else None
        self.tell({"query": query, "hits": hits}, lambda: _table(hits))
        return 0


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
            _complain(f"{self.file}: {note}")
        written = self.out if self.binaural is None else f"{self.out} and, for headphones, {self.binaural}"
        self.tell(done, lambda: _say(f"{done['description']} Written: {written}"))
        return 0


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
    seed: int = 0
    """Of everything."""

    def run(self) -> int:
        """Write the scenes."""
        _at_least(0, seed=self.seed)
        return self._of_recipe() if self.recipe else self._of_corpus()

    def _of_corpus(self) -> int:
        from salm.scenes.storage import make_scenes

        self._refuse("root", "jitter", because="belongs to a data set of the paper; name sclotho or saudiocaps too")
        count = 100 if self.count is None else self.count
        _at_least(1, count=count)
        split = "train" if self.split is None else self.split
        layout = self.layout or "manifest"
        count = make_scenes(self.out, corpus=self.corpus, layout=layout, split=split, count=count, seed=self.seed)
        self.tell({"out": str(self.out), "scenes": count}, lambda: _say(f"{_counted(count, 'scene')} in {self.out}"))
        return 0

    def _of_recipe(self) -> int:
        from salm.scenes.recipes import make_recipe

        because = f"does not go with {self.recipe}, which is every clip below --root"
        self._refuse("corpus", "layout", "split", "count", because=because)
        if self.root is None:
            raise InputError(f"{self.recipe} needs --root, the folder with a copy of its corpus.")
        made = make_recipe(self.recipe, self.root, self.out, seed=self.seed, jitter=self.jitter or "wide")
        rows, clips, missing = made["rows"], made["clips"], made["missing"]
        lacking = f"; {missing} left out for want of audio"
        summary = f"{_counted(rows, 'scene')} of {_counted(clips, 'clip')} in {self.out}{lacking if missing else ''}"
        document = {"out": str(self.out), "scenes": rows, "clips": clips, "missing": missing}
        self.tell(document, lambda: _say(summary))
        return 0

    def _refuse(self, *options: str, because: str) -> None:
        if given := [option for option in options if getattr(self, option) is not None]:
            raise InputError(f"--{given[0]} {because}.")


@dataclass(frozen=True, kw_only=True)
class ScenesShow(Command):
    """Look at drawn scenes."""

    file: Positional[Path]
    """What `salm scenes make` wrote."""
    limit: int = 10
    """Scenes to show."""

    def run(self) -> int:
        """Print the scenes."""
        from salm.scenes.storage import read_scenes

        _at_least(1, limit=self.limit)
        scenes, _ = read_scenes(self.file)
        rows = [asdict(source) for scene in scenes[: self.limit] for source in scene.sources]
        self.tell({"scenes": [scene.to_dict() for scene in scenes[: self.limit]]}, lambda: _table(rows))
        return 0


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

        _at_least(1, shard_scenes=self.shard_scenes)
        _at_least(0, workers=self.workers)
        if self.workers and self.ray is not None:
            raise InputError("--workers does not go with --ray, whose cluster has workers of its own.")
        workers = ProcessPool(self.workers or None) if self.ray is None else RayCluster(self.ray)
        done = export_scenes(self.file, self.out, shard_scenes=self.shard_scenes, workers=workers)
        for item in done.skipped:
            _complain(f"{item.reason} {_counted(len(item.rows), 'scene')} left out, the first in row {item.rows[0]}.")
        if done.lowered:
            _complain(f"{_counted(done.lowered, 'recording')} beyond full scale, written lower; see gain_db.")
        document = {
            "out": str(self.out),
            "shards": done.shards,
            "recordings": done.recordings,
            "lowered": done.lowered,
            "skipped": done.scenes_skipped,
            "failed": [asdict(item) for item in done.skipped],
        }
        counts = f"{_counted(done.recordings, 'recording')} in {_counted(done.shards, 'shard')}"
        lacking = f", {_counted(done.scenes_skipped, 'scene')} left out" if done.skipped else ""
        self.tell(document, lambda: _say(f"{counts}{lacking} in {self.out}"))
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

        _at_least(1, concurrency=self.concurrency, **({} if self.limit is None else {"limit": self.limit}))
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


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a model, or go on with a run that was stopped; `accelerate launch -m salm.cli train` uses several GPUs."""

    config: Positional[Path]
    """YAML file; see configs/."""
    out: Annotated[Path | None, arg(aliases=["-o"])] = None
    """Folder of the run; if it holds a checkpoint, training goes on from there."""
    data: Path | None = None
    """Train on the corpus in this folder instead of the ones that the file names."""
    init: str | None = None
    """Start from the weights of this model: one that ships, a folder, or a hub id."""
    dry_run: bool = False
    """Only try a step out, and say how large and how long the run would be."""

    def run(self) -> int:
        """Train."""
        from salm.training.config import read_train_config
        from salm.training.devices import is_first_process
        from salm.training.dry_run import describe
        from salm.training.trainer import train

        self.check_device()
        config = read_train_config(self.config, data=self.data)
        if self.dry_run:
            summary = describe(config, device=self.device)
            self.tell(summary, lambda: _facts(summary))
            return 0
        if self.out is None:
            raise InputError("there is no folder to train into; give one with -o.")
        folder = train(config, self.out, init=self.init, device=self.device)
        if is_first_process():
            self.tell({"model": str(folder)}, lambda: _say(f"The model is in {folder}"))
        return 0


@dataclass(frozen=True, kw_only=True)
class Evaluate(Command):
    """Measure a model on simulated scenes by the default protocol, beside the un-learned baselines."""

    model_name: Positional[str]
    """A model that ships, a folder, or a hub id."""
    corpus: Path | None = None
    """Folder with sounds and a manifest; left out, the built-in procedural sounds."""
    layout: Layout = "manifest"
    """How the corpus is laid out, if it is a published one and has no manifest."""
    split: str = "test"
    """Split of the corpus."""
    rows: tuple[str, ...] = ()
    """Only rows of the manifest with these values, as COLUMN=VALUE."""
    scenes: int = 500
    """Scenes to draw."""
    seed: int = 0
    """Of everything."""

    def run(self) -> int:
        """Evaluate and print the tables."""
        from salm.evaluation.protocol import evaluate
        from salm.evaluation.report import print_report
        from salm.scenes.corpora import open_corpus

        _at_least(0, seed=self.seed)
        corpus = open_corpus(self.corpus, split=self.split, layout=self.layout, rows=_rows(self.rows))
        model = self.model(self.model_name)
        report = evaluate(model, corpus, scenes=self.scenes, seed=self.seed, rows=_rows(self.rows), progress=_scene_bar)
        self.tell(report, lambda: print_report(report))
        if self.corpus is None:
            _complain("no --corpus was given: these are synthesised sounds, which say little of real ones.")
        return 0


@dataclass(frozen=True, kw_only=True)
class Import(Command):
    """Public weights as a model of ours."""

    file: Positional[str]
    """The checkpoint."""
    out: Out
    """Folder to make, with the model and the account of every weight (import.json)."""
    preset: str | None = None
    """base, which nothing said means, salm_s, or for CLAP alone laion_clap."""
    onto: str | None = None
    """Add to this model: a folder made by another import, or a hub id."""
    seed: int = 0
    """Of the weights that the file does not hold."""

    def bring(self) -> "Report":
        """Import; what became of every weight."""
        raise NotImplementedError

    def run(self) -> int:
        """Print what became of the weights."""
        _at_least(0, seed=self.seed)
        report = self.bring()
        self.tell({"out": str(self.out), **_plain(report)}, lambda: _table(report.rows()))
        if not self.json:
            _say(f"The model is in {self.out}, the account of every weight in {self.out / 'import.json'}")
        for note in report.notes:
            _complain(note)
        return 0


@dataclass(frozen=True, kw_only=True)
class ImportLaionClap(Import):
    """Import LAION-CLAP's weights (.pt): what, text and projections."""

    tokenizer: str | None = None
    """RoBERTa's tokenizer: a tokenizer.json, a folder, or a hub id."""

    def bring(self) -> "Report":
        """Import a file of LAION-CLAP."""
        from salm.model.pretrained import import_laion_clap

        return import_laion_clap(
            self.file, self.out, preset_name=self.preset, onto=self.onto, tokenizer=self.tokenizer, seed=self.seed
        )


@dataclass(frozen=True, kw_only=True)
class ImportPseldnets(Import):
    """Import PSELDNets' weights (.ckpt): where, and the normalisation."""

    def bring(self) -> "Report":
        """Import a file of PSELDNets."""
        from salm.model.pretrained import import_pseldnets

        return import_pseldnets(self.file, self.out, preset_name=self.preset, onto=self.onto, seed=self.seed)


@dataclass(frozen=True, kw_only=True)
class ImportHuggingFace(Import):
    """Import transformers' ClapModel from a folder or a hub id."""

    tokenizer: str | None = None
    """RoBERTa's tokenizer, if another one than lies beside the weights."""

    def bring(self) -> "Report":
        """Import a folder of transformers."""
        from salm.model.pretrained import import_hugging_face

        return import_hugging_face(
            self.file, self.out, preset_name=self.preset, onto=self.onto, tokenizer=self.tokenizer, seed=self.seed
        )


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write a model as ONNX files that run without torch, features included."""

    model_name: Positional[str]
    """A model that ships, a folder, or a hub id."""
    out: Out
    """Folder for audio.onnx, text.onnx, tokenizer.json and export.json."""

    def run(self) -> int:
        """Write the files and say how far they agree with the model."""
        from salm.model.export import export

        model = self.model(self.model_name)
        difference = export(model, self.out)
        document = {"out": str(self.out), "model": model.digest, "largest_difference": difference}
        agree = f"embeddings of length one differ from torch's by at most {difference:.1e}"
        self.tell(document, lambda: _say(f"{self.model_name} in {self.out}; {agree}"))
        return 0


COMMANDS: dict[str, type[Command]] = {
    "demo": Demo,
    "locate": Locate,
    "rank": Rank,
    "embed": Embed,
    "index add": IndexAdd,
    "search": Search,
    "edit": Edit,
    "scenes make": ScenesMake,
    "scenes show": ScenesShow,
    "scenes export": ScenesExport,
    "scenes rephrase": ScenesRephrase,
    "train": Train,
    "evaluate": Evaluate,
    "import laion-clap": ImportLaionClap,
    "import pseldnets": ImportPseldnets,
    "import hf": ImportHuggingFace,
    "export": Export,
}
"""Every command by its words."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "--version" in words or words == ["-V"]:
        _say(f"salm {salm.__version__}")
        return 0
    try:
        command = _parse(words)
        command.compute_with_threads()
        return command.run()
    except InputError as error:
        _complain(str(error))
        return 2
    except KeyboardInterrupt:
        _complain("stopped.")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parse(words: list[str]) -> Command:
    """The command that the words ask for; wrong usage ends with status 2."""
    for name, command in COMMANDS.items():
        parts = name.split()
        if words[: len(parts)] == parts:
            return tyro.cli(command, prog=f"salm {name}", args=words[len(parts) :], config=(OmitArgPrefixes,))
    return _overview(words)


def _overview(words: list[str]) -> Command:
    lines = [f"  salm {name:<18} {(command.__doc__ or '').splitlines()[0]}" for name, command in COMMANDS.items()]
    text = "\n".join(["salm: find, locate and edit spatial sound with words.", "", *lines, "", _HINT, ""])
    if not words or words[0] in ("-h", "--help"):
        sys.stdout.write(text)
        raise SystemExit(0 if words else 2)
    near = [name for name in COMMANDS if name.split()[0] == words[0]]
    meant = near or difflib.get_close_matches(words[0], COMMANDS, n=1)
    known = f"perhaps you meant: {', '.join(meant)}" if meant else f"there are {', '.join(COMMANDS)}"
    raise InputError(f"there is no command `salm {' '.join(words[:2])}`; {known}.")


_HINT = "`salm COMMAND --help` explains one of them. Nothing leaves your machine."


class _Bar:
    """A progress bar on standard error that learns its total on the way."""

    def __init__(self, what: str, *, unit: str) -> None:
        from tqdm import tqdm

        self._bar = tqdm(desc=what, unit=unit, total=0, leave=False, disable=None)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, done: int, total: int) -> None:
        self._bar.total = total
        self._bar.update(done - self._bar.n)


def _scene_bar(scenes: Sequence[Any], what: str) -> Iterable[Any]:
    from tqdm import tqdm

    return tqdm(scenes, desc=what, unit="scene", leave=False, disable=None)


def _remark(text: str) -> None:
    sys.stderr.write(f"{text} ...\n")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _complain(text: str) -> None:
    sys.stderr.write(f"salm: {' '.join(text.split())}\n")


def _plain(item: Any) -> dict[str, Any]:
    return dict(json.loads(json.dumps(asdict(item), default=str)))


def _is_file(text: str) -> bool:
    """Whether an input is meant as a file: it exists, or it looks like a path to audio."""
    try:
        return Path(text).exists() or (" " not in text and Path(text).suffix.lower() in AUDIO_SUFFIXES)
    except OSError:
        return False


def _at_least(least: int, **options: int) -> None:
    for name, value in options.items():
        if value < least:
            raise InputError(f"--{name.replace('_', '-')} is {value} but must be at least {least}.")


def _rows(pairs: Sequence[str]) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    wrong = [pair for pair, (_, sign, _) in zip(pairs, split, strict=True) if not sign]
    if wrong:
        raise InputError(f"--rows {wrong[0]}: expected COLUMN=VALUE, such as licence_class=permissive.")
    return {column: value for column, _, value in split}


def _table(rows: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        _say("nothing found.")
        return
    table = Table(box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(column, justify="left" if isinstance(rows[0][column], str) else "right")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _facts(document: dict[str, Any]) -> None:
    """Names and values, one a line."""
    width = max(map(len, document))
    for name, value in document.items():
        shown = f"{value:,}" if isinstance(value, int) else _cell(value)
        _say(f"{name.replace('_', ' '):<{width}}  {shown}")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return "–" if value is None else str(value)


def _print_rephrased(done: dict[str, Any]) -> None:
    speed = "" if done["captions_per_s"] is None else f", {done['captions_per_s']:.3g} a second"
    _say(f"{_counted(done['captions'], 'caption')} in {done['out']}, {done['new']} of them new{speed}")
    if done["acceptance"] is not None:
        refused = ", ".join(f"{check} {count}" for check, count in done["refused"].items())
        _say(
            f"accepted {done['acceptance']:.1%} ({done['acceptance_at_first']:.1%} at first), "
            f"templates for {done['templates']}{f'; answers refused: {refused}' if refused else ''}"
        )


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
            where = f"{place['sector']}, {angle}{height}, confidence {place['confidence']:.2f}{fit}{doubt}"
        _say(f"{result['file']} {span}  {where}")
    for note in result.get("notes", []):
        _complain(f"{result['file']}: {note}")


if __name__ == "__main__":
    raise SystemExit(main())

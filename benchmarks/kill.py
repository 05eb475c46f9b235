"""What SIGKILL at random moments leaves of the commands that write, and what starting them again makes of that.

Each command runs undisturbed once, and is then killed again and again: at a moment of the clock, or (every second
time) at the very moment at which it opens, renames or removes a file; alone or with the processes that it started.
After every kill, files under their final names must be whole (those from before or those of an undisturbed run), and
what was done must still be there. Then the command is started once more, to be killed again or to come to its end,
which must be that of the undisturbed run. A server is killed with an upload, an edit and a scan in
flight; then one looks at the next.

What is killed is `python -m salm`, forked from this process, which has the libraries and the model loaded: that
saves seconds a kill. Every tenth is a new process that dies while it starts. The last line is one JSON object; the exit
status is 1 if something was wrong.
"""

import argparse
import hashlib
import importlib
import io
import json
import mmap
import os
import pkgutil
import random
import re
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Threads that spin while they wait take the processor from whoever they wait for.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import httpx2
import numpy as np
import soundfile
import yaml

import salm
from rounds import processor
from salm.audio.formats import encode_plane_wave
from salm.cli import main as command
from salm.editing.files import undo_file
from salm.errors import InputError
from salm.library import adding, storage
from salm.model.config import to_mapping
from salm.model.presets import preset
from salm.scenes.corpora import procedural
from salm.scenes.make import make_scenes
from salm.scenes.sample import SceneRanges
from salm.training import run
from salm.training.checkpoint import read_state
from salm.training.config import CorpusConfig, TrainConfig
from salm.training.losses import LossWeights

RATE_HZ = 24_000
PATIENCE_S = 300.0
LEAVING_S = 30.0
"""How long processes may take to notice that the one that started them is gone."""

AMBIX = ["--format", "ambix"]
"""Known, so that nobody has to listen for it, which takes longer than the commands themselves."""

Digests = dict[str, str]

loaded: dict[str, Any] = {}
"""The shipped model, for the commands that hear; loading one writes nothing."""


class Wrong(Exception):  # noqa: N818
    """Something that must not be after a kill."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=["all", *CASES, "serve"], default="all")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    names = [*CASES, "serve"] if options.what == "all" else [options.what]
    warm()
    commands = {}
    for name in names:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="salm-kill-") as home:
            rng = random.Random(f"{options.seed} {name}")
            attack = Attack(CASES[name](Path(home)), Path(home), rng) if name in CASES else Siege(Path(home), rng)
            commands[name] = attack.told(options.times) | {"took_s": round(time.perf_counter() - start, 1)}
        print(f"{name}: {json.dumps(commands[name])}", file=sys.stderr, flush=True)
    right = not any(command["wrong"] for command in commands.values())
    said = {"processor": processor(), "times": options.times, "seed": options.seed, "right": right}
    print(json.dumps(said | {"commands": commands}))
    return 0 if right else 1


def warm() -> None:
    """Load what the commands load, so that processes forked from this one need not."""
    for module in pkgutil.walk_packages(salm.__path__, "salm."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    loaded["small"] = salm.load("small")
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        take, out = sound(Path(folder) / "take.wav", seconds=1, seed=0), Path(folder) / "out"
        with_loaded_model()
        command(["edit", str(take), "mirror it", "-o", f"{out}.flac", "--binaural", f"{out}-ears.wav", *AMBIX])
        command(["scan", str(take), "-o", f"{out}.csv", "--plot", f"{out}.svg", "--sentences", "rain", *AMBIX])
        command(["index", "add", str(take), "--to", str(out), *AMBIX])


def with_loaded_model() -> None:
    salm.load = lambda name, **_: loaded[str(name)]


# The command that is killed


class Witness:
    """What a command last did to files in a folder, in memory that outlives it."""

    _EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"})

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 256)

    def begin(self) -> None:
        self._shared[:] = bytes(256)

    @property
    def count(self) -> int:
        return int.from_bytes(self._shared[:8], "little")

    @property
    def latest(self) -> str:
        return self._shared[8:].rstrip(b"\0").decode()

    def watch(self, folder: Path, at: int | None) -> None:
        """From now on, note what this process does there, and die at an event by its number."""
        process, inside = os.getpid(), f"{folder}{os.sep}"

        def note(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in self._EVENTS or os.getpid() != process or not f"{arguments[0]}".startswith(inside):
                return
            # Only opening to write: the second argument is the mode, the third the flags.
            if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
                return
            target = arguments[1] if event == "os.rename" else arguments[0]
            if event == "os.mkdir" and os.path.isdir(target):
                return
            self._shared[8:] = f"{event.removeprefix('os.')} {alike(Path(target).name)}".encode()[:248].ljust(
                248, b"\0"
            )
            if self.count == at:
                os.kill(process, signal.SIGKILL)
            self._shared[:8] = (self.count + 1).to_bytes(8, "little")

        sys.addaudithook(note)


def alike(name: str) -> str:
    """A name without the numbers and digests in which runs differ."""
    return re.sub(r"\d{6}(-[0-9a-f]{8})?(?=\.)|(?<=\.)[0-9a-f]{8}(?=\.part)", "*", name)


@dataclass(frozen=True)
class Started:
    """A command at work."""

    process: int
    output: Path

    def ended(self, within_s: float) -> int | None:
        """Its exit status, negative for a signal; None if it is still at work after so long."""
        watched = select.poll()
        handle = os.pidfd_open(self.process)
        try:
            watched.register(handle, select.POLLIN)
            if not watched.poll(max(0.0, 1000 * within_s)):
                return None
        finally:
            os.close(handle)
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status)

    def kill(self, *, group: bool) -> None:
        (os.killpg if group else os.kill)(self.process, signal.SIGKILL)


def start(
    words: list[str], output: Path, *, prepare: Callable[[], None], watch: Callable[[], None] = lambda: None
) -> Started:
    """`python -m salm` with these words, in a group of processes of its own."""
    output.write_bytes(b"")
    process = os.fork()
    if process:
        os.setpgid(process, process)
        return Started(process, output)
    status = 70
    try:
        os.setpgid(0, 0)
        told = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(told, 1)
        os.dup2(os.open(f"{output}.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        prepare()
        watch()
        sys.argv[1:] = words
        runpy.run_module("salm", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # What this process would do at its end is not the command's.
        os._exit(status)


def settled(words: list[str], output: Path) -> None:
    """A command that is left alone."""
    if status := start(words, output, prepare=with_loaded_model).ended(PATIENCE_S):
        raise SystemExit(f"undisturbed it ends with {status}: {Path(f'{output}.err').read_text(encoding='utf-8')}")


def start_anew(words: list[str], output: Path) -> Started:
    """The same in a new process."""
    with output.open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "salm", *words], stdout=told, stderr=subprocess.DEVNULL, start_new_session=True
        )
    process.returncode = 0  # It is waited for by its number.
    return Started(process.pid, output)


def members(group: int) -> list[int]:
    """Processes of a group that are alive."""
    found = []
    for about in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = about.read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            found.append(int(about.parent.name))
    return found


def leaving(groups: list[int]) -> list[str]:
    """What is wrong if a process stays when the one that started it was killed."""
    deadline = time.monotonic() + LEAVING_S
    left = groups
    while (left := [group for group in left if members(group)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    for group in left:
        os.killpg(group, signal.SIGKILL)
    return [f"{len(left)} commands left processes behind"] if left else []


def digest(path: Path) -> str:
    """Of a file, and of the samples of a WAV file, whose header tells when it was written."""
    if path.suffix == ".wav":
        return hashlib.sha256(soundfile.read(path, dtype="float32")[0].tobytes()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(folder: Path) -> Digests:
    """Of the files under their final names."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part")
    return {str(path.relative_to(folder)): digest(path) for path in paths}


# What is killed


class Case(Protocol):
    """One command."""

    def words(self, out: Path) -> list[str]:
        """What it is asked for."""

    def prepare(self) -> None:
        """What makes it smaller, in its own process."""

    def begin(self, out: Path) -> None:
        """What is there before."""

    def look(self, out: Path) -> int:
        """How much is done, which must never become less; raises `Wrong` for what must not be seen."""

    def result(self, out: Path) -> Any:
        """What must be equal in the end."""


class Plain:
    """A command whose files have the same bytes whenever they are there."""

    def __init__(self) -> None:
        self.known: dict[str, set[str]] = {}

    def prepare(self) -> None:
        pass

    def begin(self, out: Path) -> None:
        out.mkdir()

    def look(self, out: Path) -> int:
        there = digests(out) if out.exists() else {}
        for name, its in there.items():
            if its not in self.known.get(name, set()):
                raise Wrong(f"{name} is neither what was there before nor what an undisturbed run writes")
        return 0

    def result(self, out: Path) -> Digests:
        found = digests(out)
        for name, its in found.items():
            self.known.setdefault(name, set()).add(its)
        return found


def sound(path: Path, *, seconds: float, seed: int, azimuth_deg: float = 90.0) -> Path:
    noise = 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))
    # Bursts, so that there is something to find.
    noise *= np.sin(np.pi * np.arange(len(noise)) / RATE_HZ) ** 4 > 0.2
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, encode_plane_wave(noise.astype(np.float32), azimuth_deg, 0.0).T, RATE_HZ, subtype="PCM_16")
    return path


class Edit(Plain):
    """Over the edit of another recording, whose outputs are there; undoing always leads to the right original."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.take = sound(home / "take.wav", seconds=6, seed=1)
        other = sound(home / "other.wav", seconds=6, seed=2)
        self.before = home / "before" / "out"
        words = ["edit", str(other), "mirror it", *self._outputs(self.before), *AMBIX]
        settled(words, home / "said")
        for name, its in digests(self.before).items():
            self.known[name] = {its}

    @staticmethod
    def _outputs(out: Path) -> list[str]:
        return ["-o", str(out / "moved.flac"), "--binaural", str(out / "ears.wav")]

    def words(self, out: Path) -> list[str]:
        return ["edit", str(self.take), "move it behind me", *self._outputs(out), *AMBIX, "--json"]

    def begin(self, out: Path) -> None:
        shutil.copytree(self.before, out)

    def look(self, out: Path) -> int:
        super().look(out)
        if len(digests(out)) < 3:
            raise Wrong("what was there before is gone")
        is_new = digest(out / "moved.flac") != digest(self.before / "moved.flac")
        try:
            original = undo_file(out / "moved.flac").original
        except InputError:
            return 0
        if original is None or original.name != ("take.wav" if is_new else "other.wav"):
            raise Wrong(f"moved.flac would be undone to {original}")
        return 0

    def result(self, out: Path) -> Digests:
        # The record tells where its files are.
        record = json.loads((out / "moved.flac.edit.json").read_text(encoding="utf-8"))
        plain = {**record, "output": record["output"]["sha256"], **dict.fromkeys(("out", "record", "binaural"))}
        self.known["moved.flac.edit.json"] |= {digest(out / "moved.flac.edit.json")}
        return super().result(out) | {"moved.flac.edit.json": json.dumps(plain)}


class Scan(Plain):
    """Over the files of an earlier scan."""

    def prepare(self) -> None:
        with_loaded_model()

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.take = sound(home / "take.wav", seconds=6, seed=1)

    def words(self, out: Path) -> list[str]:
        files = [word for name in ("a.csv", "a.txt", "a.json") for word in ("-o", str(out / name))]
        return [
            "scan",
            str(self.take),
            *files,
            "--plot",
            str(out / "a.svg"),
            "--sentences",
            "rain",
            "dog",
            *AMBIX,
            "--json",
        ]

    def begin(self, out: Path) -> None:
        super().begin(out)
        for name in ("a.csv", "a.txt", "a.json", "a.svg"):
            (out / name).write_text("before", encoding="utf-8")
            self.known.setdefault(name, set()).add(digest(out / name))

    def look(self, out: Path) -> int:
        super().look(out)
        if len(digests(out)) < 4:
            raise Wrong("what was there before is gone")
        return 0


class Export(Plain):
    """Shards by one worker process."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.scenes = home / "scenes.jsonl"
        make_scenes(self.scenes, count=24, seed=0, ranges=SceneRanges(anechoic=0.8))

    def words(self, out: Path) -> list[str]:
        return ["scenes", "export", str(self.scenes), "-o", str(out), "--shard-scenes", "4", "--workers", "1", "--json"]

    def look(self, out: Path) -> int:
        super().look(out)
        return sum(path.name[:6].isdecimal() for path in out.glob("*.json")) if out.exists() else 0

    def result(self, out: Path) -> Digests:
        for tar in out.glob("*.tar"):
            with tarfile.open(tar) as shard:
                shard.getmembers()
        if left := list(out.glob("*.part")):
            raise Wrong(f"{left[0].name} stays")
        return super().result(out)


class Train:
    """A run with all that one can be random in: a loader process, masks, dropout, stochastic depth, two threads, the
    shipped text tower, and a validation by which the best weights are kept.
    """

    STEPS = 8
    KEPT = ("model.safetensors", "checkpoint.safetensors", "best.safetensors", "config.json", "train.json")
    CLOCK = ("time_s", "clips_s", "waiting")

    def __init__(self, home: Path) -> None:
        self.config = home / "train.yaml"
        model = preset("tiny")
        config = TrainConfig(
            model=replace(model, dropout=0.2, htsat=replace(model.htsat, drop_path=0.2)),
            corpora=(CorpusConfig(per_kind=2, share=0.7), CorpusConfig(per_kind=1, share=0.3)),
            scenes=SceneRanges(anechoic=1.0),
            losses=LossWeights(sentence=0.25),
            batch_size=4,
            steps=self.STEPS,
            warmup_steps=2,
            learning_rate=1e-3,
            weight_decay=0.05,
            rivals=1,
            bfloat16=False,
            workers=1,
            log_steps=1,
            checkpoint_steps=3,
            validation_steps=4,
            validation_scenes=3,
            tensorboard=False,
        )
        plain = json.loads(json.dumps(to_mapping(config)))
        self.config.write_text(yaml.safe_dump(plain), encoding="utf-8")
        self.whole: str | None = None

    def words(self, out: Path) -> list[str]:
        return ["train", str(self.config), "-o", str(out), "--threads", "2", "--json"]

    def prepare(self) -> None:
        procedural.KINDS = ("horn", "knock", "whistle", "bell")
        # Too few to calibrate with, which is said: this is about the weights.
        run.CALIBRATION_SCENES = 2

    def begin(self, out: Path) -> None:
        pass

    def look(self, out: Path) -> int:
        try:
            states = [read_state(out / name) for name in self.KEPT[1:3]]
        except InputError as error:
            raise Wrong(str(error)) from error
        for path in out.glob("*.json"):
            json.loads(path.read_text(encoding="utf-8"))
        model = out / "model.safetensors"
        if model.exists() and digest(model) != self.whole:
            raise Wrong("model.safetensors is there and is not that of the undisturbed run")
        log = logged(out)
        done = 0 if states[0] is None else states[0].step
        if log and max(line["step"] for line in log) < done:
            raise Wrong("the checkpoint is of a step that the log has lost")
        return done

    def result(self, out: Path) -> Any:
        if left := list(out.glob("*.part")):
            raise Wrong(f"{left[0].name} stays")
        self.whole = digest(out / "model.safetensors")
        log = [{name: value for name, value in line.items() if name not in self.CLOCK} for line in logged(out)]
        if len([line for line in log if "loss" in line]) != self.STEPS:
            raise Wrong("the log has not every step once")
        return {name: digest(out / name) for name in self.KEPT} | {"log.jsonl": log}


def logged(out: Path) -> list[dict[str, Any]]:
    """The whole lines of a log."""
    path = out / "log.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


class Index:
    """A library from which one file has gone, in which one has changed and one has moved, and to which ten come."""

    def __init__(self, home: Path) -> None:
        self.sounds, self.before = home / "sounds", home / "before"
        for seed in range(3):
            sound(self.sounds / f"{seed}.wav", seconds=1, seed=seed)
        words = ["index", "add", str(self.sounds), "--to", str(self.before), *AMBIX]
        settled(words, home / "said")
        self.old = self._windows(self.before)
        (self.sounds / "0.wav").unlink()
        sound(self.sounds / "1.wav", seconds=1, seed=9)
        (self.sounds / "2.wav").rename(self.sounds / "moved.wav")
        for seed in range(3, 13):
            sound(self.sounds / f"{seed}.wav", seconds=1, seed=seed, azimuth_deg=20.0 * seed)
        self.new: dict[str, str] = {}

    def words(self, out: Path) -> list[str]:
        return ["index", "add", str(self.sounds), "--to", str(out), *AMBIX, "--json"]

    def prepare(self) -> None:
        with_loaded_model()
        adding.FILES_A_PART, storage.MAX_PARTS = 2, 3

    def begin(self, out: Path) -> None:
        shutil.copytree(self.before, out)

    def look(self, out: Path) -> int:
        try:
            found = self._windows(out)
        except InputError as error:
            raise Wrong(str(error)) from error
        for file, its in found.items():
            if its not in (self.old.get(file), self.new.get(file, its)):
                raise Wrong(f"{Path(file).name} has other windows than were heard in it")
        if lost := [file for file in self.old if file in self.new and file not in found]:
            raise Wrong(f"{Path(lost[0]).name} is lost")
        return sum(self.new.get(file) == its for file, its in found.items()) if self.new else 0

    def result(self, out: Path) -> dict[str, str]:
        manifest = storage.Storage(out).manifest()
        kept = set(manifest.parts if manifest else ())
        stray = [path.name for path in out.iterdir() if path.name.split(".")[0] not in {*kept, "library"}]
        if stray or list(out.glob("*.part")):
            raise Wrong(f"{stray} stays")
        self.new = self._windows(out)
        return self.new

    @staticmethod
    def _windows(out: Path) -> dict[str, str]:
        """Every file with what is known of its windows, in one word."""
        contents = storage.Storage(out).contents()
        if contents is None:
            return {}
        return {
            file: hashlib.sha256(
                b"".join(np.ascontiguousarray(c).tobytes() for c in contents.windows_of(file))
            ).hexdigest()
            for file in contents.files
        }


CASES: dict[str, Callable[[Path], Case]] = {
    "train": Train,
    "export": Export,
    "index": Index,
    "edit": Edit,
    "scan": Scan,
}


class Attack:
    """Kills one command."""

    COLD = 10
    """Every so manieth is a new process."""

    def __init__(self, case: Case, home: Path, rng: random.Random) -> None:
        self.case, self.home, self.rng = case, home, rng
        self.witness = Witness()
        self.phases: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.groups: list[int] = []

    def told(self, times: int) -> dict[str, Any]:
        began = time.perf_counter()
        whole = self._fresh()
        if (status := self._start(whole).ended(PATIENCE_S)) != 0:
            said = (self.home / "said.err").read_text(encoding="utf-8")
            raise SystemExit(f"undisturbed it ends with {status}: {said}")
        self.lasts_s, self.events = time.perf_counter() - began, self.witness.count
        self.expected = self.case.result(whole)
        kills = rounds = 0
        while kills < times:
            out, done = self._fresh(), 0
            while phase := self._killed(out, kills) if kills < times else self._finished(out):
                kills += 1
                self.phases[phase] += 1
                done = self._looked(out, done, phase)
            rounds += 1
            self._compared(out)
        self.wrong += leaving(self.groups)
        return {
            "kills": kills,
            "rounds": rounds,
            "undisturbed_s": round(self.lasts_s, 2),
            "file_events": self.events,
            "phases": dict(self.phases.most_common()),
            "wrong": self.wrong,
        }

    def _fresh(self) -> Path:
        # The path is the same in all rounds, since some files tell it.
        shutil.rmtree(self.home / "there", ignore_errors=True)
        out = self.home / "there" / "out"
        out.parent.mkdir()
        self.case.begin(out)
        return out

    def _start(self, out: Path, at: int | None = None) -> Started:
        self.witness.begin()
        self.began_ns = time.time_ns()
        started = start(
            self.case.words(out),
            self.home / "said",
            prepare=self.case.prepare,
            watch=lambda: self.witness.watch(out.parent, at),
        )
        self.groups.append(started.process)
        return started

    def _finished(self, out: Path) -> None:
        self._judge(self._start(out).ended(PATIENCE_S))

    def _judge(self, status: int | None) -> None:
        if status != 0:
            said = (self.home / "said.err").read_text(encoding="utf-8").strip()
            self.wrong.append(f"started again it ends with {status}: {said[-300:]}")

    def _killed(self, out: Path, number: int) -> str | None:
        """Where a command was killed; None if it came to its end before that."""
        if number % self.COLD == self.COLD - 1:
            return self._killed_anew(out)
        if number % 2:
            started = self._start(out, at=self.rng.randrange(self.events))
            status = started.ended(PATIENCE_S)
            phase = f"at {self.witness.latest}"
        else:
            started = self._start(out)
            status = started.ended(self.rng.uniform(0, 1.1 * self.lasts_s))
            phase = self._after(out)
            if status is None:
                started.kill(group=self.rng.random() < 0.5)
                status = started.ended(PATIENCE_S)
        if status == -signal.SIGKILL:
            return phase
        self._judge(status)
        return None

    def _killed_anew(self, out: Path) -> str | None:
        started = start_anew(self.case.words(out), self.home / "said")
        self.groups.append(started.process)
        started.ended(self.rng.uniform(0, 1.0))
        started.kill(group=True)
        started.ended(PATIENCE_S)
        return "while Python starts"

    def _after(self, out: Path) -> str:
        """Where a command is, by the clock."""
        # Not what an earlier kill left.
        written = [path for path in out.glob("*.part") if _changed_ns(path) >= self.began_ns]
        if parts := sorted(alike(path.name) for path in written):
            return f"while {parts[0].removesuffix('.part').removesuffix('.*')} is written"
        latest = self.witness.latest
        return f"after {latest}" if latest else "before the first file"

    def _looked(self, out: Path, before: int, phase: str) -> int:
        try:
            done = self.case.look(out)
            if done < before:
                raise Wrong(f"{before} were done, and now {done}")
        except Wrong as error:
            self.wrong.append(f"killed {phase}: {error}")
            return before
        # What a command says, it says at its end.
        if (self.home / "said").stat().st_size:
            self._compared(out)
        return done

    def _compared(self, out: Path) -> None:
        try:
            found = self.case.result(out)
        except (Wrong, OSError, ValueError) as error:
            self.wrong.append(f"in the end: {error}")
            return
        if found != self.expected:
            names = [name for name in {*found, *self.expected} if found.get(name) != self.expected.get(name)]
            self.wrong.append(f"in the end {', '.join(sorted(names))} differ from the undisturbed run")


def _changed_ns(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


class Siege:
    """Kills servers with an upload, an edit and a scan in flight; the next one must be as if they had not been.

    Answers that came are held to be true: the files of an edit that was answered have the bytes of an undisturbed one.
    """

    EDIT = "move it behind me"

    def __init__(self, home: Path, rng: random.Random) -> None:
        self.home, self.rng = home, rng
        self.room = home / "temporary"
        self.room.mkdir()
        self.take = sound(home / "take.wav", seconds=6, seed=1).read_bytes()
        self.library = home / "library"
        for seed in range(3):
            sound(home / "sounds" / f"{seed}.wav", seconds=1, seed=seed)
        words = ["index", "add", str(home / "sounds"), "--to", str(self.library), *AMBIX]
        settled(words, home / "said")
        self.phases: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.expected: dict[str, Any] = {}
        self.of_the_dead: list[str] = []

    def told(self, times: int) -> dict[str, Any]:
        self.shelf = digests(self.library)
        began = time.perf_counter()
        self._served(kill_after_s=None)
        lasts_s = time.perf_counter() - began
        kills = 0
        while kills < times:
            kills += self._served(kill_after_s=self.rng.uniform(0, lasts_s))
        self._served(kill_after_s=None, stop=signal.SIGTERM)
        if left := list(self.room.iterdir()):
            self.wrong.append(f"{left[0].name} stays after the last server has ended")
        return {
            "kills": kills,
            "undisturbed_s": round(lasts_s, 2),
            "phases": dict(self.phases.most_common()),
            "wrong": self.wrong,
        }

    def _served(self, *, kill_after_s: float | None, stop: signal.Signals = signal.SIGINT) -> bool:
        """One server from its start to its end; whether it was killed."""
        words = ["serve", "--port", "0", "--json", "--library", f"takes={self.library}"]
        moment = time.monotonic() + (PATIENCE_S if kill_after_s is None else kill_after_s)
        server = start(words, self.home / "said", prepare=self._prepare)
        clients: list[Client] = []
        if url := self._url(server, moment):
            self._look(url)
            clients = [client(url, self) for client in (Uploading, Editing, Scanning)]
            while time.monotonic() < moment and not all(client.is_done for client in clients):
                time.sleep(0.01)
        if kill_after_s is None:
            for client in clients:
                client.join()
            os.kill(server.process, stop)
            if (status := server.ended(PATIENCE_S)) != 128 + stop:
                self.wrong.append(f"stopped it ends with {status}")
        else:
            time.sleep(max(0.0, moment - time.monotonic()))
            self.phases["; ".join(client.phase for client in clients) or "before it listens"] += 1
            server.kill(group=self.rng.random() < 0.5)
            server.ended(PATIENCE_S)
            for client in clients:
                client.join()
            self.of_the_dead = [address for client in clients for address in client.addresses]
        for client in clients:
            self._compare(client)
        return kill_after_s is not None

    def _prepare(self) -> None:
        with_loaded_model()
        # Whoever starts this in the background may have it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        tempfile.tempdir = None
        os.environ["TMPDIR"] = str(self.room)

    def _url(self, server: Started, moment: float) -> str | None:
        while time.monotonic() < moment:
            if line := server.output.read_text(encoding="utf-8"):
                return str(json.loads(line)["url"])
            if (status := server.ended(0.02)) is not None:
                raise SystemExit(
                    f"the server ends with {status}: {(self.home / 'said.err').read_text(encoding='utf-8')}"
                )
        return None

    def _look(self, url: str) -> None:
        """What a new server shows: nothing of the one before."""
        if len(left := list(self.room.iterdir())) > 1:
            self.wrong.append(f"{len(left) - 1} temporary folders of dead servers stay")
        for address in self.of_the_dead:
            if httpx2.get(f"{url}{address}", timeout=60).status_code < 400:
                self.wrong.append(f"{address} of a dead server is served")
        fields = {"library": "takes", "text": "from the left"}
        hits = httpx2.post(f"{url}api/search", data=fields, timeout=60).json()["hits"]
        if hits != self.expected.setdefault("hits", hits):
            self.wrong.append("a search has other hits than before")
        if digests(self.library) != self.shelf:
            self.wrong.append("the library has changed")

    def _compare(self, client: "Client") -> None:
        for name, its in client.found.items():
            if its != self.expected.setdefault(name, its):
                self.wrong.append(f"{name} differs from that of an undisturbed server")


class Client(threading.Thread):
    """Somebody who asks, and notes what was answered."""

    def __init__(self, url: str, siege: Siege) -> None:
        super().__init__(daemon=True)
        self.url, self.siege = url, siege
        self.phase = f"{type(self).__name__.lower()}"
        self.is_done = False
        self.found: dict[str, Any] = {}
        self.addresses: list[str] = []
        self.start()

    def run(self) -> None:
        try:
            self.ask()
            self.phase = f"{type(self).__name__.lower()} done"
        except (OSError, httpx2.TransportError):
            # The server is gone.
            return
        finally:
            self.is_done = True

    def ask(self) -> None:
        raise NotImplementedError

    def sent(self, path: str, **fields: Any) -> dict[str, Any]:
        files, data = {"file": ("take.wav", self.siege.take)}, {"layout": AMBIX[1], **fields}
        answer = httpx2.post(f"{self.url}api/{path}", files=files, data=data, timeout=PATIENCE_S)
        if answer.status_code not in (200, 202):
            self.siege.wrong.append(f"{path} answers {answer.status_code}: {answer.text[:200]}")
        return dict(answer.json())


class Uploading(Client):
    """Never gets to its end: half a recording, a little every moment."""

    def ask(self) -> None:
        host, _, port = self.url.removeprefix("http://").rstrip("/").partition(":")
        take = self.siege.take
        with socket.create_connection((host, int(port))) as to:
            to.sendall(
                f"POST /api/locate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(take)}\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
                'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'.encode()
            )
            for begin in range(0, len(take) // 2, 20_000):
                to.sendall(take[begin : begin + 20_000])
                time.sleep(0.02)


class Editing(Client):
    def ask(self) -> None:
        done = self.sent("edit", sentence=Siege.EDIT)
        self.addresses = [done["out"].lstrip("/"), done["binaural"].lstrip("/")]
        self.phase = "edit answered"
        for address in self.addresses:
            content = httpx2.get(f"{self.url}{address}", timeout=PATIENCE_S).content
            samples = soundfile.read(io.BytesIO(content), dtype="float32")[0]
            self.found[address.rpartition("/")[2]] = hashlib.sha256(samples.tobytes()).hexdigest()


class Scanning(Client):
    def ask(self) -> None:
        job = self.sent("scan", text=["rain", "dog"])
        self.addresses = [f"api/scan/{job['id']}"]
        while job["state"] in ("waiting", "running"):
            self.phase = f"scan {job['state']}"
            time.sleep(0.05)
            job = httpx2.get(f"{self.url}{self.addresses[0]}", timeout=PATIENCE_S).json()
        if job["error"]:
            self.siege.wrong.append(f"a scan fails: {job['error']}")
        self.found["scan"] = job["result"]


if __name__ == "__main__":
    raise SystemExit(main())

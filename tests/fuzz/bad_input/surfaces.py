"""Where bad input goes in: for each surface what is fed, and a function that feeds it and checks what comes out."""

import atexit
import contextlib
import functools
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import yaml
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from starlette.testclient import TestClient

import salm
from bad_input import seeds
from bad_input.mutations import ODD_TEXTS, ODD_VALUES, damaged, damaged_text, spoilt_tree
from bad_input.outcome import LONGEST_LINE, Case, Failure, command
from salm.errors import InputError
from salm.library.index import Library
from salm.model import hub
from salm.model.config import to_mapping
from salm.model.inference import Model
from salm.model.presets import preset
from salm.scenes.corpora.folder import FolderCorpus
from salm.scenes.corpora.procedural import ProceduralCorpus
from salm.scenes.rendering import render_scene
from salm.scenes.sample import SceneRanges
from salm.scenes.source import FreshScenes
from salm.scenes.storage import SceneTable
from salm.training.config import TrainConfig
from salm.web.limits import Limits
from salm.web.server import create_app

__all__ = ["CASES", "SURFACES", "prepared", "warm"]

SOUND = seeds.audio_bytes(seeds.wave(1, 0.3))
TAKE = seeds.audio_bytes(seeds.wave(4, 0.3))


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """The smallest model in the place of the shipped one, and one text tower for all: no case is of their weights."""
    load, tower = salm.load, functools.cache(hub.text_tower)

    def quick(name: str | Path = "small", *, device: str = "cpu") -> Model:
        return seeds.tiny() if str(name) == "small" else load(name, device=device)

    logger = logging.getLogger("salm")
    level = logger.level
    with mock.patch.object(hub, "text_tower", tower), mock.patch.object(salm, "load", quick, create=True):
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(level)


def warm() -> None:
    """Load and compile what every case needs, so that the first is not charged for it.

    Nothing is trained: a process that was forked after that could not train itself.
    """
    import salm.training.dry_run
    import salm.training.run  # noqa: F401

    scene = SceneRanges(sources=(0.0, 0.0, 1.0), moving=1.0, ambience=1.0)
    corpus = ProceduralCorpus(split="train", per_kind=1)
    source = FreshScenes([(corpus, 1.0)], scene)
    for number in range(4):
        render_scene(source.draw(number, np.random.default_rng(number)).scene, corpus)
    hub.text_tower("minilm-l6-v2")
    seeds.tiny().embed_text(["A dog barks."])
    _library()


@st.composite
def audio_cases(draw: DrawFn) -> Case:
    """Sound files with bytes out of place."""
    name = draw(st.sampled_from(sorted(seeds.audio())))
    content = draw(damaged([seeds.audio()[name], *seeds.audio().values()][: draw(st.sampled_from((1, 1, 1, 60)))]))
    how = draw(st.sampled_from(("locate", "locate", "model", "doctor", "scan", "edit", "embed", "stated")))
    return Case(surface="audio", files={f"take.{name.rpartition('.')[2]}": content}, told={"how": how})


def feed_audio(case: Case, folder: Path, out: Path) -> None:
    """Locate, diagnose, scan, edit or embed a file."""
    (path,), how = folder.iterdir(), case.told["how"]
    if how == "doctor":
        for found in command("doctor", path)["files"]:
            if found.get("confidence") is not None:
                _within(found["confidence"], 0, 1, "confidence")
    elif how == "scan":
        for found in command("scan", path, "--method", "intensity", "-o", out / "events.csv")["files"]:
            for event in found["events"]:
                _within(event["onset_s"], 0, event["offset_s"], "onset")
    elif how == "edit":
        command("edit", path, "turn it 90 degrees clockwise", "-o", out / "turned.wav", "--binaural", out / "ears.wav")
        _check_as_long(salm.read(path), salm.read(out / "turned.wav"))
    elif how == "embed":
        command("embed", path, "-o", out / "embeddings.npz")
    else:
        options = {"model": ["--windows"], "stated": ["--method", "intensity", "--format", "fuma"]}
        _check_located(command("locate", path, *options.get(how, ["--method", "intensity"])))


_CONFIG: dict[str, Any] = {
    **{key: value for key, value in to_mapping(TrainConfig(model=preset("tiny"))).items() if value is not None},
    "corpora": [{"per_kind": 1}],
    "responses": None,
    "batch_size": 4,
    "steps": 10,
    "validation_scenes": 8,
    "bfloat16": False,
}
_CONFIGS: tuple[dict[str, Any], ...] = (
    json.loads(json.dumps(_CONFIG)),
    {"model": "tiny", "corpora": [{"per_kind": 1}], "batch_size": 4, "micro_batch_size": 2, "epochs": 1},
    {"model": "tiny", "corpora": [{"per_kind": 1}], "scenes": json.loads(json.dumps(to_mapping(SceneRanges())))},
    {"model": {"preset": "tiny", "text_adapter_rank": 2}, "corpora": [{"per_kind": 1}], "batch_size": 2},
    {"model": {"preset": "tiny", "features": to_mapping(preset("tiny"))["features"]}, "corpora": [{"per_kind": 1}]},
    {"model": {"preset": "tiny", "htsat": json.loads(json.dumps(to_mapping(preset("tiny"))["htsat"]))}},
    {"model": "tiny", "scene_files": ["scenes.jsonl"], "rivals": 0, "windows": {"identity_targets": True}},
)


def _as_yaml(tree: Any) -> str:
    return yaml.safe_dump(tree, allow_unicode=True)


@st.composite
def config_cases(draw: DrawFn) -> Case:
    """Files of training runs."""
    tree = spoilt_tree(_CONFIGS) if draw(st.integers(0, 3)) else st.sampled_from(_CONFIGS)
    content = draw(damaged_text(tree.map(_as_yaml)))
    how = draw(st.sampled_from(("read", "read", "read", "dry run", "ranges")))
    return Case(surface="config", files={"run.yaml": content}, told={"how": how})


def feed_config(case: Case, folder: Path, out: Path) -> None:
    """Read a run's file, try a step of it out, or draw scenes from its ranges."""
    from salm.training.config import read_train_config

    if case.told["how"] == "dry run":
        with contextlib.chdir(folder):
            command("train", folder / "run.yaml", "--dry-run")
    elif case.told["how"] == "ranges":
        command("scenes", "make", "--ranges", folder / "run.yaml", "--count", "3", "-o", out / "scenes.jsonl")
        for scene in SceneTable(out / "scenes.jsonl"):
            scene.to_dict()
    else:
        read_train_config(folder / "run.yaml")


_MANIFEST = (
    [
        "file",
        "caption",
        "id",
        "alt_captions",
        "category",
        "split",
        "group",
        "licence",
        "licence_class",
        "attribution",
        "duration_s",
    ],
    ["a.wav", "A dog barks.", "dog", "A hound barks.|Barking.", "Dog", "train", "g1", "CC0", "permissive", "me", "0.3"],
    ["b.wav", "Rain falls, softly.", "rain", "", "Rain", "train", "g2", "", "", "", ""],
    ["deep/c.wav", "A bell rings", "", "", "Bell", "test", "g3", "CC-BY", "attribution", "you", "0.3"],
)
_TABLES: dict[str, tuple[str, tuple[list[str], ...]]] = {
    "manifest": ("manifest.csv", _MANIFEST),
    "fine": ("mine.csv", (["file", "caption"], ["a.wav", "A dog barks."], ["b.wav", "Rain falls."])),
    "clotho": (
        "clotho_captions_development.csv",
        (
            ["file_name", *(f"caption_{n}" for n in range(1, 6))],
            ["a.wav", "A dog barks.", "A hound barks.", "Barking.", "Dog.", "Bark."],
            ["b.wav", "Rain.", "It rains.", "Rain falls.", "Wet.", "Drops."],
        ),
    ),
    "audiocaps": (
        "train.csv",
        (["audiocap_id", "youtube_id", "start_time", "caption"], ["1", "a", "30", "A dog."], ["2", "b", "0", "Rain."]),
    ),
    "esc50": (
        "esc50.csv",
        (
            ["filename", "fold", "target", "category", "esc10", "src_file", "take"],
            ["a.wav", "1", "0", "dog", "True", "1", "A"],
            ["b.wav", "2", "10", "rain", "True", "2", "A"],
        ),
    ),
    "responses": (
        "responses.csv",
        (
            ["file", "azimuth_deg", "elevation_deg", "distance_m", "room"],
            ["r.wav", "90", "0", "1.5", "hall"],
            ["q.wav", "-45", "20", "", "hall"],
        ),
    ),
}


@st.composite
def _tables(draw: DrawFn, sound: tuple[list[str], ...]) -> str:
    """A table with some cells, rows or names out of place."""
    rows = [list(row) for row in sound]
    for _ in range(draw(st.integers(0, 3))):
        row = draw(st.sampled_from(rows))
        at = draw(st.integers(0, max(0, len(row) - 1)))
        what = draw(st.integers(0, 9))
        if what < 6 and row:
            row[at] = draw(st.sampled_from(ODD_TEXTS) | st.sampled_from(sorted({c for r in sound for c in r})))
        elif what == 6 and row:
            del row[at]
        elif what == 7:
            row.insert(at, draw(st.sampled_from(ODD_TEXTS)))
        else:
            rows.insert(draw(st.integers(0, len(rows))), list(row))
    quoted = draw(st.sampled_from((True, True, True, False)))
    return "\n".join(",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' if quoted else c for c in row) for row in rows)


@st.composite
def caption_cases(draw: DrawFn) -> Case:
    """Tables that list sounds with their captions, or responses with their directions."""
    how = draw(st.sampled_from(("manifest", "manifest", "manifest", *_TABLES)))
    name, sound = _TABLES[how]
    files = {name: draw(damaged_text(_tables(sound)))}
    if how == "responses":
        files |= {"r.wav": TAKE, "q.wav": TAKE}
    else:
        files |= {"a.wav": SOUND, "b.wav": SOUND, "deep/c.wav": SOUND, "train/Ya.wav": SOUND, "train/Yb.wav": SOUND}
        if draw(st.integers(0, 5)) == 0:
            files["a.wav"] = draw(damaged([SOUND]))
    return Case(surface="captions", files=files, told={"how": how})


def feed_captions(case: Case, folder: Path, out: Path) -> None:
    """Draw scenes from a corpus or through responses, and hear its sounds."""
    how, made = case.told["how"], ["scenes", "make", "--count", "3", "-o", out / "scenes.jsonl"]
    if how == "fine":
        from salm.scenes.corpora import open_corpus

        corpus: Any = open_corpus(folder / "mine.csv", split=None)
        for sound in corpus.sounds:
            corpus.audio(sound.id)
    elif how == "responses":
        command(*made, "--responses", folder, "--responses-share", "1")
        table = SceneTable(out / "scenes.jsonl")
        for scene in table[:2]:
            render_scene(scene, ProceduralCorpus(split="train"), responses=table.open_responses())
    else:
        layout = [] if how == "manifest" else ["--layout", how]
        command(*made, "--corpus", folder, *layout)
        corpus = SceneTable(out / "scenes.jsonl").open_corpus()
        if isinstance(corpus, FolderCorpus):
            for sound in corpus.sounds:
                corpus.audio(sound.id)


@st.composite
def _scene_lines(draw: DrawFn) -> str:
    lines = list(seeds.scene_lines())
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at] = draw(spoilt_tree([lines[at]]))
    if draw(st.integers(0, 9)) == 0:
        del lines[draw(st.integers(0, len(lines) - 1))]
    return "".join(json.dumps(line) + "\n" for line in lines)


@st.composite
def scene_cases(draw: DrawFn) -> Case:
    """Files of drawn scenes."""
    how = draw(st.sampled_from(("show", "page", "render", "render")))
    return Case(surface="scenes", files={"scenes.jsonl": draw(damaged_text(_scene_lines()))}, told={"how": how})


def feed_scenes(case: Case, folder: Path, out: Path) -> None:
    """Count scenes, draw them, or render them."""
    path, how = folder / "scenes.jsonl", case.told["how"]
    if how == "show":
        command("scenes", "show", path)
    elif how == "page":
        command("scenes", "show", path, "-o", out / "page.html")
    else:
        table = SceneTable(path)
        corpus = table.open_corpus()
        table.check_sounds({sound.id for sound in corpus.sounds}, corpus=corpus.name)
        # One is enough: each of three that move takes seconds.
        for scene in table[:1]:
            samples = render_scene(scene, corpus, responses=table.open_responses())
            salm.Recording(samples=samples, rate_hz=seeds.RATE_HZ)


@st.composite
def index_cases(draw: DrawFn) -> Case:
    """Folders of libraries."""
    files = dict(seeds.indexed())
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(files)))
        sound = seeds.indexed()[name]
        if name.endswith(".safetensors"):
            size = 8 + int.from_bytes(sound[:8], "little")
            files[name] = draw(_tensor_file(sound, size) | damaged([sound], header=size))
        elif draw(st.integers(0, 9)) == 0:
            del files[name]
        else:
            lines = [json.loads(line) for line in sound.decode().splitlines()] if name.endswith("l") else None
            tree = [json.loads(sound)] if lines is None else [lines]
            written = _as_lines if lines is not None else json.dumps
            files[name] = draw(damaged_text(spoilt_tree(tree).map(written)))
        if not files:
            break
    text = draw(st.sampled_from(("noise from the left", "rain", "azimuth:0..90", *ODD_TEXTS)))
    how = draw(st.sampled_from(("search", "search", "search", "add", "like")))
    return Case(surface="index", files={f"library/{n}": c for n, c in files.items()}, told={"how": how, "text": text})


def _as_lines(lines: Any) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines) if isinstance(lines, list) else json.dumps(lines)


@st.composite
def _tensor_file(draw: DrawFn, content: bytes, size: int) -> bytes:
    """A safetensors file whose header says something else."""
    header = json.dumps(draw(spoilt_tree([json.loads(content[8:size])]))).encode()
    return len(header).to_bytes(8, "little") + header + content[size:]


def feed_index(case: Case, folder: Path, out: Path) -> None:
    """Search a library, or add to a copy of it."""
    library, how, text = folder / "library", case.told["how"], case.told["text"].replace("\0", " ")
    if how == "add":
        copy = out / "library"
        Case(surface="", files={Path(name).name: content for name, content in case.files.items()}).write(copy)
        command("index", "add", seeds.TAKES, "--to", copy)
        return
    asked = ["--like", f"{seeds.TAKES}/left.wav"] if how == "like" else ["--", text]
    found = command("search", library, *asked)
    for hit in found["hits"]:
        _within(hit["start_s"], 0, hit["end_s"], "start")


@st.composite
def weight_cases(draw: DrawFn) -> Case:
    """Folders of weights."""
    files = dict(seeds.weights())
    config = json.loads(files["config.json"])
    size = 8 + int.from_bytes(files["model.safetensors"][:8], "little")
    if draw(st.booleans()):
        files["config.json"] = draw(damaged_text(spoilt_tree([config]).map(json.dumps)))
    else:
        tensors = files["model.safetensors"]
        files["model.safetensors"] = draw(_tensor_file(tensors, size) | damaged([tensors], header=size))
    if draw(st.integers(0, 19)) == 0:
        del files[draw(st.sampled_from(sorted(files)))]
    how = draw(st.sampled_from(("locate", "embed", "search")))
    return Case(surface="weights", files={f"model/{n}": c for n, c in files.items()}, told={"how": how})


def feed_weights(case: Case, folder: Path, out: Path) -> None:
    """Locate with a model."""
    model, take = folder / "model", out / "take.wav"
    take.write_bytes(TAKE)
    if case.told["how"] == "embed":
        command("embed", take, "A dog barks.", "-o", out / "x.npz", "--model", model)
    elif case.told["how"] == "search":
        command("rank", take, "A dog on the left.", "Rain.", "--model", model)
    else:
        _check_located(command("locate", take, "--model", model))


_FORM = {"windows": "true", "what": "a dog", "method": "model", "front_deg": "0", "widest_deg": "60", "layout": "ambix"}
_FORM |= {"text": "noise from the left", "sentence": "move it to the left", "facing": "north", "limit": "3"}
_FORM |= {"library": "takes"}
_FIELDS = {
    "hear": ("layout",),
    "ambix": ("layout",),
    "locate": ("windows", "what", "method", "front_deg", "widest_deg", "layout"),
    "rank": ("text", "layout"),
    "embed": ("text", "layout"),
    "search": ("library", "text", "limit", "facing"),
    "edit": ("sentence", "facing", "layout"),
    "scan": ("text", "layout"),
}
_HEADERS = ("host", "origin", "content-type", "content-length", "transfer-encoding", "range", "accept", "cookie")
_SAFE_TEXTS = tuple(text for text in ODD_TEXTS if "\n" not in text and "\0" not in text and text.isascii())


@st.composite
def server_cases(draw: DrawFn) -> Case:
    """Requests."""
    texts = st.sampled_from(ODD_TEXTS) | st.sampled_from([str(value) for value in ODD_VALUES if value != 10**400])
    if draw(st.integers(0, 4)) == 0:
        path = draw(
            st.sampled_from(("about", "head", "libraries/takes/sounds/0", "results/x/edited.wav", "scan/x", "../x", ""))
        )
        query = {
            draw(st.sampled_from(("rate_hz", "start_s", "end_s", "x"))): draw(texts)
            for _ in range(draw(st.integers(0, 2)))
        }
        method = draw(st.sampled_from(("GET", "GET", "GET", "DELETE", "POST", "PUT", "PATCH", "OPTIONS", "HEAD")))
        return Case(surface="server", told={"method": method, "path": f"/api/{path}", "query": query})
    verb = draw(st.sampled_from(sorted(_FIELDS)))
    form = {field: _FORM[field] for field in _FIELDS[verb] if field != "layout" or draw(st.booleans())}
    for _ in range(draw(st.integers(0, 2))):
        form[draw(st.sampled_from((*_FIELDS[verb], "extra")))] = draw(texts)
    if form and draw(st.integers(0, 5)) == 0:
        del form[draw(st.sampled_from(sorted(form)))]
    told: dict[str, Any] = {"method": "POST", "path": f"/api/{verb}", "form": form}
    name = draw(st.sampled_from(sorted(seeds.audio())))
    content = draw(st.just(TAKE) | damaged([seeds.audio()[name]]))
    if draw(st.integers(0, 9)) == 0:
        told["headers"] = {draw(st.sampled_from(_HEADERS)): draw(st.sampled_from(_SAFE_TEXTS))}
    if draw(st.integers(0, 9)) == 0:
        told["raw"] = True
    told["name"] = draw(st.sampled_from((name, f"take.{name.rpartition('.')[2]}", *ODD_TEXTS)))
    return Case(surface="server", files={} if draw(st.integers(0, 9)) == 0 else {"upload": content}, told=told)


@functools.cache
def _library() -> Path:
    """A folder with a library, gone when this process ends."""
    place = Path(tempfile.mkdtemp(prefix="salm-bad-input-library-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    Case(surface="", files=seeds.indexed()).write(place)
    return place


@functools.cache
def _client() -> TestClient:
    app = create_app(seeds.tiny(), libraries={"takes": Library(_library())}, limits=Limits(max_mb=2.0, max_s=20.0))
    client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
    client.__enter__()
    return client


def feed_server(case: Case, folder: Path, out: Path) -> None:
    """Send a request to a server in this process."""
    told, client = case.told, _client()
    options: dict[str, Any] = {"headers": told.get("headers"), "params": told.get("query")}
    files = {"file": (told["name"], case.files["upload"])} if "upload" in case.files else None
    if told.get("raw"):
        options["content"] = case.files.get("upload", b"")
        options["headers"] = {"content-type": "multipart/form-data; boundary=x", **(told.get("headers") or {})}
    elif "form" in told:
        options |= {"data": told["form"], "files": files}
    try:
        answer = client.request(told["method"], told["path"], **options)
    except (UnicodeEncodeError, ValueError) as error:
        raise InputError(f"the client refuses: {type(error).__name__}") from error
    if answer.status_code >= 500:
        raise Failure(f"status {answer.status_code} of {told['path']}")
    if answer.status_code >= 400:
        if told["method"] == "HEAD":
            return
        said = answer.json()["error"]
        if "\n" in said or len(said) > LONGEST_LINE:
            raise Failure(f"no clear line: {said[:200]!r}")
        raise InputError(said)
    if answer.headers.get("content-type") == "application/json":
        document = answer.json()
        if "/scan" in told["path"] and "id" in document:
            _finish_scan(client, document["id"])


def _finish_scan(client: TestClient, key: str) -> None:
    while (state := client.get(f"/api/scan/{key}").json())["state"] in ("waiting", "running"):
        pass
    if state["error"] and "no fault of yours" in state["error"]:
        raise Failure(f"a scan failed: {state['error']}")


def _within(value: float, least: float, most: float, name: str) -> None:
    if not least <= value <= most:
        raise Failure(f"{name} is {value}, not from {least} to {most}")


def _check_located(document: Mapping[str, Any]) -> None:
    for place in document["files"][0]["windows"]:
        _within(place["confidence"], 0, 1, "confidence")
        _within(place["start_s"], 0, place["end_s"], "start")
        if place["azimuth_deg"] is not None:
            _within(place["azimuth_deg"], -180, 180, "azimuth")


def _check_as_long(one: "salm.Recording", other: "salm.Recording") -> None:
    if one.samples.shape != other.samples.shape or one.rate_hz != other.rate_hz:
        raise Failure(f"an edit of {one.samples.shape} at {one.rate_hz} Hz is {other.samples.shape} at {other.rate_hz}")


SURFACES = {
    "audio": feed_audio,
    "config": feed_config,
    "captions": feed_captions,
    "scenes": feed_scenes,
    "index": feed_index,
    "weights": feed_weights,
    "server": feed_server,
}
"""What feeds a case, by the name of its surface."""

CASES: dict[str, SearchStrategy[Case]] = {
    "audio": audio_cases(),
    "config": config_cases(),
    "captions": caption_cases(),
    "scenes": scene_cases(),
    "index": index_cases(),
    "weights": weight_cases(),
    "server": server_cases(),
}
"""What is fed, by the name of the surface."""

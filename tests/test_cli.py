"""The commands, run in this process: exit status, the JSON that others build on, and one clear line for bad input."""

import errno
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from unittest.mock import Mock

import numpy as np
import pytest
import soundfile
from pyarrow import parquet

import salm
from salm.acoustics import measured
from salm.audio.formats import ambix_to_fuma, encode_plane_wave
from salm.cli import evaluating
from salm.cli.command import Command, Layout, ResponseLayout
from salm.cli.hearing import Locate
from salm.cli.main import COMMANDS, main
from salm.model import hub
from salm.model.cone import WIDEST_DEG
from salm.model.presets import preset
from salm.scenes.corpora import CorpusLayout
from salm.scenes.recordings import RecordingLayout
from salm.scenes.scene import Scene
from salm.scenes.storage import SceneTable
from salm.training import run as training_run

RATE_HZ = 24_000
PLACE = {"start_s", "end_s", "azimuth_deg", "elevation_deg", "sector", "confidence", "ambiguity", "reason"}
PLACE |= {"cone_deg", "kappa"}


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        assert self.out.count("\n") == 1
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on standard error of a command that was refused, without its beginning."""
        assert self.status == 2
        assert self.err.startswith("salm: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        return self.err[6:-1]


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*words: object) -> Ran:
        capsys.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as stop:
            status = stop.code
        return Ran(status, *capsys.readouterr())

    return ran


@pytest.fixture(scope="module", autouse=True)
def every_model_is_loaded_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(salm, "load", functools.cache(salm.load))
        yield


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a model with random weights, of windows of one second."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    hub.save(hub.build_frozen(preset("tiny")), preset("tiny"), folder)
    return folder


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings: a wave from 40 degrees, stereo from 30 degrees, mono, and all that is no recording."""
    folder = tmp_path_factory.mktemp("sounds")
    noise = (0.1 * np.random.default_rng(0).uniform(-1, 1, RATE_HZ * 3 // 2)).astype(np.float32)
    field = encode_plane_wave(noise, 40, 10)
    bad = field.copy()
    bad[2, RATE_HZ // 2] = np.nan
    channels = {
        "foa": field,
        "fuma": ambix_to_fuma(field),
        "unnamed": ambix_to_fuma(field),
        "stereo": np.stack([noise, noise / 3]),
        "mono": noise[None],
        "silent": np.zeros((4, 100)),
        "three": np.stack([noise] * 3),
        "nan": bad,
    }
    for name, samples in channels.items():
        soundfile.write(folder / f"{name}.wav", samples.T, RATE_HZ, subtype="FLOAT")
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("this is no audio, it is a sentence\n" * 20, encoding="utf-8")
    (folder / "broken.wav").write_bytes(b"RIFX" + b"\xff" * 16 + (folder / "foa.wav").read_bytes()[20:])
    return folder


BAD = {
    "empty.wav": "is empty.",
    "broken.wav": "is no audio file that can be read, or is damaged",
    "nan.wav": "holds samples that are no numbers, the first at 0.500 s; mend the file.",
    "three.wav": "has 3 channels; recordings are mono, stereo or Ambisonics with 4, 9, 16, ... channels.",
    "text.wav": "is no audio file that can be read, or is damaged",
    "missing.wav": "does not exist.",
    ".": "is a folder; give audio files.",
}


def located(run: Run, *words: object) -> dict[str, Any]:
    """The one window of one file that was located."""
    ran = run("locate", *words, "--json")
    assert ran.status == 0
    (file,) = ran.document["files"]
    assert file["error"] is None
    (window,) = file["windows"]
    assert set(window) >= PLACE
    return window


# What is the same for all commands.


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["locate", "--version"]])
def test_version(run: Run, words: list[str]) -> None:
    assert run(*words) == Ran(0, f"salm {salm.__version__}\n", "")


@pytest.mark.parametrize("group", ["import", "index", "scenes"])
def test_the_help_of_a_group_names_its_commands(run: Run, group: str) -> None:
    ran = run(group, "--help")
    assert (ran.status, ran.err) == (0, "")
    for name in COMMANDS:
        assert (f"  salm {name} " in ran.out) == name.startswith(f"{group} ")


@pytest.mark.parametrize(("words", "status"), [([], 2), (["--help"], 0), (["-h"], 0)])
def test_the_overview_names_every_command(run: Run, words: list[str], status: int) -> None:
    ran = run(*words)
    assert (ran.status, ran.err) == (status, "")
    assert [line.split("  ")[1] for line in ran.out.splitlines() if line.startswith("  ")] == [
        f"salm {name}" for name in COMMANDS
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_has_the_common_options(run: Run, name: str) -> None:
    ran = run(*name.split(), "--help")
    assert ran.status == 0
    for option in ("--json", "--device", "--threads"):
        assert option in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["locat", "x.wav"], "there is no command `salm locat x.wav`; perhaps you meant: locate."),
        (
            ["scenes"],
            "there is no command `salm scenes`; perhaps you meant: "
            "scenes make, scenes show, scenes export, scenes rephrase.",
        ),
        (["index", "ad"], "there is no command `salm index ad`; perhaps you meant: index add."),
        (["xyzzy"], f"there is no command `salm xyzzy`; there are {', '.join(COMMANDS)}."),
    ],
)
def test_an_unknown_command_is_told_what_there_is(run: Run, words: list[str], said: str) -> None:
    assert run(*words).complaint == said


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["locate", "a.wav", "--methd", "intensity"], "--method"),
        (["locate", "a.wav", "--method", "magic"], "'model', 'intensity'"),
        (["locate", "a.wav", "--front-deg", "left"], "--front-deg"),
        (["edit", "a.wav", "mirror it"], "--out"),
        (["edit", "a.wav", "-o", "b.wav"], "give a recording and a sentence"),
        (
            ["edit", "--undo", "b.wav", "--dry-run"],
            "--undo takes the result of an edit and --out, and nothing else.",
        ),
        (["edit", "--undo", "b.wav"], "b.wav.edit.json does not exist; an edit is undone by the record"),
    ],
)
def test_a_wrong_option_is_wrong_usage(run: Run, words: list[str], named: str) -> None:
    ran = run(*words)
    assert (ran.status, ran.out) == (2, "")
    # The box that the parser draws may break lines anywhere.
    assert named in " ".join(ran.err.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threads", -1], "--threads is -1 but must be at least 0."),
        (["--threads", 100_000], "--threads is 100000 but must be at most 1024."),
        (["--device", "toaster"], "--device toaster cannot be used here; try cpu."),
        (["--front-deg", "nan"], "--front-deg is nan but must be a number of degrees."),
        (["--widest-deg", 181], "--widest-deg is 181.0 but must be from 0 to 180."),
        (["--widest-deg", "nan"], "--widest-deg is nan but must be from 0 to 180."),
        (["--layout", "wxyz"], "layout is 'wxyz' but must be one of ambix, n3d, fuma, a-format, dcase-mic, em32."),
        (["--method", "intensity", "--what", "a dog"], "--windows and --what need the model"),
        (["--method", "intensity", "--windows"], "--windows and --what need the model"),
    ],
)
def test_options_that_cannot_be(run: Run, sounds: Path, tiny: Path, words: list[str], said: str) -> None:
    assert said in run("locate", sounds / "foa.wav", "--model", tiny, *words).complaint


def test_an_unknown_model_is_told_which_there_are(
    run: Run, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("alpha", "beta"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text('{"pair": "dual_htsat"}', encoding="utf-8")
    monkeypatch.setattr(hub, "WEIGHTS", tmp_path)
    complaint = run("locate", sounds / "foa.wav", "--model", "gamma").complaint
    assert complaint.startswith("gamma: no such model")
    assert complaint.endswith("or one of: alpha, beta.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["locate"], "there is nothing to locate"),
        (["rank", "a.wav"], "there is no sentence to rank"),
        (["embed", "-o", "x.npz"], "there is nothing to embed"),
        (["index", "add", "--to", "lib"], "there is nothing to index"),
        (["scenes", "make", "-o", "x.jsonl", "--count", 0], "--count is 0 but must be at least 1."),
        (["scenes", "make", "-o", "x.jsonl", "--seed", -1], "--seed is -1 but must be at least 0."),
        (["scenes", "make", "-o", "x.jsonl", "--split", "exam"], "no split 'exam'; it has train, val, test."),
        (["scenes", "show", "x.jsonl", "--limit", 0], "--limit is 0 but must be at least 1."),
        (["scenes", "show", "x.jsonl"], "x.jsonl cannot be read as scenes"),
        (["scenes", "export", "x.jsonl", "-o", "x"], "x.jsonl cannot be read as scenes"),
        (["scenes", "export", "x", "-o", "x", "--shard-scenes", 0], "--shard-scenes is 0 but must be at least 1."),
        (["scenes", "export", "x", "-o", "x", "--ray", "auto", "--workers", 2], "--workers does not go with --ray"),
        (["search", "lib", "dog"], "lib is no library; make one with: salm index add FOLDER --to lib"),
        (["demo", "--seed", -1], "--seed is -1 but must be at least 0."),
        (["train", "x.yaml", "-o", "run"], "x.yaml cannot be read as YAML"),
        (["evaluate", "tiny", "--rows", "licence"], "--rows licence: expected COLUMN=VALUE"),
        (["evaluate", "tiny", "--rows", "licence=cc0"], "has no manifest with a column 'licence'"),
        (["evaluate", "tiny", "--seed", -1], "--seed is -1 but must be at least 0."),
    ],
)
def test_what_is_missing_or_impossible_is_said_and_nothing_is_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[object], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run(*words)
    assert said in ran.complaint
    assert ran.out == ""
    assert not list(tmp_path.iterdir())


def test_an_interrupt_stops_quietly(run: Run, sounds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("salm.model.locate.locate_file", interrupted)
    assert run("locate", sounds / "foa.wav", "--method", "intensity") == Ran(130, "", "salm: stopped.\n")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EMFILE, errno.EIO])
def test_what_the_system_refuses_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    refused = OSError(number, os.strerror(number), "there.wav")
    monkeypatch.setattr(Locate, "run", Mock(side_effect=refused))
    assert run("locate", "take.wav").complaint == f"there.wav: {os.strerror(number)}."


@pytest.mark.parametrize("fault", [FileNotFoundError(errno.ENOENT, "no such file", "salm.npz"), OSError("odd")])
def test_a_fault_of_ours_is_not_taken_for_bad_input(run: Run, monkeypatch: pytest.MonkeyPatch, fault: OSError) -> None:
    monkeypatch.setattr(Locate, "run", Mock(side_effect=fault))
    with pytest.raises(type(fault)):
        run("locate", "take.wav")


def test_a_folder_that_is_gone_is_one_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert run("demo").complaint == "the folder that you are in is gone; go to another one."


@pytest.mark.parametrize(("words", "status"), [("locate foa.wav --method intensity", 0), ("locate absent.wav", 2)])
def test_nobody_need_listen(sounds: Path, words: str, status: int) -> None:
    ran = subprocess.run(f"exec {sys.executable} -m salm {words} >&- 2>&-", shell=True, cwd=sounds, check=False)
    assert ran.returncode == status


def test_a_new_process_says_one_line_and_exits_with_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "salm", "locate", "missing.wav", "--method", "intensity"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONUTF8": "1"})
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "salm: missing.wav does not exist.\n")


# locate


def test_locate_by_intensity_needs_no_weights(run: Run, sounds: Path) -> None:
    window = located(run, sounds / "foa.wav", "--method", "intensity", "--model", "no such model")
    assert (window["azimuth_deg"], window["elevation_deg"]) == pytest.approx((40, 10), abs=0.01)
    assert (window["start_s"], window["end_s"], window["sector"]) == (0.0, 1.5, "front left")
    assert window["confidence"] == pytest.approx(1, abs=0.01)
    assert (window["ambiguity"], window["reason"]) == (None, None)


def test_locate_with_a_model(run: Run, sounds: Path, tiny: Path) -> None:
    window = located(run, sounds / "foa.wav", "--model", tiny)
    assert (window["start_s"], window["end_s"]) == (0.0, 1.5)
    assert -180 < window["azimuth_deg"] <= 180
    assert -90 <= window["elevation_deg"] <= 90
    assert 0 <= window["confidence"] <= 1
    assert (window["ambiguity"], window["reason"]) == (None, None)


@pytest.mark.parametrize("method", ["model", "intensity"])
def test_stereo_cannot_tell_front_from_back(run: Run, sounds: Path, tiny: Path, method: str) -> None:
    """Left three times as loud as right: Y / W = (3 - 1) / (3 + 1), the sine of 30 degrees."""
    window = located(run, sounds / "stereo.wav", "--method", method, "--model", tiny)
    assert window["azimuth_deg"] == pytest.approx(30, abs=0.01)
    assert (window["elevation_deg"], window["ambiguity"], window["sector"]) == (None, "front-back", "front left")
    assert "front from back" in window["reason"]


@pytest.mark.parametrize("method", ["model", "intensity"])
def test_mono_has_no_direction(run: Run, sounds: Path, tiny: Path, method: str) -> None:
    window = located(run, sounds / "mono.wav", "--method", method, "--model", tiny)
    assert [window[key] for key in ("azimuth_deg", "elevation_deg", "sector")] == [None] * 3
    assert (window["ambiguity"], window["confidence"]) == ("all", 0.0)
    assert window["reason"] == "one channel holds no direction"


@pytest.mark.parametrize(
    ("front_deg", "azimuth_deg", "sector"), [(30, 10, "front"), (-50, 90, "left"), (180, -140, "back right")]
)
def test_locate_sees_from_the_front_it_is_given(
    run: Run, sounds: Path, front_deg: float, azimuth_deg: float, sector: str
) -> None:
    window = located(run, sounds / "foa.wav", "--method", "intensity", "--front-deg", front_deg)
    assert window["azimuth_deg"] == pytest.approx(azimuth_deg, abs=0.01)
    assert window["sector"] == sector


def test_locate_reads_other_layouts(run: Run, sounds: Path) -> None:
    ran = run("locate", sounds / "fuma.wav", "--method", "intensity", "--layout", "fuma", "--json")
    (file,) = ran.document["files"]
    assert file["windows"][0]["azimuth_deg"] == pytest.approx(40, abs=0.01)
    assert file["notes"] == ["Converted from FuMa to AmbiX."]


def test_locate_window_by_window_and_how_well_words_fit(run: Run, sounds: Path, tiny: Path) -> None:
    document = run("locate", sounds / "foa.wav", "--model", tiny, "--windows", "--what", "a dog", "--json").document
    (file,) = document["files"]
    assert [(window["start_s"], window["end_s"]) for window in file["windows"]] == [(0.0, 1.0), (0.5, 1.5)]
    assert all(set(window) >= PLACE and -1 <= window["what"] <= 1 for window in file["windows"])
    whole = located(run, sounds / "foa.wav", "--model", tiny, "--what", "a dog")
    assert whole["what"] == max(window["what"] for window in file["windows"])


def test_locate_draws_what_it_says(run: Run, sounds: Path, tiny: Path, tmp_path: Path) -> None:
    drawing = tmp_path / "where.svg"
    ran = run("locate", sounds / "foa.wav", "--method", "intensity", "--plot", drawing)
    sector = ran.out.partition(" s  ")[2].partition(",")[0]
    assert f"{sector}: azimuth" in drawing.read_text(encoding="utf-8")
    assert run("locate", sounds / "foa.wav", "--model", tiny, "--windows", "--plot", drawing).status == 0
    assert "Direction against time" in drawing.read_text(encoding="utf-8")
    names = ["foa.wav", "mono.wav", next(iter(BAD))]
    files = [sounds / name for name in names]
    assert run("locate", *files, "--method", "intensity", "--plot", drawing, "--json").status == 2
    picture = drawing.read_text(encoding="utf-8")
    assert all(name in picture for name in names)


@pytest.mark.parametrize("words", [("locate", "a.wav"), ("scan", "a.wav"), ("evaluate", "small")])
def test_a_picture_that_is_no_svg_is_refused_at_once(run: Run, words: tuple[str, ...]) -> None:
    said = run(*words, "--plot", "where.png").complaint
    assert said == "--plot where.png: a picture is SVG, and its name must end in .svg."


@pytest.mark.parametrize(("name", "said"), BAD.items())
def test_what_is_no_recording_gets_one_line(run: Run, sounds: Path, name: str, said: str) -> None:
    ran = run("locate", sounds / name, "--method", "intensity")
    assert ran.complaint.startswith(f"{sounds / name} {said}")
    assert ran.out == ""


def test_bad_files_do_not_stop_the_others(run: Run, sounds: Path, tiny: Path) -> None:
    names = ["foa.wav", *BAD, "mono.wav"]
    ran = run("locate", *(sounds / name for name in names), "--model", tiny, "--json")
    files = ran.document["files"]
    assert ran.status == 2
    assert [file["file"] for file in files] == [str(sounds / name) for name in names]
    assert [file["file"] for file in files if file["error"] is None] == [
        str(sounds / "foa.wav"),
        str(sounds / "mono.wav"),
    ]
    assert [len(file["windows"]) for file in files] == [1, *[0] * len(BAD), 1]
    assert ran.err.splitlines() == [f"salm: {file['error']}" for file in files if file["error"]]


def test_locate_says_it_in_words(run: Run, sounds: Path) -> None:
    ran = run("locate", sounds / "foa.wav", sounds / "stereo.wav", sounds / "mono.wav", "--method", "intensity")
    foa, stereo, mono = ran.out.splitlines()
    assert foa.endswith("foa.wav     0.0-1.5 s  front left, azimuth +40, elevation +10, confidence 1.00")
    assert "front left, azimuth +30, confidence 1.00; two channels cannot tell front from back" in stereo
    assert mono.endswith("no direction: one channel holds no direction")
    assert (ran.status, ran.err) == (0, "")


@pytest.mark.parametrize(("name", "end"), [("foa.wav", "confidence 0.50"), ("mono.wav", "holds no direction")])
def test_locate_says_how_well_words_fit(run: Run, sounds: Path, tiny: Path, name: str, end: str) -> None:
    words = ("locate", sounds / name, "--model", tiny, "--what", "a dog")
    fit = run(*words, "--json").document["files"][0]["windows"][0]["what"]
    assert run(*words).out.endswith(f"{end}, fits {fit:+.2f}\n")


def test_locate_says_how_wide_the_cone_is(run: Run, sounds: Path) -> None:
    words = ("locate", sounds / "foa.wav")
    window = run(*words, "--json").document["files"][0]["windows"][0]
    assert f"elevation +10, ±{window['cone_deg']:.0f}°, confidence 1.00" in run(*words).out
    assert run(*words, "--widest-deg", 0).out.endswith(f"±{window['cone_deg']:.0f}° for 90 % certainty\n")


def test_the_default_width_is_the_librarys() -> None:
    assert Locate.__dataclass_fields__["widest_deg"].default == WIDEST_DEG


def test_what_is_behind_is_plus_180(run: Run, sounds: Path) -> None:
    ran = run("locate", sounds / "foa.wav", "--method", "intensity", "--front-deg", -139.7)
    assert "back, azimuth +180, elevation +10," in ran.out


def test_notes_go_to_standard_error(run: Run, sounds: Path) -> None:
    ran = run("locate", sounds / "fuma.wav", "--method", "intensity", "--layout", "fuma")
    assert ran.err == f"salm: {sounds / 'fuma.wav'}: Converted from FuMa to AmbiX.\n"
    assert ran.out.count("\n") == 1


# rank and embed


SENTENCES = ("a dog on the left", "rain", "a bell from behind")


@pytest.fixture
def vectors(run: Run, sounds: Path, tiny: Path, tmp_path: Path) -> dict[str, np.ndarray]:
    inputs = (sounds / "foa.wav", SENTENCES[0], sounds / "mono.wav", *SENTENCES[1:])
    ran = run("embed", *inputs, "-o", tmp_path / "new" / "x.npz", "--model", tiny, "--json")
    assert ran.status == 0
    assert ran.document["sentences"] == list(SENTENCES)
    assert ran.document["files"] == [str(sounds / "foa.wav"), str(sounds / "mono.wav")]
    with np.load(tmp_path / "new" / "x.npz") as stored:
        return dict(stored)


def test_embed_writes_what_it_says(vectors: dict[str, np.ndarray], sounds: Path, tiny: Path) -> None:
    assert set(vectors) == {"joint", "semantic", "spatial", "text", "files", "sentences", "model"}
    assert [vectors[key].shape for key in ("joint", "semantic", "spatial", "text")] == [(2, 32)] * 3 + [(3, 32)]
    assert {vectors[key].dtype for key in ("joint", "semantic", "spatial", "text")} == {np.dtype(np.float32)}
    assert vectors["files"].tolist() == [str(sounds / "foa.wav"), str(sounds / "mono.wav")]
    assert vectors["sentences"].tolist() == list(SENTENCES)
    content = (tiny / "config.json").read_bytes() + (tiny / "model.safetensors").read_bytes()
    assert str(vectors["model"]) == hashlib.sha256(content).hexdigest()[:16]
    np.testing.assert_allclose(np.linalg.norm(vectors["text"], axis=1), 1, rtol=1e-6)
    # Nothing is known of where a mono recording is.
    np.testing.assert_array_equal(vectors["joint"][1], vectors["semantic"][1])


def test_embed_gives_the_same_twice_bit_for_bit(run: Run, sounds: Path, tiny: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        run("embed", sounds / "foa.wav", "a dog", "-o", tmp_path / f"{name}.npz", "--model", tiny)
    with np.load(tmp_path / "first.npz") as first, np.load(tmp_path / "second.npz") as second:
        assert all(first[key].tobytes() == second[key].tobytes() for key in first)


def test_embed_counts_what_it_wrote(run: Run, sounds: Path, tiny: Path, tmp_path: Path) -> None:
    ran = run("embed", sounds / "mono.wav", "rain", "wind", "-o", tmp_path / "x.npz", "--model", tiny)
    assert ran == Ran(0, f"1 recording and 2 sentences in {tmp_path / 'x.npz'}\n", "")


def test_a_missing_file_is_not_taken_for_a_sentence(run: Run, tiny: Path, tmp_path: Path) -> None:
    ran = run("embed", "missing.wav", "-o", tmp_path / "x.npz", "--model", tiny)
    assert ran.complaint == "missing.wav does not exist."
    assert not list(tmp_path.iterdir())


def test_rank_is_the_cosine_with_each_embedding(
    run: Run, sounds: Path, tiny: Path, vectors: dict[str, np.ndarray]
) -> None:
    ran = run("rank", sounds / "foa.wav", *SENTENCES, "--model", tiny, "--json")
    ranking = ran.document["ranking"]
    assert ran.status == 0
    assert sorted(row["text"] for row in ranking) == sorted(SENTENCES)
    assert [row["score"] for row in ranking] == sorted((row["score"] for row in ranking), reverse=True)
    for row in ranking:
        text = vectors["text"][SENTENCES.index(row["text"])]
        cosines = {
            name: text @ vectors[part][0] / np.linalg.norm(vectors[part][0])
            for name, part in (("score", "joint"), ("what", "semantic"), ("where", "spatial"))
        }
        assert {name: row[name] for name in cosines} == pytest.approx(cosines, abs=1e-6)


def test_rank_prints_a_table_best_first(run: Run, sounds: Path, tiny: Path) -> None:
    ranking = run("rank", sounds / "foa.wav", *SENTENCES, "--model", tiny, "--json").document["ranking"]
    head, *rows = run("rank", sounds / "foa.wav", *SENTENCES, "--model", tiny).out.splitlines()
    assert head.split() == ["text", "score", "what", "where"]
    assert [row.split("  ")[0] for row in rows] == [row["text"] for row in ranking]


# index add and search


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, sounds: Path, tiny: Path) -> Path:
    folder = tmp_path_factory.mktemp("library") / "lib"
    files = [str(sounds / f"{name}.wav") for name in ("foa", "stereo", "mono")]
    assert main(["index", "add", *files, "--to", str(folder), "--model", str(tiny)]) == 0
    return folder


def test_indexing_again_adds_nothing(run: Run, sounds: Path, tiny: Path, library: Path) -> None:
    ran = run("index", "add", sounds / "foa.wav", "--to", library, "--model", tiny, "--json")
    assert (ran.status, ran.err) == (0, "")
    assert ran.document == {
        "library": str(library),
        "added": [],
        "skipped": [str(sounds / "foa.wav")],
        "moved": [],
        "removed": [],
        "failed": [],
        "noted": [],
    }


def test_indexing_goes_on_after_a_bad_file(run: Run, sounds: Path, tiny: Path, tmp_path: Path) -> None:
    shutil.copy(sounds / "mono.wav", tmp_path / "b.wav")
    shutil.copy(sounds / "broken.wav", tmp_path / "a.wav")
    words = ("index", "add", tmp_path, "--to", tmp_path / "lib", "--model", tiny)
    ran = run(*words)
    assert ran.complaint.startswith(f"{tmp_path / 'a.wav'} is no audio file")
    assert ran.out == f"1 added, 0 unchanged, 1 failed in {tmp_path / 'lib'}\n"
    document = run(*words, "--json").document
    assert document["skipped"] == [str(tmp_path / "b.wav")]
    assert [failure["file"] for failure in document["failed"]] == [str(tmp_path / "a.wav")]


def test_search_says_how_it_understood_and_what_it_found(run: Run, sounds: Path, tiny: Path, library: Path) -> None:
    ran = run("search", library, "dog from the left, below", "--model", tiny, "--json")
    assert ran.status == 0
    query = {"what": "dog", "azimuth_deg": 90.0, "sector": "left", "elevation": "below"}
    assert ran.document["query"].items() >= ({"text": "dog from the left, below"} | query).items()
    assert ran.document["query"]["understood"] == '"dog" at left (90°), below'
    assert ran.err == ""
    hits = ran.document["hits"]
    # Of 1.5 s in windows of one second, two windows for each of three files.
    assert len(hits) == 6
    assert {hit["file"] for hit in hits} == {str(sounds / f"{name}.wav") for name in ("foa", "stereo", "mono")}
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    for hit in hits:
        assert set(hit) >= {"file", "start_s", "end_s", "score", "azimuth_deg", "elevation_deg"}
        assert hit["end_s"] - hit["start_s"] == 1.0
        assert (hit["azimuth_deg"] is None) == hit["file"].endswith("mono.wav")


def test_search_shows_as_many_hits_as_it_is_told(run: Run, tiny: Path, library: Path) -> None:
    head, *rows = run("search", library, "dog", "--model", tiny, "--limit", 2).out.splitlines()
    assert head.split()[:4] == ["file", "start_s", "end_s", "score"]
    assert len(rows) == 2


def test_search_by_compass_means_what_the_listener_faces(run: Run, tiny: Path, library: Path) -> None:
    words = ("search", library, "dog in the west", "--model", tiny, "--json")
    assert run(*words).document["query"]["sector"] == "left"
    assert run(*words, "--facing", "south").document["query"]["sector"] == "right"


def test_search_by_an_example_finds_the_example(run: Run, sounds: Path, tiny: Path, library: Path) -> None:
    ran = run("search", library, "--like", sounds / "foa.wav", "--model", tiny, "--json")
    assert ran.document["query"] is None
    assert ran.document["hits"][0]["file"] == str(sounds / "foa.wav")
    moved = run("search", library, "from the right", "--like", sounds / "foa.wav", "--model", tiny, "--json")
    assert moved.document["query"]["azimuth_deg"] == -90


def test_search_shows_the_parse_and_draws_the_hits(run: Run, tiny: Path, library: Path, tmp_path: Path) -> None:
    drawing = tmp_path / "hits.svg"
    text = "rain AND dog from:left elevation:>20 NOT music OR bell file:foa"
    ran = run("search", library, text, "--model", tiny, "--plot", drawing)
    parse = '"rain"; "dog"; azimuth 67.5..112.5; elevation > 20; not "music" | "bell"; file foa'
    assert ran.err == f"understood: {parse}\n"
    picture = drawing.read_text(encoding="utf-8")
    # Alone in a file it has a colour of its own for what is currentColor.
    assert picture.startswith('<svg color="#')
    rows = ran.out.splitlines()[1:]
    assert picture.count("foa.wav, ") >= len([row for row in rows if "foa.wav" in row]) > 0


def test_a_moved_file_is_said(run: Run, sounds: Path, tiny: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "sounds" / "a.wav", tmp_path / "sounds" / "b.wav"
    first.parent.mkdir()
    shutil.copy(sounds / "mono.wav", first)
    words = ("index", "add", first.parent, "--to", tmp_path / "lib", "--model", tiny)
    run(*words)
    first.rename(second)
    assert run(*words).out == f"moved: {first} -> {second}\n0 added, 0 unchanged, 1 moved in {tmp_path / 'lib'}\n"
    second.unlink()
    assert run(*words).out == f"removed: {second}\n0 added, 0 unchanged, 1 removed in {tmp_path / 'lib'}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([""], "the query is empty"),
        (["rain from:sideways"], "at character 6, 'from:sideways': 'sideways' names no direction"),
        (["on the left and on the right"], "names several directions (on the left, on the right); name one."),
        (["dog", "--limit", 0], "--limit is 0 but must be at least 1."),
        (["dog", "--plot", "hits.png"], "--plot hits.png: a picture is SVG"),
        (["dog in the north", "--facing", "up"], "facing is 'up' but must be one of north"),
        (["--like", "missing.wav", "--facing", "up"], "facing is 'up' but must be one of north"),
        (["--like", "missing.wav", "--facing", "east"], "--facing east turns words such as 'from the west'"),
        (["rain", "--like", "missing.wav"], "'rain' names no direction"),
        (["", "--like", "missing.wav"], "missing.wav does not exist."),
    ],
)
def test_searches_that_cannot_be_are_refused_before_a_model_is_loaded(
    run: Run, library: Path, words: list[object], said: str
) -> None:
    assert said in run("search", library, *words, "--model", "nowhere").complaint


def test_a_library_refuses_another_model(run: Run, tiny: Path, library: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "other")
    config = json.loads((tmp_path / "other" / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "other" / "config.json").write_text(json.dumps(config | {"facing": "south"}), encoding="utf-8")
    complaint = run("search", library, "dog", "--model", tmp_path / "other").complaint
    assert complaint.startswith(f"{library} was made with the model tiny ({hub.digest(tiny)}), not with tiny (")


# edit


def test_edit_moves_and_says_from_where_to_where(run: Run, sounds: Path, tmp_path: Path) -> None:
    before = (sounds / "foa.wav").read_bytes()
    out, ears = tmp_path / "out.wav", tmp_path / "ears.wav"
    ran = run("edit", sounds / "foa.wav", "move it to the left", "-o", out, "--binaural", ears, "--json")
    done = ran.document
    assert (ran.status, ran.err) == (0, "")
    assert set(done) >= {"file", "out", "binaural", "description", "notes", "moved_from", "moved_to"}
    assert done == json.loads((tmp_path / "out.wav.edit.json").read_text(encoding="utf-8"))
    assert (done["file"], done["out"], done["binaural"]) == (str(sounds / "foa.wav"), str(out), str(ears))
    assert done["moved_from"] == pytest.approx({"azimuth_deg": 40, "elevation_deg": 10}, abs=0.01)
    assert done["moved_to"] == pytest.approx({"azimuth_deg": 90, "elevation_deg": 10}, abs=0.01)
    w, y, _, x = soundfile.read(out)[0].T
    assert np.rad2deg(np.arctan2(w @ y, w @ x)) == pytest.approx(90, abs=3)
    assert soundfile.info(ears).channels == 2
    assert (sounds / "foa.wav").read_bytes() == before


def test_edit_says_it_in_words(run: Run, sounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    ran = run("edit", sounds / "stereo.wav", "move it behind me", "-o", out)
    assert ran.out == (
        "Turned everything to move the sound: from front left (azimuth +30, elevation +0) "
        f"to back (azimuth +180, elevation +0). Written: {out}\n"
    )
    assert ran.err.startswith(f"salm: {sounds / 'stereo.wav'}: Stereo cannot tell front from back")
    assert ran.status == 0


@pytest.mark.parametrize(
    ("name", "sentence", "out", "said"),
    [
        ("foa.wav", "make it nicer", "out.wav", "the edit 'make it nicer' is not understood"),
        ("foa.wav", "mirror it", "out.mp3", "out.mp3 cannot be written; its name must end in one of .wav, .flac"),
        ("silent.wav", "mirror it", "out.wav", "silent.wav is silent, so there is nothing to move."),
        ("mono.wav", "mirror it", "out.wav", "mono.wav is mono and has no direction to turn or mirror"),
        ("three.wav", "mirror it", "out.wav", "three.wav has 3 channels"),
        ("foa.wav", "move it to the east --facing up", "out.wav", "facing is 'up' but must be one of north"),
    ],
)
def test_edits_that_cannot_be(
    run: Run, sounds: Path, tmp_path: Path, name: str, sentence: str, out: str, said: str
) -> None:
    sentence, *options = sentence.split(" --facing ")
    facing = [word for option in options for word in ("--facing", option)]
    assert said in run("edit", sounds / name, sentence, "-o", tmp_path / out, *facing).complaint
    assert not list(tmp_path.iterdir())


def test_edit_is_tried_out_done_and_undone(run: Run, sounds: Path, tmp_path: Path) -> None:
    words = ("edit", sounds / "foa.wav", "raise it by 20 degrees", "-o", tmp_path / "out.wav")
    ran = run(*words, "--dry-run")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == (
        "Turned everything to move the sound 20 degrees up: from front left (azimuth +40, elevation +10) "
        "to front left, above (azimuth +40, elevation +30). Nothing is written.\n"
    )
    assert not list(tmp_path.iterdir())
    assert run(*words).status == 0
    ran = run("edit", "--undo", tmp_path / "out.wav.edit.json", "-o", tmp_path / "back.wav", "--json")
    assert ran.status == 0
    assert ran.document["exact"] is True
    assert (tmp_path / "back.wav").read_bytes() == (sounds / "foa.wav").read_bytes()


def test_what_was_converted_by_the_sound_alone_is_one_line(run: Run, sounds: Path, tmp_path: Path) -> None:
    ran = run("edit", sounds / "unnamed.wav", "turn it by 10 degrees", "-o", tmp_path / "out.wav", "--json")
    assert ran.status == 0
    (note,) = ran.document["notes"]
    assert note.startswith("By its sound it is FuMa B-format (")
    assert ran.err == f"salm: {sounds / 'unnamed.wav'}: {note}\n"
    assert ran.document["moved_from"] == pytest.approx({"azimuth_deg": 40, "elevation_deg": 10}, abs=0.5)
    ran = run("edit", sounds / "unnamed.wav", "turn it by 10 degrees", "--dry-run", "--format", "ambix")
    assert ran.err == ""


@pytest.mark.parametrize(
    "words", [["locate"], ["rank", "a dog"], ["embed", "-o", "vectors.npz"], ["index add", "--to", "library"]]
)
def test_every_command_that_reads_says_what_was_converted(
    run: Run, sounds: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command, *rest = words
    ran = run(*command.split(), sounds / "unnamed.wav", *rest, "--model", tiny, "--json")
    assert ran.status == 0
    (line,) = [line for line in ran.err.splitlines() if "By its sound it is FuMa B-format (" in line]
    assert line.startswith(f"salm: {sounds / 'unnamed.wav'}: ")
    assert "By its sound it is FuMa B-format (" in ran.out
    if command == "index add":
        (tmp_path / "library").rename(tmp_path / "before")
    ran = run(*command.split(), sounds / "unnamed.wav", *rest, "--model", tiny, "--json", "--format", "fuma")
    assert "Converted from FuMa to AmbiX." in ran.err


def test_edit_never_overwrites_its_input(run: Run, sounds: Path) -> None:
    path = sounds / "foa.wav"
    before = path.read_bytes()
    assert "is the input, which is never altered" in run("edit", path, "mirror it", "-o", path).complaint
    assert path.read_bytes() == before


# scenes


def test_scenes_are_drawn_shown_and_exported(run: Run, tmp_path: Path) -> None:
    drawn, out = tmp_path / "scenes.jsonl", tmp_path / "out"
    assert run("scenes", "make", "-o", drawn, "--count", 2, "--json").document == {"out": str(drawn), "scenes": 2}
    scenes = run("scenes", "show", drawn, "--json").document["scenes"]
    sources = [Scene.from_dict(scene).sources[0] for scene in scenes]
    assert len(sources) == 2
    ran = run("scenes", "export", drawn, "-o", out, "--workers", 1, "--json")
    assert (ran.status, ran.document) == (
        0,
        {"out": str(out), "shards": 1, "recordings": 2, "lowered": 0, "skipped": 0, "failed": []},
    )
    rows = parquet.read_table(out / "manifest.parquet").to_pylist()
    assert [(row["caption"], row["azimuth_deg"]) for row in rows] == [
        (source.caption, source.azimuth_deg) for source in sources
    ]
    with tarfile.open(out / "000000.tar") as shard:
        assert shard.getnames() == ["00000000.flac", "00000000.json", "00000001.flac", "00000001.json"]


def test_the_same_seed_draws_the_same_scenes(run: Run, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert run("scenes", "make", "-o", tmp_path / name, "--count", 3, "--seed", seed).status == 0
    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again != other


@pytest.fixture
def esc50(tmp_path: Path) -> Path:
    """A little of ESC-50 as it is published."""
    (tmp_path / "ESC-50" / "audio").mkdir(parents=True)
    (tmp_path / "ESC-50" / "meta").mkdir()
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    for number, (fold, category, esc10) in enumerate([(1, "dog", True), (5, "rain", True), (5, "pig", False)]):
        samples = np.random.default_rng(number).uniform(-1, 1, 4800)
        soundfile.write(tmp_path / "ESC-50" / "audio" / f"{number}.wav", samples, 24_000)
        rows.append(f"{number}.wav,{fold},0,{category},{esc10},{number},A")
    (tmp_path / "ESC-50" / "meta" / "esc50.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path / "ESC-50"


def test_scenes_of_a_damaged_clip_of_a_published_corpus_are_left_out(run: Run, esc50: Path, tmp_path: Path) -> None:
    drawn = tmp_path / "scenes.jsonl"
    given = ("--corpus", esc50, "--layout", "esc50", "--count", 2)
    assert run("scenes", "make", "-o", drawn, *given).status == 0
    assert [scene.sources[0].caption for scene in SceneTable(drawn)] == ["A dog barks."] * 2
    (esc50 / "audio" / "0.wav").write_bytes(b"RIFF")
    ran = run("scenes", "export", drawn, "-o", tmp_path / "out", "--workers", 1, "--json")
    assert (ran.status, ran.document["recordings"], ran.document["skipped"]) == (2, 0, 2)
    assert "0.wav is no audio file that can be read. 2 scenes left out, the first in row 0." in ran.err


def test_layouts_of_the_commands_are_those_of_the_library(run: Run, esc50: Path, tmp_path: Path) -> None:
    assert get_args(Layout) == get_args(CorpusLayout)
    assert get_args(ResponseLayout) == get_args(measured.ResponseLayout)
    assert get_args(evaluating.RecordingLayout) == get_args(RecordingLayout)
    ran = run("scenes", "make", "-o", tmp_path / "s", "--layout", "esc50")
    assert ran.complaint == "the procedural corpus has a layout and splits of its own; name a folder, or one split."
    ran = run("scenes", "make", "sclotho", "--root", esc50, "-o", tmp_path / "s", "--layout", "esc50")
    assert ran.complaint == "--layout does not go with sclotho, which is every clip below --root."


def test_scenes_are_shown_as_a_table(run: Run, tmp_path: Path) -> None:
    assert run("scenes", "make", "-o", tmp_path / "s", "--count", 1).out == f"1 scene in {tmp_path / 's'}\n"
    run("scenes", "make", "-o", tmp_path / "s", "--count", 3)
    summary, _, first = run("scenes", "show", tmp_path / "s", "--limit", 2).out.partition("\n\n")
    assert summary.splitlines()[0].split() == ["scenes", "3", "(3", "simulated)"]
    head, *rows = first.splitlines()
    assert head.split()[:3] == ["sound_id", "caption", "azimuth_deg"]
    assert len(rows) == 2


# train and evaluate


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(
        "model: tiny\ncorpora: [{per_kind: 1}]\nbatch_size: 3\nsteps: 2\nwarmup_steps: 1\n"
        "bfloat16: false\nworkers: 0\nvalidation_scenes: 2\n",
        encoding="utf-8",
    )
    return path


def test_a_dry_run_says_what_would_be_trained(run: Run, recipe: Path, tmp_path: Path) -> None:
    ran = run("train", recipe, "-o", tmp_path / "run", "--dry-run", "--json")
    document = ran.document
    assert ran.status == 0
    assert (document["model"], document["steps"], document["scenes"]) == ("tiny", 2, 6)
    # Every one of 24 sounds at three places.
    assert document["epoch_scenes"] == 72
    assert document["step_s"] > 0
    assert document["trained_parameters"] < document["frozen_parameters"]
    assert not (tmp_path / "run").exists()


def test_training_leaves_a_model_that_loads(
    run: Run, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_run, "CALIBRATION_SCENES", 4)
    ran = run("train", recipe, "-o", tmp_path / "run", "--json")
    assert (ran.status, ran.document) == (0, {"model": str(tmp_path / "run")})
    assert salm.load(tmp_path / "run").config.name == "tiny"
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["step"] for record in records if "validation" in record] == [2]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("model: huge", "there is no preset 'huge'; there are small, base, salm_s, laion_clap,"),
        ("model: tiny\nstep: 3", "unknown setting 'step'; known are"),
        ("model: tiny\nsteps: many", "steps is 'many' but must be int"),
        ("steps: 3", "expected a table of settings with a `model`"),
        ("model: [", "cannot be read as YAML"),
    ],
)
def test_recipes_that_cannot_be(run: Run, tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "bad.yaml").write_text(line + "\n", encoding="utf-8")
    assert said in run("train", tmp_path / "bad.yaml", "-o", tmp_path / "run", "--dry-run").complaint


def test_train_needs_the_corpus_that_it_is_given(run: Run, recipe: Path, tmp_path: Path) -> None:
    complaint = run("train", recipe, "-o", tmp_path / "run", "--data", tmp_path / "nowhere", "--dry-run").complaint
    assert str(tmp_path / "nowhere") in complaint


def test_a_device_that_is_not_there_is_no_place_to_train(run: Run, recipe: Path, tmp_path: Path) -> None:
    complaint = run("train", recipe, "-o", tmp_path / "run", "--device", "abacus").complaint
    assert complaint == "--device abacus cannot be used here; try cpu."


def test_a_dry_run_needs_no_folder_and_training_does(run: Run, recipe: Path) -> None:
    assert "trained parameters" in run("train", recipe, "--dry-run").out
    assert run("train", recipe).complaint == "there is no folder to train into; give one with -o."


def test_fine_tuning_needs_no_file_of_settings(
    run: Run, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("train", "-o", tmp_path / "run").complaint == (
        "there is nothing to train; give a YAML file, or both --init and --data."
    )
    table = tmp_path / "my.csv"
    table.write_text("file,caption,azimuth_deg\ngone.wav,A bell.,3\n", encoding="utf-8")
    complaint = run("train", "--init", "small", "--data", table, "-o", tmp_path / "run").complaint
    assert f"{table}, line 2: the audio file" in complaint


def test_train_needs_the_weights_that_it_is_to_start_from(run: Run, recipe: Path, tmp_path: Path) -> None:
    complaint = run("train", recipe, "-o", tmp_path / "run", "--init", tmp_path / "nowhere").complaint
    assert complaint.startswith(f"{tmp_path / 'nowhere'}: no such model")


def leaves(tree: Any) -> list[float]:
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    return [tree] if isinstance(tree, float) else []


def test_evaluate_has_every_table(run: Run, tiny: Path, tmp_path: Path) -> None:
    ran = run("evaluate", tiny, "--scenes", 4, "--json", "--plot", tmp_path / "figures.svg")
    report = ran.document
    assert ran.status == 0
    angles = {"mean_deg", "median_deg", "p90_deg", "sector_accuracy", "sector_accuracy_core"}
    assert set(report["localisation"]) >= angles
    for name in ("intensity", "intensity_onset"):
        assert set(report["baselines"][name]) >= angles
    for name in ("text_to_audio", "audio_to_text", "direction_blind", "semantic"):
        recall = report["retrieval"][name]
        assert 0 <= recall["r1"] <= recall["r5"] <= recall["r10"] <= 1
    assert set(report["zero_shot"]) == {"spatial", "joint", "spatial_core", "joint_core"}
    assert set(report["editing"]) >= {"none", "swap", "change"}
    assert report["controls"]
    assert report["protocol"]["name"] == "default"
    assert (report["scenes"], report["seed"], report["corpus"]) == (4, 0, "procedural")
    assert "these are synthesised sounds" in ran.err
    assert (report["preset"], report["model"]) == ("tiny", hub.digest(tiny))
    # In rooms the onset-weighted intensity is off by some degrees; a model that knows nothing by far more.
    assert report["baselines"]["intensity_onset"]["median_deg"] < 15
    assert np.isfinite(leaves(report)).all()
    picture = (tmp_path / "figures.svg").read_text(encoding="utf-8")
    assert f"model: median {report['localisation']['median_deg']:.1f}°" in picture
    assert "Confidence" in picture


def test_a_published_corpus_is_evaluated(run: Run, tiny: Path, esc50: Path) -> None:
    given = ("--corpus", esc50, "--layout", "esc50", "--rows", "licence_class=permissive")
    report = run("evaluate", tiny, *given, "--scenes", 2, "--json").document
    assert (report["corpus"], report["scenes"]) == ("ESC-50", 2)
    complaint = run("evaluate", tiny, *given[:4], "--rows", "mood=gay", "--scenes", 2).complaint
    assert complaint == "ESC-50 has no manifest with a column 'mood'; of it category, licence, licence_class are known."


def test_tables_of_the_paper_go_into_a_file(run: Run, tiny: Path, tmp_path: Path) -> None:
    given = ("--protocol", "paper", "--table", "all", "--scenes", 6, "--jitter", "narrow", "--seed", 2)
    ran = run("evaluate", tiny, *given, "--out-format", "latex", "--out", tmp_path / "tables.tex", "--json")
    assert (ran.document["protocol"]["name"], ran.document["tables"]) == ("paper", [1, 2, 3])
    assert (ran.document["scenes"], ran.document["seed"]) == (6, 2)
    assert (tmp_path / "tables.tex").read_text(encoding="utf-8").count(r"\begin{tabular}") == 5
    printed = run("evaluate", tiny, *given, "--out-format", "markdown")
    assert printed.out.startswith("tiny (")
    assert "**Table 3, editing**" in printed.out


def test_rooms_and_recordings_are_evaluated_in_sets_of_their_own(run: Run, tiny: Path, tmp_path: Path) -> None:
    wave = encode_plane_wave(np.random.default_rng(1).standard_normal(RATE_HZ).astype(np.float32), 100, 0)
    impulse = encode_plane_wave(np.eye(1, 400, 90, dtype=np.float32)[0], 100, 0)
    for name, samples in (("wave", wave), ("impulse", impulse)):
        soundfile.write(tmp_path / f"{name}.wav", samples.T, RATE_HZ, subtype="FLOAT")
    (tmp_path / "labels.csv").write_text("file,azimuth_deg,elevation_deg\nwave.wav,100,0\n", encoding="utf-8")
    rooms = "file,azimuth_deg,elevation_deg\nimpulse.wav,100,0\n"
    (tmp_path / "responses.csv").write_text(rooms, encoding="utf-8")
    given = ("--table", 1, "--scenes", 2, "--recordings", tmp_path, "--responses", tmp_path, "--min-s", 0.5)
    sets = run("evaluate", tiny, *given, "--json").document["sets"]
    assert [part["kind"] for part in sets] == ["simulated", "measured", "field"]
    assert [part["baselines"]["intensity"]["mean_deg"] < 5 for part in sets[1:]] == [True, True]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--jitter", "narrow"], "--jitter belongs to --protocol paper; the default protocol leaves no gaps."),
        (["--min-s", 2], "--min-s needs --recordings; give that too, or leave it out."),
        (["--responses-layout", "sofa"], "--responses-layout needs --responses; give that too, or leave it out."),
        (["--recordings", ".", "--min-s", 0], "--min-s is 0 but must be positive."),
        (["--scene-file", "x"], "--scene-file belongs to --protocol paper; the default protocol draws its scenes."),
        (["--spatial-captions", "x"], "--spatial-captions needs --scene-file; give that too, or leave it out."),
        (["--protocol", "paper", "--scene-file", "x", "--corpus", "y"], "--corpus does not go with --scene-file"),
        (["--protocol", "paper", "--scenes", 5], "these are 5 scenes of 1200 sounds."),
        (["--table", "3", "--plot", "x.svg"], "--plot has no picture of table 3 alone"),
    ],
)
def test_evaluations_that_cannot_be(run: Run, tiny: Path, words: list[object], said: str) -> None:
    assert said in run("evaluate", tiny, *words).complaint


def test_one_scene_is_not_enough_to_evaluate(run: Run, tiny: Path) -> None:
    assert run("evaluate", tiny, "--scenes", 1).complaint == "scenes is 1 but an evaluation needs at least 2."


def test_demo_hands_on_where_the_page_is(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demonstration itself has tests of its own; here it is one that writes an answer at once."""

    def quick(out: Path, *, model: object, seed: int, progress: Callable[[str], None]) -> Path:
        progress("simulating")
        out.mkdir()
        (out / "results.json").write_text(json.dumps({"seed": seed, "model": model}), encoding="utf-8")
        return out / "index.html"

    monkeypatch.setattr("salm.demo.run_demo", quick)
    monkeypatch.setattr(Command, "model", lambda _, name: name)
    ran = run("demo", "-o", tmp_path / "out", "--seed", 7, "--json")
    assert ran.document == {"page": str(tmp_path / "out" / "index.html"), "seed": 7, "model": "small"}
    assert (ran.status, ran.err) == (0, "simulating ...\n")
    assert run("demo", "-o", tmp_path / "more").out == f"Open {tmp_path / 'more' / 'index.html'}\n"


@pytest.mark.parametrize("words", ["-o a.csv -o b.txt", "--sentences rain --sentences=dog"])
def test_of_an_option_that_is_there_twice_none_counts(run: Run, words: str) -> None:
    option = words.split()[0]
    assert run("scan", "take.wav", *words.split()).complaint == (
        f"{option} is given twice; give it once, and all that it takes after it."
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("search lib bell from the left", "Unrecognized options: from, the, left."),
        ("rank take.wav rain --bogus", "Unrecognized options: --bogus."),
        ("locate take.wav --plot", "Missing value for argument '--plot'. Expected 1 values."),
        ("scan take.wav --threads many", "Error parsing --threads: invalid literal"),
    ],
)
def test_wrong_usage_is_one_line(run: Callable[..., Ran], words: str, told: str) -> None:
    ran = run(*words.split())
    (line,) = ran.err.splitlines()
    assert ran.status == 2
    assert line.startswith(f"salm: {told}")
    assert f"`salm {words.split()[0]} --help` explains it." in line
    assert ("goes in quotes" in line) is ("bell" in words)

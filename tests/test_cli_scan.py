"""``salm scan`` as a user meets it: what is written, what is said, and how it ends."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.audio.formats import encode_plane_wave
from salm.cli.main import main
from salm.cli.telling import Bar

RATE_HZ = 24_000


@pytest.fixture
def take(tmp_path: Path) -> Path:
    """A burst of noise from the left from 1 to 3 s, one from behind from 5 to 6 s."""
    rng = np.random.default_rng(0)
    samples = np.zeros((4, 8 * RATE_HZ), np.float32)
    for azimuth_deg, start_s, stop_s in ((90, 1, 3), (180, 5, 6)):
        sound = 0.1 * rng.standard_normal((stop_s - start_s) * RATE_HZ).astype(np.float32)
        samples[:, start_s * RATE_HZ : stop_s * RATE_HZ] = encode_plane_wave(sound, azimuth_deg)
    path = tmp_path / "take.wav"
    soundfile.write(path, samples.T, RATE_HZ, subtype="PCM_24")
    return path


def scanned(*words: object) -> int:
    return main(["scan", *map(str, words)])


def test_every_output_at_once(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outs = [take.with_name(name) for name in ("e.csv", "e.txt", "e.json")]
    plot = take.with_name("e.svg")
    sentences = take.with_name("sounds.txt")
    sentences.write_text("a dog barks\n\n  white noise\n", encoding="utf-8")
    assert scanned(take, "-o", *outs, "--plot", plot, "--sentences", sentences, "rain falls", "--top", 2) == 0
    said = capsys.readouterr()
    assert said.out.count("\n") == 1
    assert "2 events in 8.0 s" in said.out
    assert "Traceback" not in said.err
    rows = np.loadtxt(outs[0], delimiter=",", dtype=int)
    assert rows[:, 0].tolist() == [*range(10, 30), *range(50, 60)]
    document = json.loads(outs[2].read_text(encoding="utf-8"))
    assert document["sentences"] == ["a dog barks", "white noise", "rain falls"]
    assert [len(event["fits"]) for event in document["events"]] == [2, 2]
    assert plot.read_text(encoding="utf-8").startswith("<svg")
    assert not list(take.parent.glob("*.part"))


def test_without_outputs_events_are_printed(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scanned(take, "--method", "intensity") == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("0:00:01.0-0:00:03.0  track 0  left, azimuth +90, elevation +0")
    assert second.startswith("0:00:05.0-0:00:06.0  track 1  back, azimuth +180, elevation +0")
    assert last == f"{take}: 2 events in 8.0 s"


def test_json_is_one_document(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scanned(take, "--json", "--method", "intensity", "--front-deg", 90) == 0
    (result,) = json.loads(capsys.readouterr().out)["files"]
    assert (result["file"], result["error"], result["written"]) == (str(take), None, [])
    assert [event["sector"] for event in result["events"]] == ["front", "left"]


def test_one_bad_file_does_not_stop_the_rest(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = take.with_name("out")
    bad = take.with_name("bad.wav")
    bad.write_text("no audio")
    words = (bad, take, "-o", out, "--out-format", "reaper", "--plot", out, "--method", "intensity")
    assert scanned(*words) == 2
    assert capsys.readouterr().err.startswith(f"salm: {bad} is no audio file that can be read")
    assert sorted(path.name for path in out.iterdir()) == ["take.csv", "take.svg"]
    assert (out / "take.csv").read_text(encoding="utf-8").startswith("#,Name,Start,End,Length\nR1,")


def test_a_file_that_is_cut_short_is_warned_of_once(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.truncate(take, take.stat().st_size // 2)
    assert scanned(take, "--method", "intensity") == 0
    said = capsys.readouterr()
    assert said.err.count("cut short") == said.err.count("\n") == 1
    assert said.out.endswith("1 event in 4.0 s\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("take.wav", "scan take.wav --method intensity --out-format dcase -o take.wav"),
        ("sounds.txt", "scan take.wav --sentences sounds.txt -o sounds.txt"),
        ("take.wav", "scan take.wav other.wav --method intensity -o . --out-format dcase"),
        ("take.wav", "locate take.wav --method intensity --plot link.svg"),
        ("take.wav", "embed take.wav -o take.wav"),
        ("take.wav", "search nowhere --like take.wav --plot link.svg"),
        ("sounds.txt", "evaluate small --protocol paper --scene-file sounds.txt --out sounds.txt"),
        ("sounds.txt", "scenes make --corpus sounds.txt -o sounds.txt"),
        ("sounds.txt", "scenes make --ranges sounds.txt -o sounds.txt"),
    ],
)
def test_no_command_writes_over_what_it_reads(
    take: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    monkeypatch.chdir(take.parent)
    (take.parent / "sounds.txt").write_text("a dog barks\n", encoding="utf-8")
    (take.parent / "other.wav").symlink_to(take.rename("take.wav"))
    for link in ("link.svg", "other.csv"):
        (take.parent / link).symlink_to("take.wav")
    before = (take.parent / name).read_bytes()
    assert main(words.split()) == 2
    assert "is the input, which is never altered" in capsys.readouterr().err
    assert (take.parent / name).read_bytes() == before


def test_two_outputs_are_not_one_file(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = take.with_name("both.svg")
    words = ("--method", "intensity", "--out-format", "json", "-o", both, "--plot", both)
    assert scanned(take, *words) == 2
    assert "both.svg cannot be two outputs at once" in capsys.readouterr().err
    assert not both.exists()


def test_control_c_leaves_no_file(
    take: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(self: Bar, done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bar, "__call__", interrupt)
    before = sorted(take.parent.iterdir())
    assert scanned(take, "-o", take.with_name("e.csv"), "--method", "intensity") == 130
    assert sorted(take.parent.iterdir()) == before
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "there is nothing to scan"),
        (["none.wav", "--method", "intensity"], "none.wav does not exist"),
        (["take.wav", "--sentences", "none.txt"], "none.txt cannot be read as a list of sentences"),
        (["take.wav", "--sentences", "blank.txt"], "blank.txt holds no sentences; write one a line"),
        (["take.wav", "--sentences", " "], "one of the sentences is empty; leave it out"),
        (["take.wav", "--sentence", "a dog", "a dog"], "the sentence 'a dog' is there twice; leave one out"),
        (["take.wav", "--sentences", "a dog", "--method", "intensity"], "--sentences need the model"),
        (["take.wav", "-o", "e.xml"], "e.xml could be any format"),
        (["take.wav", "--plot", "e.png"], "--plot e.png: a picture is SVG"),
        (["take.wav", "take.wav", "-o", "e.csv"], "there are 2 recordings; give one folder with -o"),
        (["take.wav", "take.wav", "-o", "out"], "two of the recordings are called take; scan them one by one"),
        (["take.wav", "--method", "intensity", "--gate-db", "3"], "gate_db is 3.0 but must be from -200 to 0"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    take: Path, words: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(take.parent)
    Path("blank.txt").write_text("\n \n", encoding="utf-8")
    before = sorted(take.parent.iterdir())
    assert scanned(*words) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"salm: {message}")
    assert said.err.count("\n") == 1
    assert sorted(take.parent.iterdir()) == before

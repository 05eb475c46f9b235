"""Named cases of bad input: bombs, endless files, odd rates and channels, names, and places that cannot be written."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from bad_input import seeds
from bad_input.outcome import command, limited
from bad_input.surfaces import prepared
from starlette.testclient import TestClient

import salm
from salm.audio import decoding
from salm.audio.recording import write
from salm.cli import main
from salm.errors import InputError
from salm.scenes.make import make_scenes
from salm.training.config import read_train_config
from salm.web.server import create_app

HEARING = ("locate", "doctor", "scan")


@pytest.fixture(autouse=True)
def _prepared() -> Iterator[None]:
    with prepared():
        yield


def heard(verb: str, path: Path) -> dict[str, object]:
    """What a command that needs no weights says of a file, within 2 GiB."""
    options = {"locate": ("--method", "intensity"), "scan": ("--method", "intensity"), "doctor": ()}
    with limited():
        (found,) = command(verb, path, *options[verb])["files"]
    return found


class TestBombs:
    @pytest.mark.parametrize("verb", HEARING)
    def test_a_wav_of_a_few_bytes_that_claims_hours_is_read_as_far_as_it_goes(self, verb: str, tmp_path: Path) -> None:
        data = (1000 * np.random.default_rng(0).standard_normal((2400, 4))).astype("<i2").tobytes()
        path = tmp_path / "hours.wav"
        path.write_bytes(seeds.built(channels=4, rate_hz=24_000, frames=10 * 3600 * 6000, data=data))
        assert path.stat().st_size < 20_000
        assert "cut short" in json.dumps(heard(verb, path))

    @pytest.mark.parametrize("verb", ["locate", "doctor"])
    def test_a_flac_that_claims_hours_is_refused_by_its_header(self, verb: str, tmp_path: Path) -> None:
        path = tmp_path / "hours.flac"
        content = bytearray(seeds.audio()["FLAC-PCM_16-4.flac"])
        # Bytes 21 to 25 of a FLAC file end with 36 bits of the number of samples.
        content[21] |= 0x0F
        content[22:26] = b"\xff" * 4
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"hours\.flac has 4 channels of 795\.4 h, more than fits into memory"):
            heard(verb, path)

    def test_a_file_that_holds_more_than_it_says_is_stopped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "long.wav"
        write(path, seeds.wave(4, 2.0), seeds.RATE_HZ)
        monkeypatch.setattr(decoding, "_UNKNOWN", 0)
        monkeypatch.setattr(decoding, "MOST_VALUES", 1000)
        with pytest.raises(InputError, match="more than fits into memory; salm scan reads recordings of any length"):
            decoding.decode(path)

    @pytest.fixture
    def night(self, tmp_path: Path) -> Path:
        """Ten hours, seven gigabytes of nothing, which take no room on the disk."""
        path = tmp_path / "night.rf64"
        soundfile.write(path, np.zeros((1, 4), np.int16), 24_000, format="RF64", subtype="PCM_16")
        header, frames = path.stat().st_size - 8, 10 * 3600 * 24_000
        content = bytearray(path.read_bytes())
        at = content.index(b"ds64") + 8
        for place, size in ((at, header + 8 * frames - 8), (at + 8, 8 * frames), (at + 16, frames)):
            content[place : place + 8] = size.to_bytes(8, "little")
        path.write_bytes(content)
        os.truncate(path, header + 8 * frames)
        return path

    @pytest.mark.parametrize("verb", ["locate", "doctor"])
    def test_ten_hours_are_refused_before_they_are_read(self, verb: str, night: Path) -> None:
        with pytest.raises(InputError, match=r"has 4 channels of 10\.0 h, more than fits into memory; salm scan"):
            heard(verb, night)

    def test_ten_hours_are_scanned_a_block_at_a_time(self, night: Path) -> None:
        told = []

        def enough(done_s: float, total_s: float) -> None:
            told.append((done_s, total_s))
            if len(told) == 3:
                raise KeyboardInterrupt

        with limited(), pytest.raises(KeyboardInterrupt):
            salm.scan(night, None, progress=enough)
        assert {total_s for _, total_s in told} == {36_000.0}

    def test_a_file_of_yaml_that_multiplies_is_one_short_line(self, tmp_path: Path) -> None:
        lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
        names = "abcdefghij"
        for last, name in pairwise(names):
            lines.append(f"{name}: &{name} [{', '.join([f'*{last}'] * 10)}]")
        path = tmp_path / "laughs.yaml"
        path.write_text("\n".join([*lines, "model: *j"]), encoding="utf-8")
        with limited(), pytest.raises(InputError) as caught:
            read_train_config(path)
        assert len(str(caught.value)) < 1000


class TestHeaders:
    def test_a_rate_of_nothing_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "still.wav"
        path.write_bytes(seeds.built(channels=4, rate_hz=0, frames=100, data=bytes(800)))
        for verb in HEARING:
            with pytest.raises(InputError, match=r"still\.wav"):
                heard(verb, path)

    def test_no_channels_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "none.wav"
        path.write_bytes(seeds.built(channels=0, rate_hz=24_000, frames=100, data=bytes(800)))
        for verb in HEARING:
            with pytest.raises(InputError, match=r"none\.wav"):
                heard(verb, path)

    @pytest.mark.parametrize("verb", HEARING)
    def test_768_khz_are_understood(self, verb: str, tmp_path: Path) -> None:
        path = tmp_path / "bats.wav"
        write(path, seeds.wave(4, 3.0), 768_000)
        found = heard(verb, path)
        if verb == "locate":
            assert abs(found["windows"][0]["azimuth_deg"] - 90) < 5  # type: ignore[index]

    def test_64_channels_are_the_seventh_order(self, tmp_path: Path) -> None:
        path = tmp_path / "seventh.wav"
        write(path, np.concatenate([seeds.wave(4), np.zeros((60, 3600), np.float32)]), seeds.RATE_HZ)
        found = heard("locate", path)
        assert abs(found["windows"][0]["azimuth_deg"] - 90) < 5  # type: ignore[index]
        assert any("first order" in note for note in found["notes"])  # type: ignore[attr-defined]

    def test_a_channel_that_never_changes_is_like_no_other(self, tmp_path: Path) -> None:
        samples = seeds.wave(4, 1.0)
        samples[2] = 0.25
        path = tmp_path / "stuck.wav"
        write(path, samples, seeds.RATE_HZ)
        assert heard("doctor", path)["layout"]


class TestNames:
    @pytest.mark.parametrize("name", ["Ä ö ü ß", "雷雨 左", "🐕🔊", "\u202eright", "a\nb", "-o", "%s{}", "x" * 200])
    def test_any_name_is_a_name(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / f"{name}.wav"
        write(path, seeds.wave(4), seeds.RATE_HZ)
        assert heard("locate", path)["file"] == str(path)
        out = tmp_path / f"{name} out.wav"
        command("edit", path, "turn it 90 degrees clockwise", "-o", out)
        assert out.is_file()

    def test_names_that_are_no_unicode(self, tmp_path: Path) -> None:
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.wav"))
        write(path, seeds.wave(4), seeds.RATE_HZ)
        assert len(salm.read(path).samples) == 4
        ran = subprocess.run(
            [sys.executable, "-m", "salm", "locate", path, "--method", "intensity", "--json"],
            capture_output=True,
            check=True,
        )
        assert json.loads(ran.stdout)["files"][0]["file"] == str(path)

    def test_a_path_that_is_too_long_for_the_system_is_one_line(self, tmp_path: Path) -> None:
        name = tmp_path / ("x" * 300 + ".wav")
        take = tmp_path / "take.wav"
        write(take, seeds.wave(4), seeds.RATE_HZ)
        for words in (
            ["locate", name, "--method", "intensity"],
            ["doctor", name],
            ["edit", take, "mirror it", "-o", name],
            ["index", "add", name, "--to", tmp_path / "library"],
            ["index", "add", tmp_path, "--to", name],
            ["search", name, "rain"],
            ["scenes", "show", name],
            ["scenes", "make", "--corpus", name, "-o", tmp_path / "s.jsonl"],
            ["train", name, "--dry-run"],
            ["locate", take, "--model", name],
            ["embed", take, "-o", name],
        ):
            with pytest.raises(InputError):
                command(*words)

    def test_a_table_may_name_no_path_that_is_too_long(self, tmp_path: Path) -> None:
        (tmp_path / "responses.csv").write_text(f"file,azimuth_deg,elevation_deg\n{'x' * 300},0,0\n", encoding="utf-8")
        (tmp_path / "labels.csv").write_text(
            f"file,start_s,end_s,category,azimuth_deg\n{'x' * 300},0,1,dog,0\n", encoding="utf-8"
        )
        for option in ("--responses", "--recordings"):
            with pytest.raises(InputError, match="lists 1 files and none of them is in"):
                command("evaluate", "small", option, tmp_path)


@pytest.fixture
def words(tmp_path: Path) -> Callable[[str, Path], list[str | Path]]:
    """The words of a command that writes into a folder."""
    home = tmp_path / "home"
    (home / "takes").mkdir(parents=True)
    take, scenes, run, library = home / "takes" / "take.wav", home / "scenes.jsonl", home / "run.yaml", home / "library"
    write(take, seeds.wave(4, 1.0), seeds.RATE_HZ)
    make_scenes(scenes, count=2)
    run.write_text(yaml.safe_dump({"model": "tiny", "corpora": [{"per_kind": 1}], "batch_size": 2, "steps": 1}))
    salm.Library(library).add(home / "takes", seeds.tiny())

    def words(name: str, out: Path) -> list[str | Path]:
        return {
            "index add": ["index", "add", home / "takes", "--to", out / "library"],
            "edit": ["edit", take, "turn it 90 degrees clockwise", "-o", out / "turned.wav"],
            "scan": ["scan", take, "--method", "intensity", "-o", out / "events.csv"],
            "scan --plot": ["scan", take, "--method", "intensity", "--plot", out / "events.svg"],
            "embed": ["embed", take, "-o", out / "x.npz"],
            "scenes make": ["scenes", "make", "--count", "3", "-o", out / "scenes.jsonl"],
            "scenes show": ["scenes", "show", scenes, "-o", out / "page.html"],
            "scenes export": ["scenes", "export", scenes, "-o", out / "shards", "--workers", "1"],
            "scenes rephrase": ["scenes", "rephrase", scenes, "-o", out / "captions.jsonl"],
            "train": ["train", run, "-o", out / "run"],
            "export": ["export", "small", "-o", out / "onnx"],
            "demo": ["demo", "-o", out / "demo"],
            "search --plot": ["search", library, "noise from the left", "--plot", out / "hits.svg"],
            "doctor --write": ["doctor", take, "--format", "fuma", "--write", out / "ambix"],
        }[name]

    return words


WRITING = (
    *("index add", "edit", "scan", "scan --plot", "embed", "scenes make", "scenes show", "scenes export"),
    *("scenes rephrase", "train", "export", "demo", "search --plot", "doctor --write"),
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A small disk of its own: ``full``, or ``ro``, which cannot be written."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    tried = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False
    )
    if not tried or tried.returncode:
        pytest.skip("a small disk cannot be mounted here: that needs root")

    def made(how: str) -> Path:
        (place / "there").write_bytes(b"there")
        if how == "full":
            (place / "rest").write_bytes(bytes(shutil.disk_usage(place).free))
        else:
            subprocess.run([mount, "-o", "remount,ro", place], check=True)
        return place

    yield made
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("how", ["full", "ro"])
@pytest.mark.parametrize("name", WRITING)
def test_a_place_that_cannot_be_written_is_one_line_and_nothing_is_left(
    name: str,
    how: str,
    words: Callable[[str, Path], list[str | Path]],
    disk: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = list(map(str, words(name, out := disk(how))))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert main(arguments) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.endswith("...")]
    assert lines
    assert all(line.startswith(("salm: ", "understood: ")) for line in lines), lines
    assert {"full": "No space left on device", "ro": "Read-only file system"}[how] in lines[-1]
    after = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != "library.lock"}
    assert after == before


@pytest.mark.parametrize("seconds", [0.5, 20.0], ids=["stored by us", "stored while the form is read"])
def test_a_server_whose_disk_is_full_says_so(
    seconds: float, disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(disk("full")))
    content = seeds.audio_bytes(seeds.wave(4, seconds))
    with TestClient(create_app(seeds.tiny()), base_url="http://localhost") as client:
        answer = client.post("/api/locate", files={"file": ("take.wav", content)})
    assert (answer.status_code, list(answer.json())) == (507, ["error"])
    assert "disk is full" in answer.json()["error"]

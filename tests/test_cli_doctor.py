"""`salm doctor` from the command line: bad files, what is written, and what is not."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.audio.formats import ambix_to_fuma, encode_plane_wave
from salm.cli.main import main

RATE_HZ = 24_000


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    noise = (0.1 * np.random.default_rng(0).uniform(-1, 1, RATE_HZ)).astype(np.float32)
    field = encode_plane_wave(noise, 40, 10)
    soundfile.write(tmp_path / "ambix.wav", field.T, RATE_HZ, subtype="PCM_16")
    soundfile.write(tmp_path / "fuma.wav", ambix_to_fuma(field).T, RATE_HZ, subtype="PCM_16")
    soundfile.write(tmp_path / "float.wav", ambix_to_fuma(field).T, RATE_HZ, subtype="FLOAT")
    (tmp_path / "text.wav").write_text("no audio")
    return tmp_path


def test_a_bad_file_is_one_line_and_the_rest_is_diagnosed(fields: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(fields / "text.wav"), str(fields / "fuma.wav"), "--json"]) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    bad, good = json.loads(out)["files"]
    assert bad["error"]
    assert (good["error"], good["layout"], good["channel_order_from"]) == (None, "fuma", "name")


def test_what_is_written_is_ambix_and_never_over_anything(fields: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (fields / "fuma.wav").read_bytes()
    words = ["doctor", str(fields / "fuma.wav"), str(fields / "float.wav"), "--write", str(fields / "out")]
    assert main(words) == 0
    assert "written as AmbiX" in capsys.readouterr().out
    kinds = {name: soundfile.info(fields / "out" / f"{name}.wav").subtype for name in ("fuma", "float")}
    assert kinds == {"fuma": "PCM_24", "float": "FLOAT"}
    wanted, _ = soundfile.read(fields / "ambix.wav")
    for name in kinds:
        np.testing.assert_allclose(soundfile.read(fields / "out" / f"{name}.wav")[0], wanted, atol=1e-4)
    assert main(words) == 2
    assert "is there already and is not overwritten" in capsys.readouterr().err
    assert (fields / "fuma.wav").read_bytes() == before


def test_the_original_is_not_overwritten_in_its_own_folder(fields: Path) -> None:
    before = (fields / "fuma.wav").read_bytes()
    assert main(["doctor", str(fields / "fuma.wav"), "--write", str(fields)]) == 2
    assert (fields / "fuma.wav").read_bytes() == before


def test_ambix_is_not_written_again(fields: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(fields / "ambix.wav"), "--write", str(fields / "out"), "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["written"] is None
    assert file["not_written"] == "it is first-order AmbiX already."
    assert not (fields / "out").exists()


def test_what_is_stated_is_used(fields: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(fields / "ambix.wav"), "--format", "fuma"]) == 0
    out = capsys.readouterr().out
    assert "channel order: W X Y Z (stated)" in out
    assert "The sound contradicts" in out

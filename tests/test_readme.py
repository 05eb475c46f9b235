"""The README is true: its commands exist, its second command is what continuous integration runs, its Python runs."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from salm.audio.formats import encode_plane_wave
from salm.audio.recording import read, write
from salm.cli.main import _parse

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


LINES = "".join(blocks("bash")).splitlines()
IMPORTS = re.findall(r"^salm import .*$", (ROOT / "docs" / "import.md").read_text(encoding="utf-8"), re.MULTILINE)
COMMANDS = [shlex.split(line, comments=True) for line in (*LINES, *IMPORTS) if line.startswith("salm ")]


def test_there_are_two_set_up_commands_and_ci_runs_the_second_word_for_word() -> None:
    demo, tests = [line for line in LINES if line.startswith("python3 -m venv")]
    assert demo.endswith("salm demo")
    assert tests in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_is_understood(words: list[str]) -> None:
    assert _parse(words[1:])


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(48_000)).astype(np.float32)
    write(tmp_path / "take-1.wav", encode_plane_wave(noise, -90.0), 48_000)
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(code, {})
    assert "sector='right'" in capsys.readouterr().out
    assert read("moved.wav").samples[1] == pytest.approx(noise, abs=1e-5)


def test_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)|`((?:src|configs|docs)/[^`*]+)`", README):
        assert (ROOT / next(filter(None, target))).exists()

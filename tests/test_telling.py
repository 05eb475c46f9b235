"""What commands print: names of files may hold anything, and steer no terminal."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.cli.main import main
from salm.cli.telling import complain, say, table

ESCAPES = "\x1b]0;mine\x07\x1b[2J\x9b31m\x7f\u202egnp.wav"


def steers(text: str) -> bool:
    return any((ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or c == "\u202e" for c in text)


@pytest.mark.parametrize("tell", [say, complain, lambda text: table([{"file": text}])])
def test_nothing_that_is_printed_steers_a_terminal(tell: object, capsys: pytest.CaptureFixture[str]) -> None:
    tell(ESCAPES)  # type: ignore[operator]
    out, err = capsys.readouterr()
    assert not steers(out + err)
    assert "\\x1b" in out + err


@pytest.mark.parametrize("name", ["[/red].wav", "[bold]a[/bold].wav", ":smile:.wav"])
def test_a_table_prints_names_as_they_are(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    table([{"file": name}])
    assert name in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no such names")
@pytest.mark.parametrize("words", [["doctor"], ["locate", "--method", "intensity"], ["scan", "--method", "intensity"]])
def test_the_commands_spell_out_names(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / ESCAPES
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal((4800, 1)), 24_000, format="WAV")
    assert main([words[0], str(path), *words[1:]]) == 0
    out, err = capsys.readouterr()
    assert not steers(out + err)
    assert "\\x1b" in out
    assert main([words[0], str(path), *words[1:], "--json"]) == 0
    out = capsys.readouterr().out
    assert not steers(out)
    assert json.loads(out)["files"][0]["file"] == str(path)
    assert main([words[0], str(tmp_path / "no\x1b[2J.wav"), *words[1:]]) == 2
    assert not steers("".join(capsys.readouterr()))

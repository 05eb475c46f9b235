"""The command: it says where it listens, serves, stops when told to, and refuses what cannot be."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from salm.cli.main import _parse, main
from salm.cli.serve import Serve
from salm.library.index import Library

OPEN = "other machines can reach this server, and it asks for no password.\n"


@pytest.mark.parametrize(("host", "said"), [("127.0.0.1", ""), ("0.0.0.0", OPEN)])
def test_it_serves_until_it_is_stopped(library: Library, host: str, said: str) -> None:
    words = [
        sys.executable,
        "-m",
        "salm",
        "serve",
        "--port",
        "0",
        "--host",
        host,
        "--json",
        "--library",
        f"my takes={library.path}",
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        document = json.loads(process.stdout.readline())
        assert document["libraries"] == ["my takes"]
        assert httpx2.get(document["url"], timeout=60).text.startswith("<!doctype html>")
        assert httpx2.get(f"{document['url']}api/about", timeout=60).json()["libraries"] == ["my takes"]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == ("", f"{said}salm: stopped.\n", 130)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--library", "takes"], "--library takes: expected NAME=PATH"),
        (["--library", "a/b=x"], "--library a/b=x: expected NAME=PATH"),
        (["--library", "takes=nowhere"], "nowhere is no library"),
        (["--max-mb", "0"], "max_mb is 0.0 but must be more than 0"),
        (["--max-s", "inf"], "max_s is inf but must be more than 0, and finite"),
        (["--library", "\x07=x"], r"--library \x07=x: expected NAME=PATH"),
        (["--port", "70000"], "--port is 70000"),
        (["--host", ""], "--host is empty"),
        (["--host", "256.1.1.1"], "256.1.1.1, port 8000 cannot be listened on"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["serve", *words]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"salm: {said}")
    assert err.count("\n") == 1


def test_several_libraries_are_taken() -> None:
    command = _parse(["serve", "--library", "takes=a", "--library", "more=b"])
    assert isinstance(command, Serve)
    assert command.library == ("takes=a", "more=b")


def test_a_name_twice_is_refused(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    pair = f"takes={library.path}"
    assert main(["serve", "--library", pair, "--library", pair]) == 2
    assert "--library takes is there twice" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    assert "try --port 0" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve"]) == 2
    assert 'pip install "salm[app]"' in capsys.readouterr().err

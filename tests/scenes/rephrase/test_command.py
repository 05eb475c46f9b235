"""`salm scenes rephrase` on what `salm scenes make` writes."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from salm.cli import main
from salm.model.presets import preset
from salm.scenes.storage import SceneTable


@pytest.fixture
def drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["scenes", "make", "-o", str(tmp_path / "s.jsonl"), "--count", "6"]) == 0
    capsys.readouterr()
    return tmp_path / "s.jsonl"


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_templates_by_default_one_a_scene(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = drawn.with_name("c.jsonl")
    assert main(["scenes", "rephrase", str(drawn), "-o", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"6 captions in {out}, 6 of them new, ")
    head, *lines = read(out)
    assert (head["model"], head["vocabulary"], head["facing"]) == (None, "compass", "south")
    for row, (line, scene) in enumerate(zip(lines, SceneTable(drawn), strict=True)):
        source = scene.sources[0]
        assert (line["row"], line["caption"], line["sector"]) == (row, source.caption, source.sector)
        assert (line["verdict"], line["model"], line["prompt"]) == ("template", None, None)


def test_a_server_is_asked_and_the_rate_is_told(
    drawn: Path, fake_server: Callable, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first scene never gets a good answer.
    first = SceneTable(drawn)[0].sources[0].caption.rstrip(".")

    def reply(body: dict) -> str:
        turn = body["messages"][-1]["content"]
        return "Sure." if first in turn else turn.removeprefix("The sound: ")

    server = fake_server(reply)
    monkeypatch.setenv("THE_KEY", "secret")
    out = drawn.with_name("c.jsonl")
    words = ["scenes", "rephrase", str(drawn), "-o", str(out), "--backend", "server", "--url", server.url]
    words += ["--model", "llama", "--prompt", "examples", "--vocabulary", "listener", "--key-variable", "THE_KEY"]
    assert main([*words, "--limit", "4", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["captions"], done["acceptance"], done["refused"]) == (4, 0.75, {"preface": 3})
    assert main(words) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"6 captions in {out}, 2 of them new, ")
    assert told.endswith("accepted 83.3% (83.3% at first), templates for 1; answers refused: preface 3\n")
    # Three tries for the first, one for each other.
    assert len(server.requests) == 8
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer secret"}
    assert {body["model"] for body in server.requests} == {"llama"}
    assert [len(body["messages"]) for body in server.requests] == [8] * 8


def test_every_combination_that_cannot_be_is_one_clear_line(
    drawn: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        for words, message in [
            (["--backend", "server", "--url", url], f"nothing listens at {url}"),
            (["--backend", "server", "--url", "here"], "the address 'here' is none of a server"),
            (
                ["--backend", "server", "--key-variable", "NO_KEY"],
                "--key-variable NO_KEY: there is no such environment",
            ),
            (
                ["--backend", "transformers", "--model", str(tmp_path)],
                f"the language model {tmp_path} cannot be loaded",
            ),
            (["--limit", "0"], "--limit is 0 but must be at least 1."),
            (["--concurrency", "0"], "--concurrency is 0 but must be at least 1."),
            (["--tries", "0"], "tries is 0 but must be at least 1."),
            (["--temperature", "9"], "the temperature is 9.0 but must lie between 0 and 2."),
            (["--facing", "up"], "facing is 'up' but must be one of north"),
        ]:
            assert main(["scenes", "rephrase", str(drawn), "-o", str(tmp_path / "c"), *words]) == 2
            out, err = capsys.readouterr()
            assert (out, err.count("salm: ")) == ("", 1)
            assert err.splitlines()[-1].startswith(f"salm: {message}")


def test_the_defaults_are_the_paper_s() -> None:
    from salm.cli.scenes import ScenesRephrase
    from salm.scenes.rephrase.ask import AskSettings
    from salm.scenes.rephrase.backends import MODEL

    command, settings = ScenesRephrase(file=Path("s"), out=Path("c")), AskSettings()
    assert command.model_name == MODEL == "meta-llama/Llama-3.2-3B-Instruct"
    for name in ("prompt", "vocabulary", "facing", "temperature", "tries", "max_tokens", "seed"):
        assert getattr(command, name) == getattr(settings, name)
    assert (settings.prompt, settings.temperature) == ("paper", 0.2)
    assert settings.facing == preset("base").facing

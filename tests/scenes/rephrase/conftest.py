"""A language model that is a function, and a server that answers with it as OpenAI-compatible ones do."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from salm.scenes.rephrase.prompts import Messages
from salm.scenes.scene import Scene, Source

Reply = str | None | tuple[int, dict[str, str], bytes]
"""What the model says, or a whole answer: status, headers, body."""


@dataclass
class ToyModel:
    """A backend that answers with a function of the last turn and remembers what it was asked."""

    answer: Callable[[str], str]
    model: str = "toy"
    asked: list[dict[str, Any]] = field(default_factory=list)

    def complete(self, messages: Messages, *, seed: int, temperature: float, max_tokens: int) -> str:
        self.asked.append({"messages": list(messages), "seed": seed, "temperature": temperature, "max": max_tokens})
        return self.answer(messages[-1]["content"])


@pytest.fixture
def toy_model() -> type[ToyModel]:
    """Models that are functions: ``toy_model(lambda turn: "A dog barks.")``."""
    return ToyModel


@pytest.fixture
def told() -> Callable[[str], str]:
    """A good answer to the paper's prompt: what it tells, as a sentence."""
    return lambda turn: turn.removeprefix("The sound: ").partition(" Rephrase")[0]


@dataclass
class FakeServer:
    """Answers each POST with what ``reply`` makes of its body, and keeps the requests."""

    url: str
    reply: Callable[[dict[str, Any]], Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@pytest.fixture
def fake_server() -> Iterator[Callable[..., FakeServer]]:
    """Starter of servers: ``fake_server(lambda body: "A dog barks from the east.")``."""
    running: list[ThreadingHTTPServer] = []

    def start(reply: Callable[[dict[str, Any]], Reply]) -> FakeServer:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.paths.append(self.path)
                fake.headers.append(dict(self.headers))
                fake.requests.append(body)
                said = fake.reply(body)
                if not isinstance(said, tuple):
                    answer = {"choices": [{"message": {"role": "assistant", "content": said}}]}
                    said = 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()
                status, headers, content = said
                try:
                    self.send_response(status)
                    for name, value in {**headers, "Content-Length": str(len(content))}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(content)
                except (BrokenPipeError, ConnectionResetError):
                    # Whoever asked has given up waiting.
                    pass

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        fake = FakeServer(url=f"http://127.0.0.1:{server.server_address[1]}/v1", reply=reply)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append(server)
        return fake

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def scenes(captions: Sequence[str], *, azimuth_deg: float = 90.0) -> list[Scene]:
    """One scene a caption; from the left, which is east where the front is south."""
    return [
        Scene(
            seed=0,
            sources=(
                Source(
                    sound_id=f"sound-{number}",
                    caption=caption,
                    azimuth_deg=azimuth_deg,
                    elevation_deg=0.0,
                    distance_m=1.0,
                ),
            ),
        )
        for number, caption in enumerate(captions)
    ]


@pytest.fixture
def caption_scenes(scene_file: Callable[..., Any]) -> Callable[..., Any]:
    """Builder of files of scenes: ``caption_scenes(["A dog barks", "Rain falls"])``."""

    def build(captions: Sequence[str], *, name: str = "scenes.jsonl", azimuth_deg: float = 90.0) -> Any:
        return scene_file(name, {"train": scenes(captions, azimuth_deg=azimuth_deg)})

    return build

"""The server backend against one that answers well, badly, slowly, or not at all."""

import json
import socket
import threading
import time
from collections.abc import Callable

import pytest

from salm.errors import InputError
from salm.scenes.rephrase.server import ServerBackend

TURN = [{"role": "user", "content": "What is heard?"}]


def ask(backend: ServerBackend) -> str:
    return backend.complete(TURN, seed=7, temperature=0.2, max_tokens=32)


def error(status: int, message: str | None = None, **headers: str):
    body = b"<html>no</html>" if message is None else json.dumps({"error": {"message": message}}).encode()
    return lambda _: (status, headers, body)


def test_the_request_is_openai_s(fake_server) -> None:
    server = fake_server(lambda _: "A dog barks.")
    assert ask(ServerBackend(f"{server.url}/", model="llama")) == "A dog barks."
    assert server.paths == ["/v1/chat/completions"]
    assert server.requests == [
        {"model": "llama", "messages": TURN, "seed": 7, "temperature": 0.2, "max_tokens": 32, "stream": False}
    ]
    assert "Authorization" not in server.headers[0]
    assert server.headers[0]["Content-Type"] == "application/json"


def test_a_key_is_sent(fake_server) -> None:
    server = fake_server(lambda _: "Yes.")
    ask(ServerBackend(server.url, model="llama", key="secret"))
    assert server.headers[0]["Authorization"] == "Bearer secret"


def test_nothing_said_is_nothing(fake_server) -> None:
    assert ask(ServerBackend(fake_server(lambda _: None).url, model="thinker")) == ""


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (error(401, "invalid key"), r"refuses \(401: invalid key\); name the environment variable .* --key-variable\."),
        (
            error(404, "The model `x` does not exist."),
            r"\(404: The model `x` does not exist\); look at --url.* --model",
        ),
        (error(404), r"refuses \(404\); look at --url, which mostly ends with /v1"),
        (error(500, "out of\nmemory"), r"refuses \(500: out of memory\)"),
        (error(302, Location="http://elsewhere.example/"), r"refuses \(302\)"),
        (lambda _: (200, {}, b"<html>hello</html>"), "does not answer as an OpenAI-compatible one does"),
        (lambda _: (200, {}, b'{"choices": []}'), "does not answer as an OpenAI-compatible one does"),
        (lambda _: (200, {}, b"[]"), "does not answer as an OpenAI-compatible one does"),
    ],
)
def test_a_refusal_is_one_clear_line(fake_server, reply: Callable, message: str) -> None:
    server = fake_server(reply)
    with pytest.raises(InputError, match=message) as caught:
        ask(ServerBackend(server.url, model="x", sleep=pytest.fail))
    assert server.url in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 1


def test_a_server_that_loads_its_model_is_asked_again(fake_server) -> None:
    replies = iter([error(503, "Loading model"), error(429), lambda _: "Rain."])
    pauses: list[float] = []
    backend = ServerBackend(fake_server(lambda body: next(replies)(body)).url, model="x", sleep=pauses.append)
    assert ask(backend) == "Rain."
    assert pauses == [1.0, 4.0]


def test_a_server_that_stays_busy_is_given_up(fake_server) -> None:
    server = fake_server(error(503, "Loading model"))
    with pytest.raises(InputError, match=r"\(503: Loading model\); it is still busy"):
        ask(ServerBackend(server.url, model="x", sleep=lambda _: None))
    assert len(server.requests) == 4


def test_a_slow_server_is_not_waited_for_for_ever(fake_server) -> None:
    server = fake_server(lambda _: time.sleep(1.0))
    with pytest.raises(InputError, match=r"has not answered within 0\.1 s; give it more time with --timeout-s"):
        ask(ServerBackend(server.url, model="x", timeout_s=0.1))


def test_where_nothing_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(InputError, match=f"nothing listens at {url}; start a server there"):
            ask(ServerBackend(url, model="x"))


def test_a_server_that_hangs_up_is_asked_again_and_then_given_up() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        threading.Thread(target=lambda: [listening.accept()[0].close() for _ in range(4)], daemon=True).start()
        pauses: list[float] = []
        backend = ServerBackend(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", model="x", sleep=pauses.append)
        with pytest.raises(InputError, match="breaks off"):
            ask(backend)
        assert len(pauses) == 3


def test_a_host_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(InputError, match=r"cannot be reached: \[Errno -2\] Name or service not known"):
        ask(ServerBackend("http://no-such-host.invalid/v1", model="x"))


@pytest.mark.parametrize(
    "url",
    [
        *("localhost:8080", "file:///etc/passwd", "http://", "ftp://x/v1", "", "http://my host/v1"),
        *("http://localhost:many/v1", "http://[::1/v1", "http://a..b/v1", "http://localhost/v1\nHost: x"),
    ],
)
def test_an_address_that_is_none_of_a_server(url: str) -> None:
    with pytest.raises(InputError, match="is none of a server; one looks like http://localhost:8080/v1"):
        ServerBackend(url, model="x")


def test_no_proxy_stands_between_this_machine_and_itself(fake_server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert ask(ServerBackend(fake_server(lambda _: "Rain.").url, model="x")) == "Rain."

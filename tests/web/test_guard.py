"""Who may ask, how much may be sent, and how what is refused is said."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from salm.errors import InputError
from salm.model.inference import Model
from salm.web.limits import Limits

Clients = Callable[..., TestClient]


def refused(answer: Any, status: int) -> str:
    """The one line of a refusal."""
    assert answer.status_code == status, answer.text
    document = answer.json()
    assert list(document) == ["error"]
    assert "\n" not in document["error"]
    assert "Traceback" not in answer.text
    return document["error"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "a b", "[::1"])
def test_other_names_for_this_machine_are_refused(client: TestClient, host: str) -> None:
    assert "localhost" in refused(client.get("/api/about", headers={"Host": host}), 421)
    assert refused(client.get("/", headers={"Host": host}), 421)


def test_what_a_refusal_quotes_is_shortened(client: TestClient) -> None:
    assert len(refused(client.get("/", headers={"Host": "dog" * 5000}), 421)) < 1000


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.168.1.5"])
def test_addresses_and_localhost_are_served(client: TestClient, host: str) -> None:
    assert client.get("/api/about", headers={"Host": host}).status_code == 200


def test_other_sites_cannot_make_the_browser_ask(client: TestClient) -> None:
    for origin in ("http://evil.example", "null", "http://localhost:1234"):
        answer = client.post("/api/embed", data={"text": "rain"}, headers={"Origin": origin})
        assert "other sites" in refused(answer, 403)
    answer = client.post("/api/embed", data={"text": "rain"}, headers={"Origin": "http://localhost"})
    assert answer.status_code == 200


def test_every_answer_has_the_headers(client: TestClient) -> None:
    answers = [client.get(path) for path in ("/", "/page/main.js", "/api/about", "/nothing")]
    answers.append(client.get("/", headers={"Host": "evil.example"}))
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("locate", {}, "file: field required"),
        ("locate", {"file": b"", "what": "rain"}, "take.wav is empty"),
        ("locate", {"file": b"text"}, "take.wav is no audio file that can be read"),
        ("locate", {"file": b"text", "front_deg": "inf"}, "front_deg: "),
        ("locate", {"file": b"text", "widest_deg": "200"}, "widest_deg: "),
        ("locate", {"file": b"text", "method": "guess"}, "method: "),
        ("locate", {"file": b"text", "method": "intensity", "windows": "true"}, "windows and what need the model"),
        ("locate", {"file": b"text", "layout": "odd"}, "layout"),
        ("rank", {"file": b"text", "text": "  "}, "there is no sentence"),
        ("rank", {"file": b"text", "text": "x" * 501}, "a sentence has 501 characters"),
        ("rank", {"file": b"text", "text": ["x"] * 101}, "there are 101 sentences"),
        ("embed", {}, "there is nothing to embed"),
        ("search", {"library": "other", "text": "rain"}, "there is no library 'other'; there are my takes."),
        ("search", {"library": "my takes"}, "the query is empty"),
        ("search", {"library": "my takes", "text": "rain", "limit": "0"}, "limit: "),
        ("search", {"library": "my takes", "text": "rain", "facing": "up"}, "facing is 'up'"),
        ("edit", {"file": b"text"}, "sentence: field required"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_is_one_clear_line(client: TestClient, path: str, fields: dict[str, Any], said: str) -> None:
    file = fields.pop("file", None)
    files = {} if file is None else {"file": ("take.wav", file)}
    assert refused(client.post(f"/api/{path}", data=fields, files=files), 422).count(said) == 1


def test_what_is_not_there_is_said(client: TestClient) -> None:
    assert "nothing at this address" in refused(client.get("/api/nothing"), 404)
    assert refused(client.get("/api/locate"), 405)
    assert "no such scan" in refused(client.get("/api/scan/abc"), 404)
    assert "no such scan" in refused(client.delete("/api/scan/abc"), 404)
    assert "no longer kept" in refused(client.get("/api/results/abc/edited.wav"), 422)
    assert "no such recording" in refused(client.get("/api/libraries/my takes/sounds/abc"), 422)


def test_faults_of_ours_are_no_tracebacks(
    client: TestClient, take: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Model, "rank", broken)
    answer = client.post("/api/rank", files={"file": take.read_bytes()}, data={"text": "rain"})
    assert "secret" not in refused(answer, 500)
    assert "POST /api/rank failed." in caplog.text


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "..\\..\\x.wav", "a\nb.wav", "%2e%2e/x", "x" * 999]
)
def test_names_of_clients_are_only_shown(client: TestClient, name: str) -> None:
    error = refused(client.post("/api/locate", files={"file": (name, b"text")}), 422)
    assert "/" not in error.split(" is no audio")[0]
    assert len(error) < 300


@pytest.mark.parametrize(
    "path", ["/page/../server.py", "/page/%2e%2e/server.py", "/page/..%2fserver.py", "/page//etc/passwd"]
)
def test_nothing_but_the_page_is_served(client: TestClient, path: str) -> None:
    assert refused(client.get(path), 404)


def test_uploads_are_deleted(client: TestClient, take: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for path, data in {"locate": {}, "edit": {"sentence": "nonsense"}, "rank": {"text": ["rain"]}}.items():
        client.post(f"/api/{path}", files={"file": ("take.wav", take.read_bytes())}, data=data)
    assert not list(tmp_path.iterdir())


def test_large_uploads_are_refused(clients: Clients) -> None:
    client = clients(limits=Limits(max_mb=0.5))
    body = b"x" * 2_000_000
    assert "larger than the 0.5 MB" in refused(client.post("/api/hear", files={"file": body}), 413)

    def pieces() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        yield from (body[start : start + 100_000] for start in range(0, len(body), 100_000))
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert "larger than the 0.5 MB" in refused(client.post("/api/hear", content=pieces(), headers=headers), 413)


def test_long_recordings_are_refused(
    clients: Clients, wave: Callable[..., np.ndarray], wav: Callable[..., bytes]
) -> None:
    long = {"file": ("a.flac", wav(wave(0.0, seconds=2.1), form="FLAC", subtype="PCM_16"))}
    error = refused(clients(limits=Limits(max_s=2.0)).post("/api/hear", files=long), 422)
    assert error.startswith("a.flac is longer than the 2 s")
    error = refused(clients(limits=Limits(max_s=2.0)).post("/api/scan", files=long), 422)
    assert error == "a.flac is longer than the 2 s that this server takes; salm serve --max-s takes more."
    error = refused(clients(limits=Limits(max_values=200_000)).post("/api/hear", files=long), 422)
    assert "more than this server takes" in error


def test_limits_leave_something() -> None:
    with pytest.raises(InputError, match="max_mb is 0 but must be more than 0"):
        Limits(max_mb=0)


class Waiting:
    """A model that ranks when it is allowed to."""

    def __init__(self) -> None:
        self.asked, self.allowed = threading.Event(), threading.Event()

    def rank(self, *_: object) -> list[object]:
        self.asked.set()
        assert self.allowed.wait(60)
        return []


def test_who_comes_when_all_places_are_taken_is_told_so(clients: Clients, take: Path) -> None:
    model: Any = Waiting()
    client = clients(limits=Limits(places=1), model=model)
    sent = {"files": {"file": ("take.wav", take.read_bytes())}, "data": {"text": "rain"}}
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.append(client.post("/api/rank", **sent)))
    first.start()
    assert model.asked.wait(60)
    second = client.post("/api/rank", **sent)
    assert client.get("/page/main.js").status_code == 200
    model.allowed.set()
    first.join()
    assert "try again" in refused(second, 429)
    assert second.headers["Retry-After"]
    assert answers[0].status_code == 200
    assert client.post("/api/rank", **sent).status_code == 200

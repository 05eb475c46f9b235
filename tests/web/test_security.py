"""What is sent to a server over a plain socket, by somebody who keeps to no rules."""

import io
import json
import os
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
import uvicorn
from starlette.testclient import TestClient

from salm.library.index import Library
from salm.model.inference import Model
from salm.web.limits import Limits
from salm.web.server import create_app

# Starlette leaves the temporary file of a form that is cut short to the collection of garbage.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

Ask = Callable[[bytes], tuple[int, str, bytes]]

NASTY = [
    "<script>alert(1)</script>.wav",
    '"><img src=x onerror=alert(1)>.wav',
    "a\r\nSet-Cookie: x=1\r\n\r\n.wav",
    "a\x00.wav",
]


@pytest.fixture(scope="module")
def port(model: Model) -> Iterator[int]:
    """Of a server that waits for nobody."""
    app = create_app(model, limits=Limits(max_mb=1.0, max_s=20.0, wait_s=2.0))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
        assert thread.is_alive()
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.fixture
def ask(port: int) -> Ask:
    """Send bytes; the status, the head and the body of what comes back before the server closes."""

    def ask(sent: bytes) -> tuple[int, str, bytes]:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as to:
            answer = b""
            # Who is refused may still be sending when the server has answered and closed.
            with suppress(BrokenPipeError, ConnectionResetError):
                to.sendall(sent)
            with suppress(ConnectionResetError):
                while not _is_whole(answer) and (piece := to.recv(65536)):
                    answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode("latin-1"), body

    return ask


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and length is not None and len(body) >= int(length[1])


def request(path: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [
        f"POST /api/{path} HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    lines += headers or ["Content-Type: multipart/form-data; boundary=b"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def part(head: str, content: bytes) -> bytes:
    return f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode("latin-1") + content + b"\r\n"


def upload(content: bytes, **fields: str) -> bytes:
    parts = [part(f'name="{name}"', value.encode()) for name, value in fields.items()]
    return b"".join(parts) + part('name="file"; filename="a.wav"', content) + b"--b--\r\n"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example@localhost",
        "localhost@evil.example",
        "localhost/evil.example",
        "localhost#.evil.example",
        "localhost?evil",
        "localhost:80:80",
        "localhost:evil",
        "localhost.",
        "2130706433",
        "0x7f.1",
        "[fe80::1%25evil.example]",
        "[::1].evil.example",
        "localhost, evil.example",
    ],
)
def test_a_host_is_a_name_or_an_address_and_nothing_more(ask: Ask, host: str) -> None:
    status, _, body = ask(f"GET /api/about HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert status in (400, 421), body


@pytest.mark.parametrize(
    "origin", ["http://[", "http://localhost@evil.example", "//localhost", "localhost", "file://", "\xff"]
)
def test_an_origin_is_ours_or_refused(ask: Ask, origin: str) -> None:
    form = "Content-Type: multipart/form-data; boundary=b"
    assert ask(request("embed", part('name="text"', b"rain") + b"--b--\r\n", form, f"Origin: {origin}"))[0] == 403


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api/about HTTP/1.1\r\n\r\n",
        b"GET /api/about HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
        request("hear", b"abc", "Content-Length: 30"),
        request("hear", b"", length=-1),
        b"POST /api/hear HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:60]),
)
def test_what_is_no_request_is_refused(ask: Ask, sent: bytes) -> None:
    try:
        assert ask(sent)[0] == 400
    except ConnectionResetError:
        # It was not even listened to.
        return


def test_nobody_is_waited_for(ask: Ask) -> None:
    status, _, body = ask(request("hear", b"--b\r\n", length=1000))
    assert (status, json.loads(body)) == (408, {"error": "nothing came for 2 s; send it again."})
    # Neither is somebody who is refused, and has announced ever so much.
    assert ask(request("hear", b"--b", length=10**18))[0] == 413
    assert ask(request("hear", b"", "Host: evil.example", length=100))[0] == 400


def test_more_than_was_announced_is_another_request(ask: Ask) -> None:
    """Which is refused like any other: it cannot hide behind the first."""
    hidden = b"GET /api/about HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    chunked = "Transfer-Encoding: chunked"
    status, _, body = ask(request("hear", b"0\r\n\r\n" + hidden, chunked, length=4))
    assert status in (400, 422)
    assert b'"salm"' not in body


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"--b", 422),
        (part('name="file"; filename="a"', b"cut")[:-2], 422),
        (b"--b\r\n\r\nx\r\n--b--\r\n", 400),
        (b"--b\r\n\x00\xff: x\r\n\r\nx\r\n--b--\r\n", 400),
        (part("filename=x", b"x") + b"--b--\r\n", 400),
        (part('name="file"; filename="' + "a" * 100_000 + '"', b"x") + b"--b--\r\n", 400),
        (b"--b\r\n" + b"X: y\r\n" * 1000 + b"\r\nx\r\n--b--\r\n", 400),
        (b"".join(part(f'name="t{number}"', b"") for number in range(2000)) + b"--b--\r\n", 400),
        (part('name="file"; filename="x"', b"") * 2000 + b"--b--\r\n", 400),
        (part('name="file"', b"a field and no file") + b"--b--\r\n", 422),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_broken_forms_are_one_line(ask: Ask, body: bytes, status: int) -> None:
    got, _, answer = ask(request("hear", body))
    assert got == status
    assert list(json.loads(answer)) == ["error"]


def test_fields_are_bounded_too(ask: Ask) -> None:
    form = "Content-Type: application/x-www-form-urlencoded"
    assert ask(request("embed", b"text=" + b"a" * 1_500_000, form))[0] in (400, 422)
    assert ask(request("embed", b"a=&" * 100_000, form))[0] in (400, 413)
    assert ask(request("embed", b"a" * 2_500_000, form))[0] == 413


@pytest.mark.parametrize("name", NASTY)
def test_names_add_no_header_and_come_back_as_json(ask: Ask, name: str) -> None:
    status, head, body = ask(request("hear", part(f'name="file"; filename="{name}"', b"no audio") + b"--b--\r\n"))
    assert status in (400, 422)
    assert "set-cookie" not in head.lower()
    assert "application/json" in head
    assert "nosniff" in head
    assert list(json.loads(body)) == ["error"]


@pytest.mark.parametrize(
    "path", ["scan/a%0d%0aSet-Cookie:%20x", "libraries/a%0d%0aSet-Cookie:%20x/sounds/k", "results/%0d%0a/x"]
)
def test_addresses_add_no_header(ask: Ask, path: str) -> None:
    status, head, _ = ask(f"GET /api/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert status in (404, 422)
    assert "set-cookie" not in head.lower()


@pytest.mark.parametrize(
    "path",
    [
        "/page/%00",
        "/page/main.js%00.html",
        "/page/..%5c..%5cserver.py",
        "/page/%252e%252e/server.py",
        "/page/%ff%fe",
        "/page/",
    ],
)
def test_no_path_leads_out_of_the_page(ask: Ask, path: str) -> None:
    assert ask(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())[0] == 404


def wave(rate_hz: int = 24_000, *, data: bytes = bytes(8000), floating: bool = False) -> bytes:
    """A WAV file of four channels whose header says what it is told to."""
    bits = 32 if floating else 16
    form = struct.pack(
        "<HHIIHH", 3 if floating else 1, 4, rate_hz, rate_hz * 4 * bits // 8 % 2**32, 4 * bits // 8, bits
    )
    chunks = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def unrolling() -> bytes:
    """A FLAC file of a few kilobytes that does not say how much silence it holds, which is a minute."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros((60 * 24_000, 4), np.int16), 24_000, format="FLAC")
    flac = bytearray(file.getvalue())
    assert len(flac) < 20_000
    # The last 36 of these 64 bits are the number of samples.
    said = int.from_bytes(flac[18:26], "big") >> 36 << 36
    flac[18:26] = said.to_bytes(8, "big")
    return bytes(flac)


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (wave(2**31 - 1), "its rate is 2147483647 Hz"),
        (wave(1), "is longer than the 20 s"),
        (unrolling(), "is longer than the 20 s"),
        (wave(data=struct.pack("<f", 3e38) * 4000, floating=True), "times full scale"),
        (wave(data=struct.pack("<f", float("nan")) * 4000, floating=True), "no numbers"),
    ],
    ids=["2 GHz", "1 Hz", "FLAC without a length", "3e38", "NaN"],
)
@pytest.mark.parametrize("path", ["hear", "locate", "edit"])
def test_small_files_that_would_be_large_are_refused(ask: Ask, path: str, sound: bytes, said: str) -> None:
    fields = {"layout": "ambix"} | ({"sentence": "mirror it"} if path == "edit" else {})
    status, _, body = ask(request(path, upload(sound, **fields)))
    assert status == 422
    assert said in json.loads(body)["error"]


def test_names_that_are_no_unicode_are_found_and_heard(model: Model, tmp_path: Path, take: Path) -> None:
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / os.fsdecode(b"b\xff.wav")).write_bytes(take.read_bytes())
    library = Library(tmp_path / "library")
    library.add(tmp_path / "sounds", model)
    with TestClient(create_app(model, libraries={"takes": library}), base_url="http://localhost") as client:
        hit = client.post("/api/search", data={"library": "takes", "text": "from the left"}).json()["hits"][0]
        assert hit["file"] == r"b\udcff.wav"
        assert client.get(hit["sound"]).status_code == 200
        assert client.get(f"{hit['sound']}?start_s=0.5&end_s=1").status_code == 200


@pytest.mark.parametrize("path", ["embed", "search", "rank"])
def test_text_that_is_no_unicode_is_one_line(ask: Ask, path: str) -> None:
    fields = {"text": "file:\\ud800", "library": "takes"}
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields.items()
    )
    body += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n\r\n--x--\r\n'
    head = (
        f"POST /api/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=x; charset=unicode_escape\r\n\r\n"
    )
    status, _, answer = ask(head.encode() + body)
    assert status == 422
    assert "is no Unicode text" in json.loads(answer)["error"]


def test_names_in_a_library_are_only_text(model: Model, tmp_path: Path, take: Path) -> None:
    """A hit is named in JSON as it is called, and opened by its key."""
    name = '"><img src=x onerror=alert(1)>.wav'
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / name).write_bytes(take.read_bytes())
    library = Library(tmp_path / "library")
    library.add(tmp_path / "sounds", model)
    app = create_app(model, libraries={"<b>": library})
    with TestClient(app, base_url="http://localhost") as client:
        answer = client.post("/api/search", data={"library": "<b>", "text": "from the left"})
        assert answer.headers["content-type"] == "application/json"
        hit = answer.json()["hits"][0]
        assert hit["file"] == name
        assert re.fullmatch(r"/api/libraries/%3Cb%3E/sounds/[0-9a-f]{16}", hit["sound"])
        assert client.get(hit["sound"]).status_code == 200

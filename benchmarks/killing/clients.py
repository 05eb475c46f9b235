"""Those who ask a server while it is killed."""

import io
import socket
import threading
import time
from typing import Any

import httpx2

from killing.digests import samples_digest
from killing.process import PATIENCE_S
from killing.sounds import AMBIX


class Client(threading.Thread):
    """Somebody who asks, and notes what was answered."""

    ASKS: str

    def __init__(self, url: str, take: bytes) -> None:
        super().__init__(daemon=True)
        self.url, self.take = url, take
        self.phase = self.ASKS
        self.found: dict[str, Any] = {}
        """What must be the same from every server."""
        self.addresses: list[str] = []
        """What no other server must know."""
        self.wrong: list[str] = []
        self.start()

    def run(self) -> None:
        try:
            self.ask()
            self.phase = f"{self.ASKS} done"
        except (OSError, httpx2.TransportError):
            # The server is gone.
            return
        except Exception as error:
            self.wrong.append(f"{self.phase}: {error!r}")

    def ask(self) -> None:
        raise NotImplementedError

    def sent(self, path: str, **fields: Any) -> dict[str, Any]:
        files, data = {"file": ("take.wav", self.take)}, {"layout": AMBIX[1], **fields}
        answer = httpx2.post(f"{self.url}api/{path}", files=files, data=data, timeout=PATIENCE_S)
        if answer.status_code not in (200, 202):
            self.wrong.append(f"{path} answers {answer.status_code}: {answer.text[:200]}")
        return dict(answer.json())


class Uploading(Client):
    """Never gets to its end: half a recording, a little every moment."""

    ASKS = "uploading"

    def ask(self) -> None:
        host, _, port = self.url.removeprefix("http://").rstrip("/").partition(":")
        with socket.create_connection((host, int(port))) as to:
            to.sendall(
                f"POST /api/locate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(self.take)}\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
                'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'.encode()
            )
            for begin in range(0, len(self.take) // 2, 20_000):
                to.sendall(self.take[begin : begin + 20_000])
                time.sleep(0.02)


class Editing(Client):
    ASKS = "editing"

    def ask(self) -> None:
        done = self.sent("edit", sentence="move it behind me")
        self.addresses = [done["out"].lstrip("/"), done["binaural"].lstrip("/")]
        self.phase = "edit answered"
        for address in self.addresses:
            content = httpx2.get(f"{self.url}{address}", timeout=PATIENCE_S).content
            self.found[address.rpartition("/")[2]] = samples_digest(io.BytesIO(content))


class Scanning(Client):
    ASKS = "scanning"

    def ask(self) -> None:
        job = self.sent("scan", text=["rain", "dog"])
        self.addresses = [f"api/scan/{job['id']}"]
        while job["state"] in ("waiting", "running"):
            self.phase = f"scan {job['state']}"
            time.sleep(0.05)
            job = httpx2.get(f"{self.url}{self.addresses[0]}", timeout=PATIENCE_S).json()
        if job["error"]:
            self.wrong.append(f"a scan fails: {job['error']}")
        self.found["scan"] = job["result"]

"""Kills servers, and looks at the next."""

import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2

from killing.clients import Client, Editing, Scanning, Uploading
from killing.digests import digests
from killing.loading import with_loaded_model
from killing.process import PATIENCE_S, Started, start
from killing.sounds import AMBIX, sound


class Siege:
    """Kills servers with an upload, an edit and a scan in flight; the next one must be as if they had not been.

    Answers that came are held to be true: the files of an answered edit have the samples of an undisturbed one.
    """

    def __init__(self, home: Path, rng: random.Random) -> None:
        self.rng, self.said = rng, home / "said"
        self.room, self.library = home / "temporary", home / "library"
        self.room.mkdir()
        self.take = sound(home / "take.wav", seconds=6, seed=1).read_bytes()
        for seed in range(3):
            sound(home / "sounds" / f"{seed}.wav", seconds=1, seed=seed)
        words = ["index", "add", str(home / "sounds"), "--to", str(self.library), *AMBIX]
        start(words, self.said, prepare=with_loaded_model).succeed()
        self.shelf = digests(self.library)
        self.phases: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.expected: dict[str, Any] = {}
        self.of_the_dead: list[str] = []

    def told(self, times: int) -> dict[str, Any]:
        """What comes of so many kills."""
        began = time.perf_counter()
        self._stopped(signal.SIGINT)
        lasts_s = time.perf_counter() - began
        for _ in range(times):
            self._killed(self.rng.uniform(0, lasts_s))
        self._stopped(signal.SIGTERM)
        if left := list(self.room.iterdir()):
            self.wrong.append(f"{left[0].name} stays after the last server has ended")
        return {
            "kills": self.phases.total(),
            "undisturbed_s": round(lasts_s, 2),
            "phases": dict(self.phases.most_common()),
            "wrong": self.wrong,
        }

    def _stopped(self, stop: signal.Signals) -> None:
        """A server that answers everybody and is asked to stop."""
        server = self._start()
        clients = self._besieged(server, time.monotonic() + PATIENCE_S)
        self._hear(clients)
        os.kill(server.process, stop)
        if (status := server.ended()) != 128 + stop:
            self.wrong.append(f"stopped it ends with {status}")

    def _killed(self, after_s: float) -> None:
        moment = time.monotonic() + after_s
        server = self._start()
        clients = self._besieged(server, moment)
        time.sleep(max(0.0, moment - time.monotonic()))
        self.phases[", ".join(client.phase for client in clients) or "before it listens"] += 1
        server.kill(group=self.rng.random() < 0.5)
        if (status := server.ended()) != -signal.SIGKILL:
            self.wrong.append(f"before it is killed it ends with {status}: {server.complaint()[-300:]}")
        self._hear(clients)
        self.of_the_dead = [address for client in clients for address in client.addresses]

    def _start(self) -> Started:
        words = ["serve", "--port", "0", "--json", "--library", f"takes={self.library}"]
        return start(words, self.said, prepare=self._prepare)

    def _prepare(self) -> None:
        with_loaded_model()
        # Whoever starts this in the background may have it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        tempfile.tempdir = None
        os.environ["TMPDIR"] = str(self.room)

    def _besieged(self, server: Started, moment: float) -> list[Client]:
        """Those who ask it, once it listens, until all are done or the moment has come."""
        url = self._url(server, moment)
        if url is None:
            return []
        self._look(url)
        clients: list[Client] = [client(url, self.take) for client in (Uploading, Editing, Scanning)]
        for client in clients:
            client.join(max(0.0, moment - time.monotonic()))
        return clients

    def _url(self, server: Started, moment: float) -> str | None:
        """Where it listens; None if it does not yet."""
        while time.monotonic() < moment:
            if line := server.output.read_text(encoding="utf-8"):
                return str(json.loads(line)["url"])
            if (status := server.ended(0.02)) is not None:
                raise SystemExit(f"the server ends with {status}: {server.complaint()}")
        return None

    def _look(self, url: str) -> None:
        """What a new server shows: nothing of the one before."""
        if len(left := list(self.room.iterdir())) > 1:
            self.wrong.append(f"{len(left) - 1} temporary folders of dead servers stay")
        for address in self.of_the_dead:
            if httpx2.get(f"{url}{address}", timeout=60).status_code < 400:
                self.wrong.append(f"{address} of a dead server is served")
        fields = {"library": "takes", "text": "from the left"}
        answer = httpx2.post(f"{url}api/search", data=fields, timeout=60)
        if answer.status_code == 200:
            self._compare("search", answer.json()["hits"])
        else:
            self.wrong.append(f"a search answers {answer.status_code}: {answer.text[:200]}")
        if digests(self.library) != self.shelf:
            self.wrong.append("the library has changed")

    def _hear(self, clients: list[Client]) -> None:
        """What they were answered."""
        for client in clients:
            client.join()
            self.wrong += client.wrong
            for name, its in client.found.items():
                self._compare(name, its)

    def _compare(self, name: str, its: Any) -> None:
        if its != self.expected.setdefault(name, its):
            self.wrong.append(f"{name} differs from that of an undisturbed server")

"""The local page and the JSON API: ``salm serve``."""

import logging
import signal
import socket
import sys
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, ClassVar

from tyro.conf import UseAppendAction, arg

import salm
from salm.cli.command import Command
from salm.cli.telling import mention, say
from salm.errors import InputError
from salm.extras import needed

if TYPE_CHECKING:
    from salm.library.index import Library

__all__ = ["Serve"]


@dataclass(frozen=True, kw_only=True)
class Serve(Command):
    """A page on this machine to hear, locate, search and edit with, and a JSON API."""

    repeatable: ClassVar[frozenset[str]] = frozenset({"--library"})

    library: UseAppendAction[tuple[str, ...]] = ()
    """A library to search, as NAME=PATH; may be given several times. Nothing else on disk can be asked for."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 lets other machines in, and there is no password."""
    port: int = 8000
    """Port to listen on; 0 takes any that is free."""
    max_mb: float = 200.0
    """Largest upload in megabytes."""
    max_s: float = 600.0
    """Longest recording in seconds."""
    model_name: Annotated[str, arg(name="model")] = "small"
    """A model that ships, a folder, or a hub id."""

    def run(self) -> int:
        """Serve until interrupted."""
        uvicorn = needed("uvicorn", "fastapi", "python_multipart", extra="app", by="salm serve")
        from salm.web.limits import Limits
        from salm.web.scratch import scratch_folder
        from salm.web.server import create_app

        limits = Limits(max_mb=self.max_mb, max_s=self.max_s)
        libraries = self._libraries()
        with self._listening() as listening, scratch_folder():
            address = ip_address(listening.getsockname()[0])
            names = [] if address.is_unspecified else [self.host]
            host = "127.0.0.1" if address.is_unspecified else self.host
            url = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
            app = create_app(self.model(self.model_name), libraries=libraries, limits=limits, names=names)
            logging.basicConfig(format="%(message)s")
            config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
            if not address.is_loopback:
                mention("other machines can reach this server, and it asks for no password.")
            document = {"url": url, "libraries": list(libraries)}
            self.tell(document, lambda: say(f"Open {url} (Ctrl+C stops it)."))
            self._flush()
            # uvicorn raises the signal once more when it is done; what is temporary has then still to be deleted.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
            uvicorn.Server(config).run(sockets=[listening])
        return 0

    def _libraries(self) -> "dict[str, Library]":
        libraries: dict[str, Library] = {}
        for pair in self.library:
            name, sign, path = pair.partition("=")
            if not sign or not name or not path or "/" in name or not name.isprintable():
                raise InputError(f"--library {pair}: expected NAME=PATH, such as takes=my.library.")
            if name in libraries:
                raise InputError(f"--library {name} is there twice; give each library a name of its own.")
            libraries[name] = salm.Library(path, must_exist=True)
        return libraries

    def _listening(self) -> socket.socket:
        if not self.host:
            raise InputError("--host is empty; leave it out, and only this machine can reach the server.")
        if not 0 <= self.port <= 65535:
            raise InputError(f"--port is {self.port} but must be from 0 to 65535.")
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            return socket.create_server((self.host, self.port), family=family)
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(f"{self.host}, port {self.port} cannot be listened on: {reason}; try --port 0.") from error

    @staticmethod
    def _flush() -> None:
        """Whoever reads the address from a pipe is waiting for it."""
        sys.stdout.flush()

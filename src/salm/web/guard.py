"""What stands before every request: who may ask, how much may be sent, and what browsers are told.

- The ``Host`` must be an IP address, ``localhost`` or this machine's own name. A page on the internet can point a name
  of its own to 127.0.0.1 (DNS rebinding), but not a number.
- A request that changes or computes something must not come from another site's page (``Origin``).
- Bodies are counted while they come in, and so are the requests that have one. Who stops sending one is not waited for.
"""

import asyncio
import re
import socket
from collections.abc import Collection
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from salm.errors import one_line
from salm.web.limits import Limits

__all__ = ["Guard", "own_names"]

# A form has a little more in it than its file.
_FORM_BYTES = 1_000_000

# Nothing else than a name or an address and a port: neither a user before it nor a path behind it.
_HOST = re.compile(r"(?P<name>[\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",
}


def own_names(*more: str) -> frozenset[str]:
    """Names by which this machine may be called, in small letters."""
    host = socket.gethostname().lower()
    return frozenset({"localhost", host, f"{host}.local", *(name.lower() for name in more)})


class Guard:
    """ASGI middleware: refuses, counts, and adds headers.

    Parameters
    ----------
    names
        Host names that are served besides IP addresses.
    """

    def __init__(self, app: ASGIApp, *, limits: Limits, names: Collection[str]) -> None:
        self._app, self._limits, self._names = app, limits, names
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await _drain(receive, self._most, self._limits.wait_s)
            await refusal(scope, receive, send)
        elif scope["method"] == "POST":
            self._inside += 1
            try:
                await self._app(scope, self._counted(receive), send)
            finally:
                self._inside -= 1
        else:
            await self._app(scope, receive, send)

    @property
    def _most(self) -> int:
        return self._limits.max_bytes + _FORM_BYTES

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            return _error(421, f"this server is not called {host or 'nothing'}; say localhost or its IP address.")
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            return _error(403, "requests from the pages of other sites are refused.")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._most:
            return _error(413, _too_large(self._limits))
        if scope["method"] == "POST" and self._inside >= self._limits.places:
            refusal = _error(429, f"{self._inside} requests are at work or wait; try again in a moment.")
            refusal.headers["Retry-After"] = "2"
            return refusal
        return None

    def _is_ours(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        name = match["name"].strip("[]").lower() if match else ""
        return name in self._names or _is_address(name)

    def _counted(self, receive: Receive) -> Receive:
        taken, more = 0, True

        async def counted() -> Message:
            nonlocal taken, more
            if not more:
                # What comes now is that the client has gone, which may take as long as it likes.
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self._limits.wait_s)
            except TimeoutError as error:
                raise HTTPException(408, f"nothing came for {self._limits.wait_s:g} s; send it again.") from error
            taken += len(message.get("body", b""))
            more = bool(message.get("more_body", False))
            if taken > self._most:
                raise HTTPException(413, _too_large(self._limits))
            return message

        return counted


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _too_large(limits: Limits) -> str:
    return f"the upload is larger than the {limits.max_mb:g} MB that this server takes; salm serve --max-mb takes more."


def _error(status: int, text: str) -> JSONResponse:
    return JSONResponse({"error": one_line(text)}, status_code=status)


async def _drain(receive: Receive, most: int, wait_s: float) -> None:
    """Take in what is being sent: many clients read no answer before they have sent everything."""
    taken, more = 0, True
    while more and taken <= most:
        try:
            message = await asyncio.wait_for(receive(), wait_s)
        except TimeoutError:
            return
        taken += len(message.get("body", b""))
        more = bool(message.get("more_body", False))


def _with_headers(send: Send) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return told

"""A language model behind any OpenAI-compatible server: llama.cpp, Ollama, vLLM and others.

The protocol is spoken with the standard library. One POST of JSON is all that is needed; a client package brings a
dozen others, retries of its own, and environment variables that could send a key to a server that was not meant.
"""

import json
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from salm.errors import InputError
from salm.scenes.rephrase.prompts import Messages

__all__ = ["ServerBackend"]

_BUSY = frozenset({429, 502, 503, 504})
_PAUSES_S = (1.0, 4.0, 15.0)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ServerBackend:
    """Answers of a server; any number of threads may ask at once.

    Parameters
    ----------
    url
        Where the protocol's paths begin, such as ``http://localhost:8080/v1``.
    model
        What the server calls the model; llama.cpp's takes any name.
    key
        What the server lets in; None sends none.
    timeout_s
        How long an answer may take.
    sleep
        How a pause is made while the server is busy or loads its model.

    Raises
    ------
    InputError
        If the address is none of http or https.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        key: str | None = None,
        timeout_s: float = 120.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url, self.model, self.timeout_s, self._sleep = url.rstrip("/"), model, timeout_s, sleep
        host = _host(self.url)
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._opener = _opener(host)

    def complete(self, messages: Messages, *, seed: int, temperature: float, max_tokens: int) -> str:
        """The answer to a conversation.

        Raises
        ------
        InputError
            If the server cannot be reached, refuses, or does not speak the protocol.
        """
        body = {
            "model": self.model,
            "messages": [dict(message) for message in messages],
            "seed": seed,
            "temperature": temperature,
            "max_tokens": max_tokens,
            "stream": False,
        }
        return _content(self._posted(json.dumps(body).encode()), self.url)

    def _posted(self, body: bytes) -> bytes:
        """What is answered; a server that is busy is asked again after a while."""
        for pause_s in (*_PAUSES_S, None):
            try:
                return self._answer(body)
            except HTTPError as error:
                if error.code not in _BUSY or pause_s is None:
                    raise InputError(self._refusal(error)) from error
                error.close()
            except (ConnectionError, HTTPException) as error:
                if pause_s is None:
                    raise InputError(f"the server at {self.url} breaks off: {error}.") from error
            self._sleep(pause_s)
        raise AssertionError("the last turn returns or raises")

    def _answer(self, body: bytes) -> bytes:
        request = Request(f"{self.url}/chat/completions", data=body, headers=self._headers, method="POST")
        try:
            with self._opener.open(request, timeout=self.timeout_s) as response:
                return bytes(response.read())
        except HTTPError:
            raise
        except (URLError, TimeoutError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if isinstance(reason, ConnectionError) and not isinstance(reason, ConnectionRefusedError):
                raise reason from error
            raise InputError(self._unreachable(reason)) from error

    def _unreachable(self, reason: object) -> str:
        if isinstance(reason, TimeoutError):
            return (
                f"the server at {self.url} has not answered within {self.timeout_s:g} s; "
                "give it more time with --timeout-s, or ask fewer at once with --concurrency."
            )
        if isinstance(reason, ConnectionRefusedError):
            return f"nothing listens at {self.url}; start a server there, or give its address with --url."
        return f"the server at {self.url} cannot be reached: {reason}."

    def _refusal(self, error: HTTPError) -> str:
        with error:
            said = _complaint(error.read())
        if error.code in (401, 403):
            advice = "name the environment variable that holds the key with --key-variable"
        elif error.code in _BUSY:
            advice = "it is still busy; try later, or ask fewer at once with --concurrency"
        else:
            advice = "look at --url, which mostly ends with /v1, and at --model"
        return f"the server at {self.url} refuses ({error.code}{f': {said}' if said else ''}); {advice}."


class _NoRedirect(HTTPRedirectHandler):
    """A key and a caption go to the server that was named and to no other."""

    def redirect_request(self, *args: Any) -> None:
        """No request."""
        del args


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        # Numbers of ports are looked at only when they are asked for.
        valid = parts.scheme in ("http", "https") and (parts.port is None or parts.port > 0)
        host = parts.hostname or ""
        host.encode("idna")
    except ValueError:
        valid = False
    if not valid or not host or not url.isprintable() or " " in url:
        raise InputError(f"the address {url!r} is none of a server; one looks like http://localhost:8080/v1.")
    return host


def _opener(host: str) -> OpenerDirector:
    # A proxy of the environment knows nothing of what runs on this machine.
    return build_opener(_NoRedirect, *([ProxyHandler({})] if host in _LOOPBACK else []))


def _content(answer: bytes, url: str) -> str:
    try:
        content = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(
            f"the server at {url} does not answer as an OpenAI-compatible one does; look at --url, which mostly ends "
            "with /v1."
        ) from error
    # Null is what a model says that has spent all its tokens on thinking.
    return content if isinstance(content, str) else ""


def _complaint(body: bytes) -> str:
    """What the server says itself, on one line; nothing if it sends a page."""
    try:
        error = json.loads(body)["error"]
        said = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, LookupError, TypeError):
        return ""
    return " ".join(said.split())[:200].rstrip(".")

"""The part of a sign-in that comes back through the browser: a code, to a port of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from secrets import compare_digest
from urllib.parse import parse_qs, urlsplit, urlunsplit

from capture.clock import NowNs, monotonic_ns
from capture.redaction import Redactor
from replay.errors import NoToken

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# A browser that connects and says nothing may not hold up the one that brings the code.
REQUEST_TIMEOUT_S = 5.0
DONE = b"Signed in. You can close this page and go back to the terminal.\n"
NOT_THIS = b"This is not what is waited for.\n"


@dataclass(frozen=True, slots=True)
class SignIn:
    """What an answer to an authorization request has to look like to be believed."""

    name: str
    redirect_uri: str
    state: str = field(repr=False)

    def is_answer(self, url: str) -> bool:
        """Whether a URL is the redirect that was asked for."""
        wanted, seen = urlsplit(self.redirect_uri), urlsplit(url)
        return (wanted.scheme, wanted.netloc, wanted.path) == (seen.scheme, seen.netloc, seen.path)

    def code_in(self, url: str) -> str:
        """Return the code of a redirect. Raises NoToken when it is refused or forged."""
        answer = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if not compare_digest(answer.get("state", "").encode(), self.state.encode()):
            raise NoToken(
                f"{self.name}: the answer to the sign-in has another state than was sent: it may "
                "be forged; sign in again"
            )
        if "code" in answer:
            return answer["code"]
        error = Redactor().text(answer.get("error", "no code"), where="an error")[0]
        raise NoToken(f"{self.name}: the sign-in was refused: {error[:100]!r}")


@dataclass(slots=True)
class CodeListener:
    """Waits for the browser where `redirect_uri` says; `redirect_uri` has the port it got."""

    name: str
    redirect_uri: str
    _server: _OneAnswer | None

    @classmethod
    @contextmanager
    def on(cls, redirect_uri: str, name: str) -> Iterator[CodeListener]:
        """Listen while the context lasts. Raises NoToken.

        A redirect to another machine is not listened for: then the code has to come at once.
        """
        parts = urlsplit(redirect_uri)
        if parts.scheme != "http" or parts.hostname not in LOOPBACK:
            yield cls(name, redirect_uri, None)
            return
        try:
            server = _OneAnswer((parts.hostname, parts.port or 0))
        except (OSError, ValueError) as error:
            raise NoToken(
                f"{name}: cannot listen for the sign-in at {redirect_uri}: {error}"
            ) from None
        with server:
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            netloc = f"{host}:{server.server_address[1]}"
            yield cls(name, urlunsplit(parts._replace(netloc=netloc)), server)

    def code(self, sign_in: SignIn, timeout_s: float, now_ns: NowNs = monotonic_ns) -> str:
        """Return the code that the browser brings. Raises NoToken."""
        if self._server is None:
            raise NoToken(
                f"{self.name}: a person has to sign in, and the code would go to "
                f"{urlsplit(self.redirect_uri).netloc}: set redirect_uri to a port of 127.0.0.1, "
                f"or pass --oauth-code {self.name[7:-1]}=ENV|FILE"
            )
        ends_ns = now_ns() + round(timeout_s * 1e9)
        self._server.sign_in = sign_in
        while self._server.answer is None:
            left_ns = ends_ns - now_ns()
            if left_ns <= 0:
                raise NoToken(f"{self.name}: nobody signed in within {timeout_s:g} s")
            self._server.timeout = left_ns / 1e9
            self._server.handle_request()
        return sign_in.code_in(self._server.answer)


class _OneAnswer(HTTPServer):
    """A server that keeps the first request that is the redirect."""

    sign_in: SignIn | None = None
    answer: str | None = None

    def __init__(self, address: tuple[str, int]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a traceback would show the request, and the code in it."""


class _Handler(BaseHTTPRequestHandler):
    timeout = REQUEST_TIMEOUT_S
    server: _OneAnswer

    def do_GET(self) -> None:
        """Take the redirect, answer anything else."""
        sign_in = self.server.sign_in
        url = ""
        if sign_in is not None:
            wanted = urlsplit(sign_in.redirect_uri)
            url = f"{wanted.scheme}://{wanted.netloc}{self.path}"
        # Browsers ask for an icon too.
        is_answer = sign_in is not None and sign_in.is_answer(url)
        if is_answer:
            self.server.answer = url
        self.send_response(200 if is_answer else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(DONE if is_answer else NOT_THIS)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the line would hold the code."""

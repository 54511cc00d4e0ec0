"""No secret is in the file, wherever in a session it stood; the server got it all the same."""

from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from capture.format.model import Capture, Frame, UpgradeRequest
from tests.integration.capture.proxied import Proxy, Upstream, dial, read_exactly, read_head
from tests.unit.capture.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    DEFLATE_RESPONSE,
    PING,
    REQUEST,
    RESPONSE,
    TEXT,
    Deflate,
    base64url,
    client,
    frame,
    jwt,
)

_numbers = count(10)


@dataclass(frozen=True)
class Case:
    """A session with one secret in it, of which no other session knows."""

    secret: bytes
    request: bytes = REQUEST
    up: bytes = client(TEXT, b"hi")
    response: bytes = RESPONSE

    @property
    def down(self) -> bytes:
        """An echo of the secret."""
        return frame(TEXT, b'{"a":"%s"}' % self.secret) + frame(CLOSE, b"\x03\xe8bye")


def new_opaque() -> bytes:
    return b"opq%d/zyx+wvu-%d" % (next(_numbers), next(_numbers))


def new_jwt(size: int = 40) -> bytes:
    return jwt(signature=f"sgn{next(_numbers)}_{'aZ' * (size // 2)}").encode()


def in_request(secret: bytes, header: bytes) -> Case:
    return Case(secret, REQUEST.replace(b"\r\n\r\n", b"\r\n" + header % secret + b"\r\n\r\n"))


def in_query(secret: bytes, name: bytes) -> Case:
    return Case(secret, REQUEST.replace(b"/ws", b"/ws?room=1&%s=%s&x=1" % (name, secret)))


def in_message(secret: bytes, message: bytes, opcode: int = TEXT) -> Case:
    return Case(secret, up=client(opcode, message % secret))


def in_fragments(secret: bytes) -> Case:
    pieces = [secret[at : at + 20] for at in range(0, len(secret), 20)]
    last = len(pieces) - 1
    up = b"".join(
        client(TEXT if at == 0 else CONTINUATION, piece, fin=at == last)
        for at, piece in enumerate(pieces)
    )
    return Case(secret, up=up)


def compressed(secret: bytes) -> Case:
    up = client(TEXT, Deflate()(b'{"jwt":"%s"}' % secret), rsv=4)
    return Case(secret, up=up, response=DEFLATE_RESPONSE)


def wrapped(secret: bytes) -> bytes:
    return base64url(secret).encode()


PROTOCOL = b"Sec-WebSocket-Protocol: "
CASES = {
    "authorization": in_request(new_opaque(), b"Authorization: Bearer %s"),
    "authorization with a jwt": in_request(new_jwt(), b"authorization:Bearer %s"),
    "cookie": in_request(new_opaque(), b"Cookie: theme=dark; sid=%s"),
    "header that ends with token": in_request(new_opaque(), b"X-Some-Token: %s"),
    "subprotocol": in_request(new_jwt(), PROTOCOL + b"chat, bearer, %s"),
    "subprotocol, wrapped": in_request(wrapped(new_jwt()), PROTOCOL + b"jwt.%s"),
    "subprotocol of kubernetes": in_request(
        wrapped(new_jwt()), PROTOCOL + b"base64url.bearer.authorization.k8s.io.%s"
    ),
    "query": in_query(new_opaque(), b"access_token"),
    "query, name encoded": in_query(new_opaque(), b"%74oken"),
    "query, value encoded": in_query(b"opq31%2Fzyx%2Bwvu", b"token"),
    "json": in_message(new_opaque(), b'{"type":"auth","token":"%s"}'),
    "plain text": Case(b"abc123", up=client(TEXT, b"AUTH abc123")),
    "password": in_message(b"hunter 2 hunter", b'{"user":"ada","password":"%s"}'),
    "binary": in_message(new_opaque(), b"\x82\xa5token\xd9\x12%s", BINARY),
    "fragments": in_fragments(new_jwt()),
    "compressed": compressed(new_jwt()),
    "ping": in_message(new_jwt(10)[:120], b"%s", PING),
}
# Its echo is too short to be told from a word.
NOT_ECHOED = {"plain text"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Capture]:
    """Record every case; checks that the server got the secret and the client its echo."""
    out = tmp_path_factory.mktemp("secrets") / "x.jsonl"
    with Upstream() as upstream, Proxy(upstream.url, out) as proxy:
        for name, case in CASES.items():
            down = frame(TEXT, b"hi") if name in NOT_ECHOED else case.down
            with dial(proxy) as one:
                one.sendall(case.request)
                with upstream.accept() as other:
                    host = f"127.0.0.1:{upstream.port}".encode()
                    assert read_head(other) == case.request.replace(b"example.test", host)
                    other.sendall(case.response)
                    assert read_head(one) == case.response
                    one.sendall(case.up)
                    assert read_exactly(other, len(case.up)) == case.up
                    other.sendall(down)
                    assert read_exactly(one, len(down)) == down
        capture = proxy.capture()
    return out.read_bytes(), capture


@pytest.mark.parametrize("name", CASES)
def test_no_secret_is_in_the_file(recorded: tuple[bytes, Capture], name: str) -> None:
    written, capture = recorded
    secret = CASES[name].secret
    connection = capture.of_connection(f"c{list(CASES).index(name) + 1}")
    assert secret not in written
    assert secret.rpartition(b".")[2] not in written
    frames = [event for event in connection if isinstance(event, Frame)]
    assert all(secret not in each.payload for each in frames)
    assert any(getattr(event, "secrets", ()) for event in connection)


@pytest.mark.parametrize("name", sorted(set(CASES) - NOT_ECHOED))
def test_the_echo_has_the_placeholder_of_the_secret(
    recorded: tuple[bytes, Capture], name: str
) -> None:
    _, capture = recorded
    *before, echo, _ = (
        event
        for event in capture.of_connection(f"c{list(CASES).index(name) + 1}")
        if isinstance(event, Frame | UpgradeRequest)
    )
    assert isinstance(echo, Frame)
    (secret,) = echo.secrets
    assert echo.text == f'{{"a":"{{{{deadheat:{secret.kind}:{secret.id}}}}}"}}'
    assert secret in [each for event in before for each in event.secrets]


def test_secrets_are_kept_when_asked(tmp_path: Path) -> None:
    out, case = tmp_path / "x.jsonl", CASES["authorization"]
    with Upstream() as upstream, Proxy(upstream.url, out, "--keep-secrets") as proxy:
        with dial(proxy) as one:
            one.sendall(case.request)
            with upstream.accept() as other:
                read_head(other)
        capture = proxy.capture()
    assert capture.header.secrets_kept
    assert case.secret in out.read_bytes()

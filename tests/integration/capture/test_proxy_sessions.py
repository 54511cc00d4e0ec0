"""Sessions of real WebSocket clients and servers, as they come out of the recording."""

import asyncio
import http.client
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from capture.clock import wall_time
from capture.format.model import Direction, Frame, Note, UpgradeRequest, UpgradeResponse
from tests.integration.capture.proxied import Proxy, Upstream, dial, read_all, read_head
from tests.unit.capture.wire import REQUEST


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@asynccontextmanager
async def served(**options: object) -> AsyncIterator[int]:
    """Serve an echo on a free port."""
    async with serve(echo, "127.0.0.1", 0, **options) as server:  # type: ignore[arg-type]
        yield next(iter(server.sockets)).getsockname()[1]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "x.jsonl"


async def test_a_session_is_recorded_from_request_to_close(out: Path) -> None:
    async with served(subprotocols=[Subprotocol("chat")]) as port:
        with Proxy(f"ws://127.0.0.1:{port}", out) as proxy:
            offered = [Subprotocol("chat"), Subprotocol("other")]
            async with connect(f"{proxy.url}/ws?a=1", subprotocols=offered, proxy=None) as client:
                assert client.subprotocol == "chat"
                await client.send("hello")
                assert await client.recv() == "hello"
            capture = proxy.capture()
    request, response, *frames = capture.events
    assert isinstance(request, UpgradeRequest)
    assert isinstance(response, UpgradeResponse)
    assert request.url == f"ws://127.0.0.1:{port}/ws?a=1"
    assert request.connected_at_ns is not None
    assert request.connected_at_ns <= request.at_ns <= response.at_ns
    assert ("Sec-WebSocket-Protocol", "chat") in response.headers
    told = [(each.opcode, each.close_code) for each in frames if isinstance(each, Frame)]
    assert told == [("text", None), ("text", None), ("close", 1000), ("close", 1000)]
    assert capture.header.about == {"upstream": f"ws://127.0.0.1:{port}"}


async def test_compressed_messages_are_inflated_in_the_record(out: Path) -> None:
    messages = ["the same words " * 20, "the same words " * 20, "more of the same words"]
    async with served() as port:
        with Proxy(f"ws://127.0.0.1:{port}", out) as proxy:
            async with connect(proxy.url, proxy=None) as client:
                for message in messages:
                    await client.send(message)
                    assert await client.recv() == message
                await client.send(["in ", "several ", "parts"])
                assert await client.recv() == "in several parts"
            capture = proxy.capture()
    frames = [each for each in capture.events if isinstance(each, Frame) and each.text is not None]
    assert all(each.compressed and not each.invalid for each in frames)
    down = [each.text for each in frames if each.direction is Direction.SERVER_TO_CLIENT]
    assert down == [*messages, "in several parts"]
    up = [each.text for each in frames if each.direction is Direction.CLIENT_TO_SERVER]
    assert up[:3] == messages
    assert "".join(text or "" for text in up[3:]) == "in several parts"
    assert frames[2].wire_length < len(messages[1])


async def test_several_connections_at_once_are_told_apart(out: Path) -> None:
    async def session(url: str, number: int) -> None:
        async with connect(url, proxy=None) as client:
            for _ in range(20):
                await client.send(f"from {number}")
                assert await client.recv() == f"from {number}"

    async with served() as port:
        with Proxy(f"ws://127.0.0.1:{port}", out) as proxy:
            await asyncio.gather(*(session(proxy.url, number) for number in range(5)))
            capture = proxy.capture()
    assert sorted(capture.connection_ids()) == ["c1", "c2", "c3", "c4", "c5"]
    for name in capture.connection_ids():
        texts = [each.text for each in capture.of_connection(name) if isinstance(each, Frame)]
        assert len(texts) == 42
        assert len({text for text in texts if text is not None}) == 1


def test_plain_http_passes_the_proxy(out: Path) -> None:
    with Upstream() as upstream, Proxy(upstream.url, out) as proxy:
        client = http.client.HTTPConnection(*proxy.address, timeout=10)
        client.request("POST", "/login?token=s3cret-1", body=b"name=ada")
        with upstream.accept() as server:
            head = read_head(server)
            assert head.startswith(b"POST /login?token=s3cret-1 HTTP/1.1\r\n")
            assert f"Host: 127.0.0.1:{upstream.port}\r\n".encode() in head
            assert server.recv(100) == b"name=ada"
            server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            assert client.getresponse().read() == b"ok"
        client.close()
        (note,) = proxy.capture().events
    assert isinstance(note, Note)
    assert note.text == "relayed plain HTTP to /login, not recorded"


def test_a_refusal_of_the_server_arrives_and_is_recorded(out: Path) -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\nnot you"
    with Upstream() as upstream, Proxy(upstream.url, out) as proxy:
        with dial(proxy) as client:
            client.sendall(REQUEST)
            with upstream.accept() as server:
                read_head(server)
                server.sendall(refusal)
            assert read_all(client) == refusal
        response = proxy.capture().events[1]
    assert isinstance(response, UpgradeResponse)
    assert (response.status, response.body) == (403, "not you")


async def test_an_upstream_that_is_down_is_a_502_and_the_proxy_lives_on(out: Path) -> None:
    with Upstream() as upstream:
        port = upstream.port
    with Proxy(f"ws://127.0.0.1:{port}", out) as proxy:
        for _ in range(5):
            with pytest.raises(InvalidStatus) as refused:
                await connect(proxy.url, proxy=None)
            assert refused.value.response.status_code == 502
            assert b"cannot reach" in refused.value.response.body
        async with serve(echo, "127.0.0.1", port), connect(proxy.url, proxy=None) as client:
            await client.send("up again")
            assert await client.recv() == "up again"
        capture = proxy.capture()
    notes = [event.text for event in capture.events if isinstance(event, Note)]
    assert len(notes) == 5
    assert all(text.startswith(f"cannot reach ws://127.0.0.1:{port}") for text in notes)
    assert "up again" in {event.text for event in capture.events if isinstance(event, Frame)}


# A certificate that only the test's own authority vouches for.


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    def named(common_name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])

    today = datetime.fromisoformat(wall_time()).astimezone(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=named(issuer),
        subject_name=named(name),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=today - timedelta(days=1),
        not_valid_after=today + timedelta(days=1),
    ).add_extension(extension, critical=False)
    own_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    its_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(own_id, critical=False).add_extension(its_id, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with ca.pem, and server.pem for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("authority")
    new_key: Callable[[], ec.EllipticCurvePrivateKey] = lambda: ec.generate_private_key(  # noqa: E731
        ec.SECP256R1()
    )
    ca_key, key = new_key(), new_key()
    as_ca = x509.BasicConstraints(ca=True, path_length=None)
    ca = _certificate("test authority", ca_key, "test authority", ca_key, as_ca)
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    server = _certificate("127.0.0.1", key, "test authority", ca_key, names)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(
        server.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


def _tls(authority: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem")
    return context


async def test_a_wss_upstream_is_recorded_in_the_clear(out: Path, authority: Path) -> None:
    async with served(ssl=_tls(authority)) as port:
        upstream = f"wss://127.0.0.1:{port}"
        with Proxy(upstream, out, "--ca-file", authority / "ca.pem") as proxy:
            async with connect(proxy.url, proxy=None) as client:
                await client.send("secretly")
                assert await client.recv() == "secretly"
            capture = proxy.capture()
    request = capture.events[0]
    assert isinstance(request, UpgradeRequest)
    assert request.url == f"{upstream}/"
    texts = [each.text for each in capture.events if isinstance(each, Frame)]
    assert texts[:2] == ["secretly", "secretly"]


async def test_a_wss_upstream_that_is_not_trusted_is_a_clear_502(
    out: Path, authority: Path
) -> None:
    async with served(ssl=_tls(authority)) as port:
        with Proxy(f"wss://127.0.0.1:{port}", out) as proxy:
            with pytest.raises(InvalidStatus) as refused:
                await connect(proxy.url, proxy=None)
            (note,) = proxy.capture().events
    assert refused.value.response.status_code == 502
    assert isinstance(note, Note)
    assert "certificate verify failed" in note.text

"""Real services behind the fault proxy: Redis, the auth service of local staging, a WebSocket."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from local_staging.launch import Staging, launch
from replay.fault_proxy import parse_fault
from replay.fault_proxy.proxy import FaultProxy
from tests.integration.replay.fault_proxy.relayed import PATIENCE_S, Heard, until
from tests.servers.process import serving


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    program = shutil.which("redis-server")
    if program is None:
        reason = "redis-server is missing: sh tests/install_tools.sh"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    port = _free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    folder = tmp_path_factory.mktemp("redis")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        try:
            assert process.stdout is not None
            assert any("Ready to accept connections" in line for line in process.stdout)
            yield port
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    with launch(chat="fixed", directory=tmp_path_factory.mktemp("staging")) as staging:
        yield staging


@pytest.fixture(scope="module")
def websocket_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving("websockets_server.py") as port:
        yield port


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


class Redis:
    """As much of a client as it takes: commands out, one reply each back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, proxy: FaultProxy) -> Redis:
        return cls(*await asyncio.open_connection(*proxy.address))

    def send(self, *words: bytes) -> None:
        parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
        self.writer.write(b"*%d\r\n%s" % (len(words), b"".join(parts)))

    async def reply(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            line = await self.reader.readuntil(b"\r\n")
            if not line.startswith(b"$"):
                return line.strip()
            return (await self.reader.readexactly(int(line[1:]) + 2))[:-2]

    async def ask(self, *words: bytes) -> bytes:
        self.send(*words)
        return await self.reply()


async def test_redis_keeps_its_values_under_faults(redis_port: int) -> None:
    value = os.urandom(300_000)
    async with FaultProxy(("127.0.0.1", redis_port), seed=1) as proxy:
        proxy.apply("a", parse_fault("latency:delay_ms=5,jitter_ms=5"))
        proxy.apply("b", parse_fault("slicer:size_bytes=700,varies_bytes=600"))
        redis = await Redis.of(proxy)
        assert await redis.ask(b"SET", b"value", value) == b"+OK"
        assert await redis.ask(b"GET", b"value") == value
        await redis.ask(b"DEL", b"count")
        for _ in range(500):
            redis.send(b"INCR", b"count")
        assert [await redis.reply() for _ in range(500)] == [b":%d" % n for n in range(1, 501)]
        redis.writer.close()


async def test_redis_is_late_then_gone_then_back(redis_port: int) -> None:
    async with FaultProxy(("127.0.0.1", redis_port)) as proxy:
        redis = await Redis.of(proxy)
        proxy.apply("late", parse_fault("latency:delay_ms=80,direction=server_to_client"))
        began_s = time.perf_counter()
        assert await redis.ask(b"PING") == b"+PONG"
        assert time.perf_counter() - began_s >= 0.08
        proxy.down()
        with pytest.raises(ConnectionError):
            await redis.ask(b"PING")
        with pytest.raises(ConnectionRefusedError):
            await Redis.of(proxy)
        proxy.up()
        redis = await Redis.of(proxy)
        assert await redis.ask(b"PING") == b"+PONG"
        redis.writer.close()


async def test_a_subscriber_of_redis_hears_what_a_blackhole_held(redis_port: int) -> None:
    async with FaultProxy(("127.0.0.1", redis_port)) as proxy:
        redis, other = await Redis.of(proxy), await Redis.of(proxy)
        redis.send(b"SUBSCRIBE", b"news")
        async with asyncio.timeout(PATIENCE_S):
            await redis.reader.readuntil(b":1\r\n")
        await until(lambda: len(proxy._relays) == 2)
        proxy.apply("hole", parse_fault("blackhole:direction=server_to_client"))
        other.send(b"PUBLISH", b"news", b"flash")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(redis.reader.read(1), 0.1)
        proxy.lift("hole")
        async with asyncio.timeout(PATIENCE_S):
            assert b"flash" in await redis.reader.readuntil(b"flash\r\n")
        for each in (redis, other):
            each.writer.close()


async def test_a_client_of_the_auth_service_meets_each_fault(staging: Staging) -> None:
    url = httpx.URL(staging.auth_url)
    heard = Heard()
    async with FaultProxy((url.host, url.port or 80), tell=heard) as proxy:
        origin = f"http://127.0.0.1:{proxy.address[1]}"
        async with httpx.AsyncClient(base_url=origin, timeout=PATIENCE_S) as client:
            keys = (await client.get("/.well-known/jwks.json")).json()
            assert keys["keys"]
            for fault in ("slicer:size_bytes=1", "bandwidth:bytes_per_s=20000", "slot:every_ms=20"):
                proxy.apply("it", parse_fault(fault))
                assert (await client.get("/.well-known/jwks.json")).json() == keys
            # On the connection that is kept alive, and on a new one.
            proxy.apply("it", parse_fault("blackhole"))
            with pytest.raises(httpx.ReadTimeout):
                await client.get("/health", timeout=0.2)
            proxy.apply("it", parse_fault("limit_data:most_bytes=20,direction=server_to_client"))
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/health")
            proxy.apply("it", parse_fault("reset:after_ms=0"))
            with pytest.raises((httpx.ReadError, httpx.WriteError)):
                await client.get("/health")
            proxy.down()
            with pytest.raises(httpx.ConnectError):
                await client.get("/health")
            proxy.lift_all()
            assert (await client.get("/health")).json() == {"status": "ok"}
    assert "down is on: down" in heard.texts


async def test_a_websocket_goes_through(websocket_port: int) -> None:
    async with FaultProxy(("127.0.0.1", websocket_port), seed=2) as proxy:
        proxy.apply("a", parse_fault("latency:delay_ms=2,jitter_ms=2"))
        proxy.apply("b", parse_fault("slicer:size_bytes=3,varies_bytes=2"))
        url = f"ws://127.0.0.1:{proxy.address[1]}/echo"

        async def talk(number: int) -> list[str | bytes]:
            async with connect(url, proxy=None, open_timeout=PATIENCE_S) as connection:
                heard = []
                for n in range(5):
                    await connection.send(f"{number} says {n}")
                    heard.append(await connection.recv())
                return heard

        said = await asyncio.gather(*[talk(number) for number in range(20)])
        assert said == [[f"{number} says {n}" for n in range(5)] for number in range(20)]


async def test_a_websocket_is_cut_in_the_middle(websocket_port: int) -> None:
    async with FaultProxy(("127.0.0.1", websocket_port)) as proxy:
        url = f"ws://127.0.0.1:{proxy.address[1]}/echo"
        async with connect(url, proxy=None) as connection:
            await connection.send("before")
            assert await connection.recv() == "before"
            proxy.apply("it", parse_fault("reset:direction=server_to_client"))
            with pytest.raises(ConnectionClosedError):
                await asyncio.wait_for(connection.recv(), PATIENCE_S)

"""The fault proxy between real sockets: by itself, from the shell, and driven by a plan."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.frames import Frame, Opcode

from capture.format.model import Frame as RecordedFrame
from capture.format.model import Note
from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.engine.surroundings import Surroundings
from replay.errors import PlanError
from replay.fault_proxy import parse_fault
from replay.fault_proxy.proxy import FaultProxy
from replay.perturbations import from_json, perturbed
from replay.planning import plan_from_capture
from replay.target import Target
from tests.integration.deadheat.command_line import COMMAND, deadheat, environment, one_clear_line
from tests.integration.replay.sessions import said, sent
from tests.servers.witness import witnessing
from tests.unit.replay.captures import MS, Connection, capture_of

C1 = Connection("c1")
EVERYTHING = (
    "latency:delay_ms=3,jitter_ms=3",
    "slicer:size_bytes=1000,varies_bytes=900",
    "stall:probability=0.05,for_ms=5",
    "bandwidth:bytes_per_s=5000000",
)
SLOW_CLOSE = "slow_close:delay_ms=80,direction=client_to_server"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()


@asynccontextmanager
async def proxied(
    tell: Callable[[str], None] = lambda _: None, seed: int = 0
) -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        upstream = server.sockets[0].getsockname()[:2]
        async with FaultProxy(upstream, tell=tell, seed=seed) as proxy:
            yield proxy
    finally:
        server.close()


async def round_trip_ms(proxy: FaultProxy, size: int = 10) -> float:
    reader, writer = await asyncio.open_connection(*proxy.address)
    began_s = time.perf_counter()
    writer.write(b"x" * size)
    assert await asyncio.wait_for(reader.readexactly(size), 10) == b"x" * size
    writer.close()
    return (time.perf_counter() - began_s) * 1e3


@pytest.mark.parametrize(
    ("fault", "size", "least_ms"),
    [
        ("latency:delay_ms=60", 10, 120),
        ("latency:delay_ms=60,direction=server_to_client", 10, 60),
        ("bandwidth:bytes_per_s=100000,direction=client_to_server", 20_000, 190),
        ("slicer:size_bytes=100,every_ms=5,direction=client_to_server", 1_000, 45),
    ],
)
async def test_a_fault_is_felt_until_it_is_lifted(fault: str, size: int, least_ms: float) -> None:
    async with proxied() as proxy:
        proxy.apply("it", parse_fault(fault))
        assert await round_trip_ms(proxy, size) >= least_ms
        proxy.lift("it")
        assert min([await round_trip_ms(proxy, size) for _ in range(5)]) < least_ms / 2


async def test_a_living_connection_feels_it_too() -> None:
    async with proxied() as proxy:
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        proxy.apply("hole", parse_fault("blackhole"))
        writer.write(b"within")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(6), 0.1)
        proxy.lift("hole")
        assert await asyncio.wait_for(reader.readexactly(6), 5) == b"within"
        writer.close()


async def test_a_reset_is_one() -> None:
    heard: list[str] = []
    async with proxied(heard.append) as proxy:
        proxy.apply("it", parse_fault("reset:after_ms=40"))
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(b"x")
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(2)
        writer.close()
    assert "connection 1 was cut" in heard


async def test_a_limit_ends_the_connection() -> None:
    async with proxied() as proxy:
        proxy.apply("it", parse_fault("limit_data:most_bytes=3,direction=server_to_client"))
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(b"abcdef")
        assert await asyncio.wait_for(reader.read(), 5) == b"abc"
        writer.close()


async def test_half_closes_pass_and_can_be_slow() -> None:
    async with proxied() as proxy:
        for least_ms, fault in ((0, None), (80, SLOW_CLOSE)):
            if fault is not None:
                proxy.apply("it", parse_fault(fault))
            reader, writer = await asyncio.open_connection(*proxy.address)
            writer.write(b"all")
            writer.write_eof()
            began_s = time.perf_counter()
            assert await asyncio.wait_for(reader.read(), 5) == b"all"
            assert (time.perf_counter() - began_s) * 1e3 >= least_ms
            writer.close()


async def test_bytes_stay_as_they_were_under_everything_at_once() -> None:
    data = bytes(range(256)) * 800
    async with proxied(seed=3) as proxy:
        for number, fault in enumerate(EVERYTHING):
            proxy.apply(str(number), parse_fault(fault))

        async def one() -> bytes:
            reader, writer = await asyncio.open_connection(*proxy.address)
            writer.write(data)
            writer.write_eof()
            try:
                return await asyncio.wait_for(reader.read(), 30)
            finally:
                writer.close()

        assert await asyncio.gather(*[one() for _ in range(8)]) == [data] * 8


async def test_who_does_not_read_is_not_read_for() -> None:
    async with proxied() as proxy:
        proxy.apply("hole", parse_fault("blackhole:direction=server_to_client"))
        _, writer = await asyncio.open_connection(*proxy.address)

        async def pour() -> None:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pour(), 1)
        assert writer.transport.get_write_buffer_size() > 0
        writer.transport.abort()


async def test_an_upstream_that_refuses_is_a_reset() -> None:
    heard: list[str] = []
    async with FaultProxy(("127.0.0.1", 1), tell=heard.append) as proxy:
        reader, writer = await asyncio.open_connection(*proxy.address)
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        writer.close()
    assert heard[0].startswith("connection 1: the upstream refused")


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


def answer(frame: Frame) -> list[Frame]:
    return [Frame(Opcode.TEXT, b"got " + bytes(frame.data))]


async def test_a_plan_drives_it_by_the_events_of_the_run() -> None:
    """The server itself is behind the proxy here: what it says comes late from an event on."""
    session = capture_of(
        C1.opened(0),
        *[
            event
            for n in range(3)
            for event in (C1.sent(20 + 30 * n, f"{n}"), C1.said(22 + 30 * n, f"got {n}"))
        ],
        C1.left(120),
    )
    edit = {
        "perturbation": "fault",
        "proxy": "front",
        "after": "c1 step 2",
        "for_ms": 150,
        "fault": {"name": "blackhole", "direction": "server_to_client"},
    }
    plan = perturbed(plan_from_capture(session), [from_json(edit)])
    async with witnessing(answer) as witness:
        listen = ("127.0.0.1", free_port())
        surroundings = Surroundings(proxies={"front": (listen, ("127.0.0.1", witness.port))})
        target = Target(f"ws://127.0.0.1:{listen[1]}")
        with pytest.raises(PlanError, match="pass --fault-proxy front=LISTEN=UPSTREAM"):
            await run_live(plan, RunSettings(target, TokenSource()))
        async with surroundings:
            settings = RunSettings(target, TokenSource(), surroundings=surroundings)
            run = await run_live(plan, settings)
    assert said(run) == ["got 0", "got 1", "got 2"]
    heard = {
        e.text: e.at_ns
        for e in run.events
        if isinstance(e, RecordedFrame) and e.direction == "server_to_client"
    }
    asked = {e.text: e.at_ns for e in sent(run)}
    assert heard["got 1"] - asked["1"] >= 140 * MS
    assert heard["got 0"] - asked["0"] < 140 * MS
    notes = [e.text for e in run.events if isinstance(e, Note)]
    assert [note.partition(":")[0] for note in notes] == ["front", "front"]


def test_the_shell_has_it_alone(tmp_path: object) -> None:
    arguments = ("fault-proxy", "--upstream", "127.0.0.1:1", "--fault", "latency:delay_ms=5")
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] is True
        assert ready["listen"].startswith("127.0.0.1:")
        assert "latency" in json.loads(process.stdout.readline())["event"]
        process.send_signal(signal.SIGTERM)
        _, said_last = process.communicate(timeout=20)
    assert (process.returncode, said_last) == (0, "relayed 0 connections\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--upstream", "127.0.0.1"), "--upstream is '127.0.0.1', expected HOST:PORT"),
        (("--upstream", "example.com:80"), "example.com is not this machine"),
        (("--upstream", "127.0.0.1:1", "--fault", "lag"), "fault is 'lag', expected one of"),
        (("--upstream", "127.0.0.1:1", "--schedule", "nowhere.json"), "cannot read nowhere.json"),
    ],
)
def test_bad_input_is_one_clear_line(arguments: tuple[str, ...], complaint: str) -> None:
    assert complaint in one_clear_line(deadheat("fault-proxy", *arguments))

"""A real session, recorded by tcpdump and by the proxy at once: both must tell the same."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from capture.format.model import Direction, Event, Frame
from capture.format.reader import read_capture
from capture.pcap import import_pcap
from tests.integration.capture.pcap_packets import require

MESSAGES: list[str | bytes | list[str]] = [
    "plain",
    "",
    "grüße \0 and \n and \\n",
    b"\x00\xff" * 40_000,
    ["in", " ", "pieces"],
    "x" * 200_000,
    *[f"burst {number}" for number in range(300)],
]

ATTEMPTS = 3
# In immediate mode each slot of the buffer has the snap length: 2 MiB would hold 8 packets only.
TCPDUMP_ROOM = ("--immediate-mode", "-s", "70000", "-B", "131072")


@pytest.fixture(autouse=True)
def tools() -> None:
    require("tshark")
    require("tcpdump")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("tcpdump needs root to record the loopback interface")


@contextlib.asynccontextmanager
async def running(*command: str, stderr: int = DEVNULL) -> AsyncIterator[Process]:
    """A process that is interrupted in the end, and waited for."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=stderr)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 20)


async def settled(file: Path) -> None:
    """Wait until tcpdump has nothing more to write."""
    size = -1
    while size != file.stat().st_size:
        size = file.stat().st_size
        await asyncio.sleep(0.5)


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)
        if message == "plain":
            await connection.ping()


async def record_both(directory: Path, *, compression: str | None) -> tuple[Path, Path]:
    """Record until tcpdump lost nothing: on a busy machine the kernel may drop what it shows it."""
    for attempt in range(ATTEMPTS):
        part = directory / str(attempt)
        part.mkdir()
        packets, proxied, summary = await record_once(part, compression)
        if b"\n0 packets dropped by kernel" in summary:
            return packets, proxied
    raise AssertionError(f"tcpdump itself lost packets {ATTEMPTS} times")


async def record_once(directory: Path, compression: str | None) -> tuple[Path, Path, bytes]:
    packets, proxied = directory / "lo.pcap", directory / "proxy.capture"
    async with serve(echo, "127.0.0.1", 0, compression=compression, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        dump = ("tcpdump", "-i", "lo", "-U", "-w", str(packets), *TCPDUMP_ROOM)
        upstream = ("--upstream", f"ws://127.0.0.1:{port}", "--out", str(proxied))
        proxy = (sys.executable, "-m", "deadheat", "capture", "proxy", *upstream)
        async with running(*dump, "tcp", "port", str(port), stderr=PIPE) as tcpdump:
            assert tcpdump.stderr is not None
            while b"listening on" not in await asyncio.wait_for(tcpdump.stderr.readline(), 20):
                pass
            async with running(*proxy) as relay:
                assert relay.stdout is not None
                ready = json.loads(await asyncio.wait_for(relay.stdout.readline(), 20))
                await talk(ready["listen"], compression)
            await settled(packets)
            tcpdump.send_signal(signal.SIGINT)
            summary = await asyncio.wait_for(tcpdump.stderr.read(), 20)
    return packets, proxied, summary


async def talk(url: str, compression: str | None) -> None:
    async with connect(url + "/ws?room=1", compression=compression, max_size=None) as client:

        async def read() -> None:
            for _ in MESSAGES:
                await client.recv()

        reading = asyncio.create_task(read())
        for message in MESSAGES:
            await client.send(message)
        await asyncio.wait_for(reading, 30)


def of_direction(events: tuple[Event, ...], direction: Direction) -> list[Frame]:
    return [e for e in events if isinstance(e, Frame) and e.direction is direction]


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_packets_and_proxy_tell_the_same(tmp_path: Path, compression: str | None) -> None:
    packets, proxied = await record_both(tmp_path, compression=compression)
    imported = tmp_path / "wire.capture"
    import_pcap(packets, imported)
    wire, edge = read_capture(imported), read_capture(proxied)
    assert (wire.problem, edge.problem) == ("", "")
    for direction in Direction:
        on_wire, in_proxy = (of_direction(c.events, direction) for c in (wire, edge))
        assert len(on_wire) >= len(MESSAGES)
        assert [told(frame) for frame in on_wire] == [told(frame) for frame in in_proxy]
    handshakes = [[e for e in c.events if hasattr(e, "headers")] for c in (wire, edge)]
    for on_wire_event, in_proxy_event in zip(*handshakes, strict=True):
        assert on_wire_event.headers == in_proxy_event.headers
    assert {type(e).__name__ for e in wire.events} >= {"TcpClose"}


def told(frame: Frame) -> tuple[object, ...]:
    """All of a frame but its times."""
    shape = (frame.opcode, frame.fin, frame.masked, frame.wire_length, frame.compressed)
    return (*shape, frame.payload, frame.close_code, frame.invalid)

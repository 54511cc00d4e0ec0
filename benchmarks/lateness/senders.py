"""The contestants in Python, each in a process of its own: it sends the schedule to a port.

`python -m benchmarks.lateness.senders NAME PORT LOAD [PACE]`, with the load as JSON, prints a line
of JSON: the CLOCK_MONOTONIC time that each message was planned for by its number, what the process
took, and for our engine the times that it wrote into its record.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from benchmarks.lateness.load import Load, payload
from benchmarks.lateness.plans import plan_of
from capture.format.model import Frame as RecordedFrame
from deadheat import event_loop
from replay.auth import TokenSource
from replay.engine.carrier import Sockets
from replay.engine.live import RunSettings, run_live
from replay.engine.sockets import allow_sockets
from replay.plan import Pace
from replay.target import Target

Told = dict[str, Any]
Run = Callable[[Coroutine[object, object, Told]], Told]


async def with_engine(load: Load, port: int, pace: Pace) -> Told:
    """Send with `replay.engine.live`, which records to a file what it sends, as in any run."""
    began_ns: list[int] = []

    def clock() -> int:
        # The engine's times count from its first reading.
        if not began_ns:
            began_ns.append(time.monotonic_ns())
            return began_ns[0]
        return time.monotonic_ns()

    target = Target(f"ws://127.0.0.1:{port}")
    settings = RunSettings(target, TokenSource(), carrier=Sockets(clock))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run.capture")
        run = await run_live(plan_of(load, pace), settings, out)
    sent = {
        int(event.payload): (began_ns[0] + event.planned_at_ns, began_ns[0] + event.at_ns)
        for event in run.events
        if isinstance(event, RecordedFrame)
        and event.planned_at_ns is not None
        and event.opcode == "text"
    }
    return {
        "planned_ns": {number: planned_ns for number, (planned_ns, _) in sent.items()},
        "recorded_ns": {number: at_ns for number, (_, at_ns) in sent.items()},
    }


async def with_sleep(load: Load, port: int, _: Pace) -> Told:
    """Sleep for the time left until each absolute time, in a task a connection: nothing drifts."""
    began_ns = time.monotonic_ns()
    writers = []
    for _ in range(load.connections):
        writers.append(await _opened(port))

    async def send_all(connection: int) -> None:
        for number in load.of_connection(connection):
            left_ns = began_ns + load.offset_ns(number) - time.monotonic_ns()
            await asyncio.sleep(max(0, left_ns) / 1e9)
            writers[connection].write(_frame(number))

    await asyncio.gather(*(send_all(connection) for connection in range(load.connections)))
    for writer in writers:
        writer.write(Frame(Opcode.CLOSE, b"").serialize(mask=True))
        writer.close()
    return _as_scheduled(load, began_ns)


def with_bare_spin(load: Load, port: int) -> Told:
    """Ask the clock again and again, and send on a bare socket: what the machine allows."""
    began_ns = time.monotonic_ns()
    sockets = []
    for _ in range(load.connections):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(_request(port))
        sock.recv(65_536)
        sockets.append(sock)
    for number in range(load.sends):
        at_ns, data = began_ns + load.offset_ns(number), _frame(number)
        while time.monotonic_ns() < at_ns:
            pass
        sockets[number % load.connections].sendall(data)
    for sock in sockets:
        sock.sendall(Frame(Opcode.CLOSE, b"").serialize(mask=True))
        sock.close()
    return _as_scheduled(load, began_ns)


def _as_scheduled(load: Load, began_ns: int) -> Told:
    times = {number: began_ns + load.offset_ns(number) for number in range(load.sends)}
    return {"planned_ns": times}


def _request(port: int) -> bytes:
    protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}/"))
    protocol.send_request(protocol.connect())
    return b"".join(protocol.data_to_send())


async def _opened(port: int) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request(port))
    await reader.readuntil(b"\r\n\r\n")
    return writer


def _frame(number: int) -> bytes:
    return Frame(Opcode.TEXT, payload(number)).serialize(mask=True)


SENDERS: dict[str, Callable[[Load, int, Pace], Told]] = {
    "deadheat": lambda *how: event_loop.run(with_engine(*how)),
    "deadheat on asyncio": lambda *how: asyncio.run(with_engine(*how)),
    "asyncio.sleep": lambda *how: asyncio.run(with_sleep(*how)),
    "bare spin": lambda load, port, _: with_bare_spin(load, port),
}


def main() -> None:
    name, port, load = sys.argv[1], int(sys.argv[2]), Load(**json.loads(sys.argv[3]))
    pace = Pace(sys.argv[4]) if sys.argv[4:] else Pace.RECORDED
    allow_sockets(load.connections)
    told = SENDERS[name](load, port, pace)
    used = resource.getrusage(resource.RUSAGE_SELF)
    told["cpu_s"] = used.ru_utime + used.ru_stime
    told["peak_mib"] = used.ru_maxrss / 1024
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

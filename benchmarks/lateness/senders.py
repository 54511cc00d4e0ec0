"""The contestants: each sends the same schedule, and returns the times it had planned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from capture.format.model import Frame as RecordedFrame
from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.plan import START, After, End, Ending, Fragment, Kind, Open, Pace, Plan, Send, Step
from replay.target import Target

LEAD_NS = 500_000_000
"""Time to connect before the first send."""
Planned = dict[int, int]


@dataclass(frozen=True, slots=True)
class Load:
    """`per_s` messages a second for `seconds`, spread over `connections` in turn."""

    per_s: int
    connections: int
    seconds: float

    @property
    def sends(self) -> int:
        return round(self.per_s * self.seconds)

    def offset_ns(self, number: int) -> int:
        """When a message is due, after the start."""
        return LEAD_NS + number * 1_000_000_000 // self.per_s

    def of_connection(self, connection: int) -> range:
        """The numbers of the messages of one connection."""
        return range(connection, self.sends, self.connections)


def payload(number: int) -> bytes:
    return b"%09d" % number


def plan_of(load: Load) -> Plan:
    """Return the schedule as a plan at the recorded pace."""
    connections: dict[str, tuple[Step, ...]] = {}
    end_ns = load.offset_ns(load.sends) + 100_000_000
    for connection in range(load.connections):
        name = f"c{connection + 1}"
        opened = After(Kind.OPEN, name)
        steps = [Step(name, 0, Open("ws://127.0.0.1/", ()), 0, START, 0)]
        for number in load.of_connection(connection):
            action = Send((Fragment(payload(number)),), is_text=True)
            steps.append(Step(name, len(steps), action, load.offset_ns(number), opened, 0))
        steps.append(Step(name, len(steps), End(Ending.CLOSE, 1000), end_ns, opened, 0))
        connections[name] = tuple(steps)
    return Plan(connections, secrets={}, recorded_ns={START: 0}, pace=Pace.RECORDED)


async def with_engine(load: Load, port: int) -> Planned:
    """Send with `replay.engine.live`, which records what it sends as in any run."""
    readings: list[int] = []

    def clock() -> int:
        readings[1:] = [time.monotonic_ns()]
        return readings[-1]

    target = Target(f"ws://127.0.0.1:{port}")
    run = await run_live(plan_of(load), RunSettings(target, TokenSource()), now_ns=clock)
    return {
        int(event.payload): readings[0] + event.planned_at_ns
        for event in run.events
        if isinstance(event, RecordedFrame)
        and event.planned_at_ns is not None
        and event.opcode == "text"
    }


async def _opened(port: int) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}/"))
    protocol.send_request(protocol.connect())
    writer.writelines(protocol.data_to_send())
    await reader.readuntil(b"\r\n\r\n")
    return writer


def _frame(number: int) -> bytes:
    return Frame(Opcode.TEXT, payload(number)).serialize(mask=True)


async def _plainly(
    load: Load, port: int, send: Callable[[int, int, asyncio.StreamWriter], Awaitable[None]]
) -> Planned:
    """One task a connection; `send(number, at_ns, writer)` sends one message at its time."""
    began_ns = time.monotonic_ns()
    writers = [await _opened(port) for _ in range(load.connections)]

    async def send_all(connection: int) -> None:
        for number in load.of_connection(connection):
            await send(number, began_ns + load.offset_ns(number), writers[connection])

    await asyncio.gather(*(send_all(connection) for connection in range(load.connections)))
    for writer in writers:
        writer.write(Frame(Opcode.CLOSE, b"").serialize(mask=True))
        writer.close()
    return {number: began_ns + load.offset_ns(number) for number in range(load.sends)}


async def with_sleep(load: Load, port: int) -> Planned:
    """Send after `asyncio.sleep` for the time that is left: absolute times, so nothing drifts."""

    async def send(number: int, at_ns: int, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(max(0, at_ns - time.monotonic_ns()) / 1e9)
        writer.write(_frame(number))

    return await _plainly(load, port, send)


async def with_call_at(load: Load, port: int) -> Planned:
    """Send from `loop.call_at`."""
    loop = asyncio.get_running_loop()

    async def send(number: int, at_ns: int, writer: asyncio.StreamWriter) -> None:
        sent = loop.create_future()

        def write() -> None:
            writer.write(_frame(number))
            sent.set_result(None)

        loop.call_at(at_ns / 1e9, write)
        await sent

    return await _plainly(load, port, send)


SENDERS: dict[str, Callable[[Load, int], Awaitable[Planned]]] = {
    "deadheat": with_engine,
    "asyncio.sleep": with_sleep,
    "loop.call_at": with_call_at,
}

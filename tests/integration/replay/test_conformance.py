"""One engine, three ways to a server: the same plans come to the same outcomes.

Over real sockets to a real uvicorn, over uvicorn's protocols in this process, and by ASGI alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest
import uvicorn

from capture.format.model import Capture, Frame, UpgradeRequest, UpgradeResponse
from replay.auth import TokenSource
from replay.engine.carrier import Carrier
from replay.engine.live import RunSettings, run_live
from replay.engine.remarks import unplanned
from replay.engine.virtual.asgi_server import AsgiServer, needs_bytes
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.program_log import ProgramLog
from replay.engine.virtual.uvicorn_server import UvicornServer, app_target
from replay.oracles.log import complaints
from replay.oracles.transcript import transcripts
from replay.oracles.varying import without_varying
from replay.perturbations import (
    Burst,
    EarlyClose,
    Gap,
    HalfClose,
    HandshakeDelay,
    Perturbation,
    Reset,
    perturbed,
)
from replay.plan import After, Kind, Plan
from replay.planning import plan_from_capture
from replay.target import Target
from tests.integration.replay.asgi_app import app
from tests.unit.replay.captures import MS, Connection, Events, capture_of

C1, C2 = Connection("c1"), Connection("c2")
OPENED = After(Kind.OPEN, "c1")
FIRST = After(Kind.STEP, "c1", 1)


def session(path: str, *events: Events, client: Connection = C1) -> list[Events]:
    """A session on a path: it opens at 0, unless its events say otherwise."""
    return [client.request(0, f"ws://recorded.example{path}"), client.response(2), *events]


def talk(path: str, *answers: str) -> list[Events]:
    """Two messages, 100 ms apart, and a goodbye long after the server is done with them."""
    return session(
        path,
        C1.sent(20, "one"),
        *(C1.said(22 + number, answer) for number, answer in enumerate(answers)),
        C1.sent(120, "two"),
        C1.left(320),
    )


ECHO = talk("/echo", "one")
WORKS = talk("/works")
PLANS: dict[str, tuple[list[Events], tuple[Perturbation, ...]]] = {
    "as recorded": (ECHO, ()),
    "a gap": (ECHO, (Gap("c1", 2, FIRST, 0),)),
    "a message while the server works": (WORKS, (Gap("c1", 2, FIRST, 20 * MS),)),
    "early close": (WORKS, (EarlyClose("c1", 2, FIRST, 20 * MS, 4000),)),
    "early end of TCP": (WORKS, (EarlyClose("c1", 2, FIRST, 20 * MS, None),)),
    "reset": (WORKS, (Reset("c1", 2, FIRST, 20 * MS),)),
    "half-close": (WORKS, (HalfClose("c1", 2, FIRST, 20 * MS),)),
    "half-close of who is read": (ECHO, (HalfClose("c1", 2, FIRST, 20 * MS),)),
    "end of TCP while the server decides": (
        talk("/slow"),
        (EarlyClose("c1", 1, After(Kind.STEP, "c1", 0), 20 * MS, None),),
    ),
    "burst": (ECHO, (Burst("c1", 1, 2),)),
    "handshake delay": (ECHO, (HandshakeDelay("c1", 50 * MS),)),
    "delay after the handshake": (ECHO, (HandshakeDelay("c1", 50 * MS, "first_frame"),)),
    "a slow handshake": (talk("/slow"), ()),
    "two connections": (
        [
            *session("/room", C1.sent(40, "one"), C1.said(42, "told one"), C1.left(150)),
            C2.request(20, "ws://recorded.example/room"),
            C2.response(22),
            C2.said(43, "told one"),
            C2.sent(80, "two"),
            C2.said(82, "told two"),
            C2.left(180),
        ],
        (),
    ),
    "refused": (session("/refuses", C1.left(50)), ()),
    "denied with a body": (session("/denies", C1.left(50)), ()),
    "the server closes": (talk("/dismisses"), ()),
    "an exception": (talk("/fails"), ()),
    "an exception before accept": (talk("/breaks"), ()),
    "nothing at all": (talk("/forgets"), ()),
    "the end without a Close": (talk("/leaves"), ()),
    "binary": (
        session("/echo", C1.sent(20, b"\x00\xff"), C1.said(22, b"\x00\xff"), C1.left(120)),
        (),
    ),
    "a long message": (session("/echo", C1.sent(20, "long " * 20_000), C1.left(120)), ()),
    "the server speaks first": (
        session(
            "/speaks",
            C1.said(4, "welcome"),
            C1.said(34, "news"),
            C1.sent(60, "thanks"),
            C1.left(120),
        ),
        (),
    ),
    "a linked value": (
        session(
            "/issues",
            C1.said(4, {"type": "welcome", "ticket": "5e0c5f4d1a2b4c3d8e9f00112233aabb"}),
            C1.sent(20, {"type": "hello", "ticket": "5e0c5f4d1a2b4c3d8e9f00112233aabb"}),
            C1.said(22, {"type": "known"}),
            C1.left(120),
        ),
        (),
    ),
    "a subprotocol": (
        [
            C1.request(
                0, "ws://recorded.example/chooses", (("Sec-WebSocket-Protocol", "chat, tell"),)
            ),
            C1.response(2),
            C1.left(60),
        ],
        (),
    ),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to, as an oracle could tell."""

    connections: dict[str, tuple[Any, ...]]
    steps: list[tuple[str, int | None]]
    unplanned: list[str]
    complaints: list[str]


def outcome(run: Capture, log: ProgramLog) -> Outcome:
    connections = {
        name: (
            each.status,
            each.refusal,
            [(reply.kind, without_varying(reply.text), reply.step) for reply in each.replies],
            # After a refusal both end TCP at once.
            each.ending if each.status == 101 else None,
        )
        for name, each in transcripts(run).items()
    }
    steps = [
        (event.connection, event.step)
        for event in run.events
        if isinstance(event, UpgradeRequest | Frame) and event.step is not None
    ]
    complained = complaints(log.new_lines())
    return Outcome(connections, steps, unplanned(run), complained)


def settings(target: Target, carrier: Carrier | None = None) -> RunSettings:
    own = {} if carrier is None else {"carrier": carrier}
    return RunSettings(target, TokenSource(), 0.5, **own)  # type: ignore[arg-type]


def plan_of(name: str) -> Plan:
    events, edits = PLANS[name]
    return perturbed(plan_from_capture(capture_of(events)), edits)


def carried(plan: Plan, carrier: UvicornServer | AsgiServer) -> Capture:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run_live(plan, settings(app_target("app"), carrier)))


@contextmanager
def on_loopback() -> Iterator[int]:
    """A real uvicorn in a thread; yields its port."""
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with on_loopback() as port:
        yield port


async def over_sockets(plan: Plan, port: int) -> Outcome:
    with ProgramLog() as log:
        run = await run_live(plan, settings(Target(f"ws://127.0.0.1:{port}")))
        # What the server says of who has left.
        await asyncio.sleep(0.1)
        return outcome(run, log)


@pytest.mark.parametrize("name", PLANS)
async def test_the_outcome_is_that_of_a_real_server(name: str, port: int) -> None:
    plan = plan_of(name)
    uvicorns = UvicornServer(lambda: app)
    direct = AsgiServer(UvicornServer(lambda: app))
    assert direct.carrying(plan) is direct
    by_sockets = await over_sockets(plan, port)
    in_thread = asyncio.to_thread
    by_protocols = outcome(await in_thread(carried, plan, uvicorns), uvicorns.log)
    by_messages = outcome(await in_thread(carried, plan, direct), direct.log)
    assert by_protocols == by_sockets
    assert by_messages == by_sockets


@pytest.mark.parametrize("name", PLANS)
def test_the_two_in_this_process_agree_on_the_time(name: str) -> None:
    plan = plan_of(name)

    def times(run: Capture) -> list[tuple[str, int]]:
        handshakes_and_frames = [
            event
            for event in run.events
            if isinstance(event, UpgradeRequest | UpgradeResponse | Frame)
        ]
        return [(type(event).__name__, event.at_ns) for event in handshakes_and_frames]

    by_protocols = times(carried(plan, UvicornServer(lambda: app)))
    by_messages = times(carried(plan, AsgiServer(UvicornServer(lambda: app))))
    assert [name for name, _ in by_messages] == [name for name, _ in by_protocols]
    # Each reading of the clock takes a tick, and callbacks read it.
    for (_, one_ns), (_, other_ns) in zip(by_messages, by_protocols, strict=True):
        assert one_ns == pytest.approx(other_ns, abs=50_000)


def test_what_needs_bytes_is_told() -> None:
    assert not any(needs_bytes(plan_of(name)) for name in PLANS)

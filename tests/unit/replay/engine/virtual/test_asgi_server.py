"""Which runs go by ASGI alone, and that the application is served as it is behind uvicorn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.engine.virtual.asgi_server import AsgiServer, needs_bytes
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.uvicorn_server import UvicornServer, app_target
from replay.errors import ReplayError
from replay.perturbations import (
    Dribble,
    EarlyClose,
    Gap,
    HalfClose,
    HandshakeDelay,
    Perturbation,
    Refragment,
    Reset,
    SlowReader,
    StalledPong,
    perturbed,
)
from replay.plan import After, Fragment, Kind, Plan, Send
from replay.planning import plan_from_capture
from tests.unit.replay.captures import MS, Connection, capture_of

C1 = Connection("c1")
TALK = plan_from_capture(
    capture_of(C1.opened(0), C1.sent(10, "one"), C1.said(12, "ok"), C1.sent(20, "two"), C1.left(30))
)
OPENED = After(Kind.OPEN, "c1")
Receive = Callable[[], Awaitable[dict[str, Any]]]
SendEvent = Callable[[dict[str, Any]], Awaitable[None]]


def sending(**changes: Any) -> Plan:  # noqa: ANN401
    step = TALK.step("c1", 1)
    assert isinstance(step.action, Send)
    return TALK.with_steps([replace(step, action=replace(step.action, **changes))])


@pytest.mark.parametrize(
    "edit",
    [
        Gap("c1", 1, OPENED, 0),
        Reset("c1", 2, OPENED, 0),
        HalfClose("c1", 2, OPENED, 0),
        EarlyClose("c1", 2, OPENED, 0),
        HandshakeDelay("c1", 5 * MS),
    ],
    ids=lambda edit: edit.name,
)
def test_timing_and_endings_go_by_messages(edit: Perturbation) -> None:
    assert not needs_bytes(perturbed(TALK, [edit]))


@pytest.mark.parametrize(
    "edit",
    [
        Dribble("c1", 1, 3, MS),
        Refragment("c1", 1, 2, MS),
        SlowReader("c1", 1_000),
        StalledPong("c1", None),
    ],
    ids=lambda edit: edit.name,
)
def test_what_is_of_bytes_goes_by_uvicorn(edit: Perturbation) -> None:
    assert needs_bytes(perturbed(TALK, [edit]))


@pytest.mark.parametrize(
    "changes",
    [
        {"fragments": (Fragment(b"on"), Fragment(b"e", 5))},
        # uvicorn would answer 1007.
        {"fragments": (Fragment(b"\xff"),)},
    ],
)
def test_recorded_messages_that_need_bytes(changes: dict[str, Any]) -> None:
    assert needs_bytes(sending(**changes))
    assert not needs_bytes(sending(fragments=(Fragment(b"\xff"),), is_text=False))


def test_who_carries_is_asked_for_each_plan() -> None:
    server = AsgiServer(UvicornServer(lambda: served))
    pieces = perturbed(TALK, [Dribble("c1", 1, 3, MS)])
    assert [server.carrying(plan) for plan in (TALK, TALK, pieces, TALK)] == [
        *(server, server, server.uvicorn, server)
    ]


def test_a_message_that_uvicorn_would_not_take_goes_by_uvicorn() -> None:
    server = AsgiServer(UvicornServer(lambda: served, {"ws_max_size": 2}))
    assert server.carrying(TALK) is server.uvicorn


lives: list[str] = []


async def served(scope: dict[str, Any], receive: Receive, send: SendEvent) -> None:
    """Has a lifespan with a state, and work that would go on for ever."""
    if scope["type"] == "lifespan":
        scope["state"]["shelf"] = "full"
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        lives.append("ended")
        await send({"type": "lifespan.shutdown.complete"})
        return
    lives.append(scope["state"]["shelf"])
    await receive()
    await send({"type": "websocket.accept"})
    try:
        await asyncio.sleep(1e9)
    finally:
        lives.append("work ended")


async def fails(scope: dict[str, Any], receive: Receive, send: SendEvent) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


def run(server: AsgiServer, times: int = 1) -> None:
    settings = RunSettings(app_target("shop:app"), TokenSource(), 0.5, carrier=server)

    async def main() -> None:
        for _ in range(times):
            await run_live(TALK, settings)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())


def test_each_run_has_its_own_lifespan_and_leaves_nothing_running() -> None:
    lives.clear()
    run(AsgiServer(UvicornServer(lambda: served)), times=2)
    assert lives == ["full", "ended", "work ended"] * 2


def test_an_application_that_does_not_start() -> None:
    with pytest.raises(ReplayError, match="did not start"):
        run(AsgiServer(UvicornServer(lambda: fails)))


def test_what_it_logs_is_heard() -> None:
    server = AsgiServer(UvicornServer(lambda: fails))
    with pytest.raises(ReplayError):
        run(server)
    assert "ERROR uvicorn.error no database" in server.log.new_lines()

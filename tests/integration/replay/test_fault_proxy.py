"""A plan drives fault proxies by the events of the run."""

from __future__ import annotations

import socket

import pytest
from websockets.frames import Frame, Opcode

from capture.format.model import Frame as RecordedFrame
from capture.format.model import Note
from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.engine.surroundings import Surroundings
from replay.errors import PlanError
from replay.perturbations import from_json, perturbed
from replay.planning import plan_from_capture
from replay.target import Target
from tests.integration.replay.sessions import said, sent
from tests.servers.witness import witnessing
from tests.unit.replay.captures import MS, Connection, capture_of

C1 = Connection("c1")


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

"""A session, servers that do as recorded or not, and a replay of it without sockets."""

from __future__ import annotations

import pytest

from capture.format.model import Capture
from replay.auth import TokenSource
from replay.perturbations import Gap
from replay.plan import After, Kind, Plan
from replay.pytest_plugin.normal import Place
from replay.target import Target
from tests.unit.replay.captures import MS, Connection, capture_of
from tests.unit.replay.virtual import Server, Session, play

C1 = Connection("c1")
PLACE = Place(Target("ws://127.0.0.1:9"), TokenSource())
EDIT = Gap("c1", 2, After(Kind.STEP, "c1", 1), 5 * MS)


def ack(of: str) -> dict[str, str]:
    return {"type": "ack", "of": of}


RECORDED = capture_of(
    C1.request(0),
    C1.response(1),
    C1.sent(10, "one"),
    C1.said(12, ack("one")),
    C1.sent(110, "two"),
    C1.said(112, ack("two")),
    C1.left(500),
)


def server(*, loses_within_ms: float = 0, answers: str = "ack", at_open: int = 101) -> Server:
    """A server that loses a message which comes too soon after the one before."""

    def on_message(session: Session, payload: bytes) -> None:
        before_ns = session.state.get("before", -(10**12))
        session.state["before"] = session.at_ns
        if session.at_ns - before_ns >= loses_within_ms * MS:
            session.say({"type": answers, "of": payload.decode()})

    return Server(on_message, lambda session: at_open)


def plays(monkeypatch: pytest.MonkeyPatch, *servers: Server) -> list[Plan]:
    """Let runs go to these servers one after the other, the last for ever; return their plans."""
    waiting, plans = list(servers), []

    async def run(plan: Plan, *_: object) -> Capture:
        plans.append(plan)
        return play(plan, waiting.pop(0) if len(waiting) > 1 else waiting[0])

    monkeypatch.setattr("replay.experiment.run_live", run)
    monkeypatch.setattr("replay.learning.SETTLE_LADDER_S", (0, 0.001, 0.002))
    return plans

"""A plan to perturb: two connections that talk, and a server that acknowledges."""

from __future__ import annotations

from capture.format.model import Capture
from replay.perturbations import Perturbation, perturbed
from replay.plan import Plan, Step
from replay.planning import plan_from_capture
from tests.unit.replay.captures import MS, Connection, capture_of
from tests.unit.replay.virtual import Server, Session, play, sends

C1, C2 = Connection("c1"), Connection("c2")
RECORDED = capture_of(
    C1.opened(0),
    C2.opened(10),
    C1.sent(20, "a"),
    C1.said(22, "ack a"),
    C1.sent(40, "b"),
    C1.sent(50, "c"),
    C1.sent(70, "d"),
    C2.sent(80, "x"),
    C2.said(82, "ack x"),
    C2.sent(100, "y"),
    C1.left(120),
    C2.left(130),
)
PLAN = plan_from_capture(RECORDED)


def acknowledges(session: Session, payload: bytes) -> None:
    session.say(f"ack {payload.decode()}")


def played(*edits: Perturbation, plan: Plan = PLAN) -> Capture:
    return play(perturbed(plan, edits), Server(acknowledges))


def sent_ms(run: Capture, connection: str = "c1") -> dict[str, float]:
    """When each message went out, by its text."""
    return {f.text or "": f.at_ns / MS for f in sends(run) if f.connection == connection and f.text}


def changed(before: Plan, after: Plan) -> list[tuple[str, int]]:
    """The places of the steps that differ."""
    return [
        (step.connection, step.index)
        for step in after.steps()
        if step.connection in before.connections and step not in before.of(step.connection)
    ]


def step_of(plan: Plan, connection: str, index: int) -> Step:
    return plan.step(connection, index)

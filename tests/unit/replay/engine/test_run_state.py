"""What a run knows, whichever shell carries it out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capture.format.model import Event, Note, Secret
from capture.recorder import Recorder
from replay.auth import TokenSource, Wallet
from replay.correlation import correlate
from replay.engine.core import GaveUp
from replay.engine.run_state import RunState
from replay.limits import STOPPED, UNLIMITED, Limits
from replay.plan import After, Kind, Open, Plan, Send
from replay.planning import plan_from_capture
from replay.target import Target
from tests.unit.replay.captures import MS, Connection, capture_of

C1 = Connection("c1")
TICKET, FRESH = "5e0c5f4d1a2b4c3d8e9f00112233aabb", "ffffffff1a2b4c3d8e9f00112233cccc"
TALK = capture_of(
    C1.request(0, "ws://recorded.example/ws?t={{deadheat:token:s1}}"),
    C1.response(2),
    C1.said(4, {"type": "welcome", "ticket": TICKET}),
    C1.sent(20, {"type": "hello", "ticket": TICKET}),
    C1.left(30),
)
SECRET = Secret(id="s1", kind="token")


class Run:
    """The state of a run, and what was recorded of it."""

    def __init__(self, limits: Limits = UNLIMITED, follows: After | None = None) -> None:
        self.plan: Plan = plan_from_capture(TALK)
        if follows is not None:
            step = replace(self.plan.step("c1", 1), after=follows, needs=())
            self.plan = self.plan.with_steps([step])
        assert correlate(TALK, ()).links
        self.events: list[Event] = []
        wallet = Wallet({"s1": SECRET}, TokenSource(values={"s1": "fresh-token"}))
        recorder = Recorder(self.events.append, wallet.redactor())
        target = Target("ws://127.0.0.1:8000")
        self.state = RunState(self.plan, target, limits, 400 * MS, wallet, recorder)

    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note)]


def test_a_handshake_is_filled_and_goes_to_the_target() -> None:
    run = Run()
    action = run.plan.step("c1", 0).action
    assert isinstance(action, Open)
    filled = run.state.filled_request("c1", action)
    assert filled is not None
    assert filled[0] == "ws://127.0.0.1:8000/ws?t=fresh-token"


def test_a_live_value_takes_the_place_of_the_recorded_one() -> None:
    run = Run()
    step = run.plan.step("c1", 1)
    assert isinstance(step.action, Send)
    welcome = f'{{"type": "welcome", "ticket": "{FRESH}"}}'.encode()
    run.state.heard("c1", welcome, is_text=True, at_ns=5 * MS)
    filled = run.state.filled_payloads(step, step.action)
    assert filled is not None
    assert FRESH in filled[0].decode()
    run.state.note_values(40 * MS)
    assert any(FRESH[:8] in note for note in run.notes())


def test_a_value_that_did_not_come_is_told() -> None:
    run = Run()
    step = run.plan.step("c1", 1)
    assert isinstance(step.action, Send)
    run.state.filled_payloads(step, step.action)
    run.state.note_values(40 * MS)
    assert any("no live value came from" in note for note in run.notes())


@pytest.mark.parametrize(("index", "called"), [(2, "type=welcome"), (3, "")])
def test_a_message_is_one_of_its_kind_and_one_of_all(index: int, called: str) -> None:
    run = Run(follows=After(Kind.MESSAGE, "c1", index, called))
    opening = run.plan.step("c1", 0)
    run.state.core.taken(opening, 0)
    run.state.core.happened(After(Kind.OPEN, "c1"), 2 * MS)
    for said in ("welcome", "news"):
        run.state.heard("c1", f'{{"type": "{said}"}}'.encode(), is_text=True, at_ns=5 * MS)
        assert run.state.core.next_due() is None
    run.state.heard("c1", b'{"type": "welcome"}', is_text=True, at_ns=6 * MS)
    due = run.state.core.next_due()
    assert due is not None
    assert due.step.index == 1


def test_the_end_of_a_connection_says_what_was_not_done() -> None:
    run = Run()
    run.state.over("c1", 9 * MS)
    assert run.state.core.is_finished
    assert run.notes() == ["the connection ended before its steps 0, 1"]


def test_a_limit_stops_the_run() -> None:
    run = Run(Limits(max_sends_per_s=1))
    run.state.check_limits(0)
    assert run.state.is_stopped
    assert run.notes()[0].startswith(STOPPED)
    other = Run(Limits(max_sends_per_s=1))
    assert other.state.may_take(other.plan.step("c1", 0), 0)
    assert not other.state.may_take(other.plan.step("c1", 1), 1 * MS)


def test_a_wait_in_vain_is_noted() -> None:
    run = Run()
    step = run.plan.step("c1", 1)
    run.state.note_given_up(GaveUp(step, After(Kind.OPEN, "c1"), dropped=True), 7 * MS)
    assert run.notes() == ["c1 step 1 (message) waited in vain for c1 open, and was dropped"]

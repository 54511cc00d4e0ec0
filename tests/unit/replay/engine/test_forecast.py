from __future__ import annotations

from dataclasses import replace

import pytest

from capture.format.model import Capture
from replay.engine.forecast import check_plan, forecast
from replay.errors import LimitExceeded
from replay.limits import UNLIMITED, Limits
from replay.perturbations import Gap, HandshakeDelay
from replay.plan import After, Kind, Pace, Plan
from replay.planning import plan_from_capture
from tests.unit.replay.captures import Connection, capture_of, ns

C1, C2 = Connection("c1"), Connection("c2")


def session() -> Capture:
    """c1 waits 20 ms for each answer and 10 ms more; c2 opens 50 ms after c1 has ended."""
    return capture_of(
        C1.request(0),
        C1.response(20),
        C1.sent(30, "1"),
        C1.said(50, {"type": "ack"}),
        C1.sent(60, "2"),
        C1.left(70),
        C2.request(122),
        C2.response(142),
        C2.left(150),
    )


def times_ms(plan: Plan) -> list[float]:
    return [at_ns / 1e6 for at_ns, _ in forecast(plan).taken]


@pytest.mark.parametrize("pace", [Pace.CAUSAL, Pace.RECORDED])
def test_as_recorded_the_steps_are_taken_as_recorded(pace: Pace) -> None:
    assert times_ms(plan_from_capture(session(), pace)) == [0, 30, 60, 70, 122, 150]


def test_a_burst_waits_for_the_handshake_only() -> None:
    assert times_ms(plan_from_capture(session(), Pace.BURST))[:3] == [0, 20, 20]


def test_what_comes_after_a_changed_step_moves_with_it() -> None:
    plan = Gap("c1", 1, After(Kind.OPEN, "c1"), ns(110)).apply(plan_from_capture(session()))
    assert times_ms(plan) == [0, 130, 160, 170, 222, 250]


def test_a_slow_handshake_holds_up_what_follows_it() -> None:
    plan = HandshakeDelay("c1", ns(100)).apply(plan_from_capture(session()))
    assert times_ms(plan)[1] == 130


def test_nothing_is_left_out() -> None:
    expected = forecast(plan_from_capture(session()))
    assert (len(expected.taken), expected.dropped) == (6, ())
    assert expected.duration_ns == ns(150)


def test_a_step_that_needs_what_never_comes_is_not_taken() -> None:
    plan = plan_from_capture(session())
    unheard = After(Kind.MESSAGE, "c1", 7, "type=never")
    plan = plan.with_steps([replace(plan.step("c1", 2), needs=(unheard,))])
    assert [step.name for step in forecast(plan).dropped] == ["c1 step 2 (message)"]


def test_a_connection_that_was_not_recorded_is_answered_at_once() -> None:
    plan = plan_from_capture(session())
    known = {event: at_ns for event, at_ns in plan.recorded_ns.items() if event.kind != Kind.OPEN}
    assert times_ms(replace(plan, recorded_ns=known))[1] == 10


def test_a_plan_is_checked_before_it_is_sent() -> None:
    plan = plan_from_capture(session())
    check_plan(plan, UNLIMITED)
    check_plan(plan, Limits(max_connections=1))
    with pytest.raises(LimitExceeded, match=r"c1 step 1 \(message\) at 30.0 ms would be send 2"):
        check_plan(plan, Limits(max_sends_per_s=1))


def test_a_message_is_also_known_by_its_number_among_all() -> None:
    plan = plan_from_capture(session())
    by_number = Gap("c1", 2, After(Kind.MESSAGE, "c1", 1), ns(7)).apply(plan)
    assert times_ms(by_number)[2] == 57

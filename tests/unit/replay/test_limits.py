from __future__ import annotations

import pytest

from capture.format.model import Note
from replay.errors import LimitExceeded
from replay.limits import (
    STOPPED,
    UNLIMITED,
    LimitGuard,
    Limits,
    RunPacer,
    check_steps,
    stopped_by,
)
from replay.plan import START, After, End, Ending, Fragment, Kind, Open, Send, Step
from tests.unit.replay.captures import capture_of, ns


def opening(connection: str) -> Step:
    return Step(connection, 0, Open("ws://h/", ()), 0, START, 0)


def message(connection: str, index: int = 1) -> Step:
    return Step(connection, index, Send((Fragment(b"x"),), True), 0, START, 0)


def ending(connection: str) -> Step:
    return Step(connection, 2, End(Ending.CLOSE), 0, After(Kind.OPEN, connection), 0)


def test_connections_at_a_time() -> None:
    limits = Limits(max_connections=1)
    one_after_the_other = [
        (ns(0), opening("c1")),
        (ns(5), ending("c1")),
        (ns(5), opening("c2")),
    ]
    check_steps(one_after_the_other, limits)
    with pytest.raises(LimitExceeded, match=r"c2 step 0 \(open\) at 4.0 ms would be connection 2"):
        check_steps([(ns(0), opening("c1")), (ns(4), opening("c2"))], limits)


def test_sends_within_any_second() -> None:
    limits = Limits(max_sends_per_s=2)
    spread = [(ns(0), opening("c1")), (ns(999), message("c1")), (ns(1000), message("c1"))]
    check_steps(spread, limits)
    with pytest.raises(LimitExceeded, match=r"at 999\.9 ms would be send 3 within a second"):
        check_steps([*spread[:2], (ns(999.9), message("c1"))], limits)


def test_an_end_is_no_send() -> None:
    check_steps([(0, opening("c1")), (0, ending("c1"))], Limits(max_sends_per_s=1))


def test_without_limits_everything_is_taken() -> None:
    check_steps([(0, opening(f"c{number}")) for number in range(500)], UNLIMITED)


def test_a_connection_that_ended_makes_room() -> None:
    guard = LimitGuard(Limits(max_connections=1))
    guard.take(opening("c1"), 0)
    guard.ended("c1")
    guard.ended("never opened")
    guard.take(opening("c2"), 1)


def test_limits_fill_up_from_others() -> None:
    near, far = Limits(max_connections=3), Limits(max_connections=9, max_sends_per_s=7)
    assert near.or_else(far) == Limits(max_connections=3, max_sends_per_s=7)


def test_limits_are_spelled_out() -> None:
    limits = Limits(max_connections=3, max_runs_per_minute=6)
    assert str(limits) == "3 connections at a time, 6 runs per minute"
    assert str(UNLIMITED) == "none"


def test_runs_wait_for_their_minute() -> None:
    pacer = RunPacer(Limits(max_runs_per_minute=2))
    for at_ms in (0, 10_000):
        assert pacer.wait_ns(ns(at_ms)) == 0
        pacer.begin(ns(at_ms))
    assert pacer.wait_ns(ns(20_000)) == ns(40_000)
    assert pacer.wait_ns(ns(60_000)) == 0
    pacer.begin(ns(60_000))
    assert pacer.wait_ns(ns(60_000)) == ns(10_000)


def test_runs_without_a_limit_do_not_wait() -> None:
    pacer = RunPacer(UNLIMITED)
    for _ in range(3):
        assert pacer.wait_ns(0) == 0
        pacer.begin(0)


def test_a_run_says_what_stopped_it() -> None:
    assert stopped_by(capture_of(Note(at_ns=0, text=f"{STOPPED}too many"))) == "too many"
    assert stopped_by(capture_of(Note(at_ns=0, text="something else"))) == ""

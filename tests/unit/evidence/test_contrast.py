from pathlib import Path
from typing import Any

import pytest

from evidence.contrast import aligned, contrasted, event_at_ns, first_difference
from evidence.hunt_record import HuntRecord
from replay.charts import Aligned
from tests.unit.replay.captures import Connection, capture_of, ns

C1, C2 = Connection("c1"), Connection("c2")
RUN = capture_of(
    C1.request(2, connected_ms=1),
    C1.response(3),
    C1.said(4, {"type": "welcome"}),
    C1.sent(5, "hello", step=1),
    C1.left(9),
)


def run_of(*replies: str, at_ms: float = 4) -> Aligned:
    said = [C1.said(at_ms + number, {"type": name}) for number, name in enumerate(replies)]
    return Aligned("passing", capture_of(C1.opened(0), *said, C1.left(20)), 0, None)


def as_failing(each: Aligned) -> Aligned:
    return Aligned("failing", each.run, each.anchor_ns, None)


@pytest.mark.parametrize(
    ("event", "at_ms"),
    [
        ("start", 2),
        ("c1 TCP connect", 1),
        ("c1 open", 3),
        ("c1 message 1", 4),
        ("c1 step 1", 5),
        ("c1 step 0", 2),
        ("c1 closed", 11),
    ],
)
def test_events_of_a_plan_are_found_in_a_run(event: str, at_ms: float) -> None:
    if event.endswith("message 1"):
        # As the plan of that run calls it, by the name of the message.
        event = next(str(each) for each in plan_events() if str(each).startswith(event))
    assert event_at_ns(RUN, event) == ns(at_ms)


def plan_events() -> list[Any]:
    from replay.planning import plan_from_capture

    return list(plan_from_capture(RUN).recorded_ns)


@pytest.mark.parametrize("event", ["c1 step 7", "c2 open", "c2 closed", "c2 TCP connect"])
def test_what_did_not_happen_has_no_time(event: str) -> None:
    assert event_at_ns(RUN, event) is None


def test_the_nearest_passing_run_stands_beside_one_at_the_reported_timing(
    raced: HuntRecord,
) -> None:
    pair = contrasted(raced.answer)
    assert pair is not None
    passing, failing = pair
    assert (passing["verdict"], failing["verdict"]) == ("pass", "fail")
    assert failing["edits"] == raced.finding["edits"]
    gaps = [each["edits"][0]["gap_ms"] for each in raced.trials if each["purpose"] == "window"]
    above = [gap for gap in gaps if gap > raced.finding["window"]["high_ms"]]
    assert passing["edits"][0]["gap_ms"] == min(above)


def test_without_a_failing_run_there_is_nothing_to_compare(raced: HuntRecord) -> None:
    passing = [each for each in raced.trials if each["verdict"] != "fail"]
    assert contrasted({**raced.answer, "trials": passing}) is None


def test_a_run_is_aligned_at_the_anchor(raced: HuntRecord) -> None:
    pair = contrasted(raced.answer)
    assert pair is not None
    each = aligned("failing", raced.run(pair[1]), raced.finding)
    assert each.anchor_ns == event_at_ns(each.run, "c1 closed")
    assert each.moved_ns == event_at_ns(each.run, "c2 step 0")


def test_a_run_without_the_anchor_begins_at_its_first_event(raced: HuntRecord) -> None:
    run = capture_of(C2.opened(7))
    assert aligned("failing", run, raced.finding).anchor_ns == ns(7)


def test_a_refused_handshake_is_the_first_difference(raced: HuntRecord, hunts: Path) -> None:
    pair = contrasted(raced.answer)
    assert pair is not None
    runs = [
        aligned(name, raced.run(each), raced.finding)
        for name, each in zip(("passing", "failing"), pair, strict=True)
    ]
    usual = [raced.run(each) for each in raced.trials if each["purpose"] == "control"]
    difference = first_difference(runs[0], runs[1], usual)
    assert difference is not None
    assert (difference.label, difference.connection) == ("failing", "c2")
    assert difference.what == "only in the failing run: c2 handshake answered 500"


def test_a_missing_message_is_named_with_when_it_should_have_come() -> None:
    passing, failing = run_of("welcome", "echo"), as_failing(run_of("welcome"))
    difference = first_difference(passing, failing, [passing.run])
    assert difference is not None
    assert (difference.label, difference.at_ns) == ("passing", ns(5))
    assert difference.what == 'missing from the failing run: c1 the type="echo" message'


def test_an_end_by_the_server_is_a_difference() -> None:
    passing = run_of("welcome")
    cut = capture_of(C1.opened(0), C1.said(4, {"type": "welcome"}), C1.dismissed(6, 1011))
    difference = first_difference(passing, Aligned("failing", cut, 0, None), [passing.run])
    assert difference is not None
    assert difference.at_ns == ns(6)
    assert "1011" in difference.what


def test_equal_runs_do_not_differ_whenever_they_happen() -> None:
    passing, failing = run_of("welcome"), as_failing(run_of("welcome", at_ms=9))
    assert first_difference(passing, failing, [passing.run]) is None

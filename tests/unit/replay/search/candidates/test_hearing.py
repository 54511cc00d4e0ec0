from replay.perturbations import SlowReader, StalledPong
from replay.plan import After, Kind
from replay.planning import plan_from_capture
from replay.search.candidates.hearing import hearing
from tests.unit.replay.captures import capture_of
from tests.unit.replay.search.plans import C1, C2, TWO

EDITS = [edit for _, edit in hearing(TWO)]


def test_each_connection_stops_reading_for_a_while_and_to_the_end() -> None:
    for name in TWO.connections:
        assert SlowReader(name) in EDITS
        assert any(e.for_ns and e.connection == name for e in EDITS if isinstance(e, SlowReader))


def test_pongs_come_late_and_never() -> None:
    values = {edit.by_ns for edit in EDITS if isinstance(edit, StalledPong)}
    assert None in values
    assert len(values) > 2


def test_who_stops_reading_once_others_know_what_they_wait_for_does_not_stop_them() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0),
            C1.said(5, {"type": "room", "id": "9f8e7d6c5b4a"}),
            C2.opened(20),
            C2.sent(30, {"type": "enter", "room": "9f8e7d6c5b4a"}),
            C1.left(90),
            C2.left(99),
        )
    )
    starts = {edit.after for _, edit in hearing(plan) if isinstance(edit, SlowReader)}
    assert After(Kind.MESSAGE, "c1", 1, "type=room") in starts

from replay.perturbations import SlowReader, StalledPong
from replay.search.candidates.hearing import hearing
from tests.unit.replay.search.plans import TWO

EDITS = [edit for _, edit in hearing(TWO)]


def test_each_connection_stops_reading_for_a_while_and_to_the_end() -> None:
    for name in TWO.connections:
        assert SlowReader(name) in EDITS
        assert any(e.for_ns and e.connection == name for e in EDITS if isinstance(e, SlowReader))


def test_pongs_come_late_and_never() -> None:
    values = {edit.by_ns for edit in EDITS if isinstance(edit, StalledPong)}
    assert None in values
    assert len(values) > 2

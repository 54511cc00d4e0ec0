from replay.determinism import first_difference
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")


def test_the_same() -> None:
    events = (C1.opened(0), C1.said(5, "a"), C1.left(9))
    assert first_difference(capture_of(*events), capture_of(*events)) is None


def test_the_first_difference_in_time_and_in_content() -> None:
    run = capture_of(C1.opened(0), C1.said(5, "a"), C1.left(9))
    later = capture_of(C1.opened(0), C1.said(6, "a"), C1.left(9))
    other = capture_of(C1.opened(0), C1.said(5, "b" * 500), C1.left(9))
    in_time, in_content = first_difference(run, later), first_difference(run, other)
    assert in_time is not None
    assert '"at_ns":5000000' in in_time
    assert '"at_ns":6000000' in in_time
    assert in_content is not None
    assert in_content.endswith("… in the other")
    assert 'text":"a"' in in_content
    assert 'text":"bbb' in in_content


def test_one_that_ended_before() -> None:
    run = capture_of(C1.opened(0), C1.said(5, "a"))
    difference = first_difference(run, capture_of(C1.opened(0)))
    assert difference is not None
    assert difference.endswith("in one run was the end in the other")

import pytest

from capture.format.model import Capture
from tests.unit.replay.captures import MS, Connection, Events, capture_of
from tests.unit.replay.oracles.checks.judging import details, outcome, verdict

C1, C2 = Connection("c1"), Connection("c2")


def numbered(*values: object) -> Capture:
    said = [C1.said(10 + at, {"type": "n", "seq": value}) for at, value in enumerate(values)]
    return capture_of(C1.opened(0), said)


def named(*names: str) -> Capture:
    return capture_of(C1.opened(0), [C1.said(10 + n, {"type": x}) for n, x in enumerate(names)])


@pytest.mark.parametrize("values", [(1, 2, 3), (1, 1, 2), ("9", "10"), ("a", "b"), (1.5, 2)])
def test_a_field_that_never_decreases(values: tuple[object, ...]) -> None:
    assert verdict("order:$.seq", numbered(*values)) == "pass"


def test_a_decrease_is_named_with_both_messages() -> None:
    found = outcome("order:$.seq", numbered(1, 3, 2, 4))
    (symptom,) = found.judgement.symptoms
    assert symptom.detail == (
        "c1: $.seq is 2 in message 3 of the server (type=n) at 12.0 ms, after 3 in message 2"
    )
    assert (symptom.kind, symptom.connection, symptom.at_ns) == ("reordered", "c1", 12 * MS)


def test_a_strict_order_grows() -> None:
    assert verdict("order:$.seq,strict=yes", numbered(1, 1)) == "fail"
    assert verdict("order:$.seq,strict=yes", numbered(1, 2)) == "pass"


def test_each_connection_and_each_key_counts_for_itself() -> None:
    def said(connection: Connection, at_ms: float, seq: int, run: str) -> Events:
        return connection.said(at_ms, {"type": "n", "seq": seq, "run": run})

    two = capture_of(C1.opened(0), C2.opened(0), said(C1, 5, 1, "a"), said(C1, 6, 2, "a"))
    mixed = capture_of(two.events, said(C2, 7, 1, "b"), said(C2, 8, 2, "b"))
    assert verdict("order:$.seq", mixed) == "pass"
    interleaved = capture_of(two.events, said(C1, 7, 1, "b"), said(C1, 8, 2, "b"))
    assert verdict("order:$.seq", interleaved) == "fail"
    assert verdict("order:$.seq,per=$.run", interleaved) == "pass"


def test_only_the_messages_that_were_named_count() -> None:
    run = capture_of(numbered(5, 6).events, C1.said(50, {"type": "other", "seq": 1}))
    assert verdict("order:$.seq", run) == "fail"
    assert verdict("order:$.seq,of=n", run) == "pass"


@pytest.mark.parametrize("values", [(), (1,), (None, None)])
def test_without_two_values_there_is_no_order(values: tuple[object, ...]) -> None:
    assert verdict("order:$.seq", numbered(*values)) == "unknown"


def test_what_cannot_be_compared_is_unknown() -> None:
    found = outcome("order:$.seq", numbered(1, "b"))
    assert (found.verdict, "cannot be compared" in found.detail) == ("unknown", True)


EVENTS = "order:events=started,thinking,done"


@pytest.mark.parametrize(
    "names",
    [
        ("started", "thinking", "done"),
        ("started", "done"),
        ("started", "thinking", "thinking", "done", "done"),
        ("started", "thinking", "done", "started", "done"),
        ("started", "tick", "thinking", "tick", "done"),
        ("started", "started", "done"),
    ],
)
def test_events_in_their_order(names: tuple[str, ...]) -> None:
    assert verdict(EVENTS, named(*names)) == "pass"


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (("thinking", "started", "done"), "thinking came before started: message 1 of"),
        (("done", "started", "thinking"), "done came before started: message 1 of"),
        (("started", "done", "thinking"), "thinking came before started: message 3 of"),
        (("started", "thinking", "started", "done"), "started came after thinking: message 3 of"),
    ],
)
def test_events_out_of_order_are_reported_once(names: tuple[str, ...], complaint: str) -> None:
    (detail,) = details(EVENTS, named(*names))
    assert complaint in detail


def test_events_of_one_key_are_in_order_though_two_are_mixed() -> None:
    said = [("started", 1), ("started", 2), ("done", 2), ("done", 1)]
    run = capture_of(
        C1.opened(0),
        [C1.said(10 + at, {"type": name, "run": key}) for at, (name, key) in enumerate(said)],
    )
    assert verdict("order:events=started,done,per=$.run", run) == "pass"
    swapped = capture_of(C1.opened(0), C1.said(5, {"type": "done", "run": 3}), run.events[2:])
    (detail,) = details("order:events=started,done,per=$.run", swapped)
    assert detail.startswith("c1 ($.run=3): done came before started")


def test_events_that_never_come_have_no_order() -> None:
    found = outcome(EVENTS, named("tick"))
    assert (found.verdict, found.detail) == (
        "unknown",
        "the server said none of started, thinking, done",
    )

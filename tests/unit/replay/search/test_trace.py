from capture.format.model import Note
from replay.plan import After, Kind
from replay.search.trace import NO_TRACE, Trace
from replay.timers import Timer, timers_note
from tests.unit.replay.captures import MS, Connection, capture_of

C1 = Connection("c1")


def test_it_tells_when_things_happened_and_how_long_an_answer_took() -> None:
    timer = Timer(9_000 * MS, "chat.py:9")
    trace = Trace.of(
        capture_of(
            C1.request(0),
            C1.response(4),
            C1.sent(10, "a", step=1),
            C1.said(30, "one"),
            C1.said(45, "two"),
            C1.left(60, step=2),
            [Note(at_ns=60 * MS, text=timers_note([timer]))],
        )
    )
    assert trace.done_ns[After(Kind.OPEN, "c1")] == 4 * MS
    assert trace.done_ns[After(Kind.STEP, "c1", 1)] == 10 * MS
    assert trace.took_ns[After(Kind.STEP, "c1", 1)] == 35 * MS
    assert trace.timers == (timer,)
    assert [site for _, site in trace.events] == [
        "c1 step 0",
        "c1 open",
        "c1 step 1",
        "c1 one",
        "c1 two",
        "c1 step 2",
        "chat.py:9",
    ]
    assert [at_ns // MS for at_ns, _ in trace.events] == [0, 4, 10, 30, 45, 60, 9_000]


def test_of_a_server_elsewhere_no_timers_are_known() -> None:
    assert not NO_TRACE.timers

"""A person reads what a step waits for, and why."""

from replay.causality import Waits, with_causality
from replay.events import After, Kind
from replay.plan_listing import listing, listing_json
from replay.planning import plan_from_capture
from tests.unit.replay.captures import Connection, capture_of

C1, C2 = Connection("c1"), Connection("c2")
PLAN = plan_from_capture(
    capture_of(
        C1.opened(0),
        C1.said(5, {"type": "welcome", "session": "s-1f2e"}),
        C1.sent(20, {"type": "ask", "session": "s-1f2e"}),
        C2.request(40, "ws://h/ws?session=s-1f2e"),
        C2.response(41),
        C2.left(60),
        C1.left(80),
    )
)


def test_the_listing() -> None:
    assert list(listing(PLAN)) == [
        "c1 step 0 (open): 0.0 ms after the start",
        "c1 step 1 (message): 15.0 ms after c1 message 1: type=welcome",
        "    needs c1 message 1: type=welcome for $.session (s-1f2e)",
        "c1 step 2 (end): 60.0 ms after c1 step 1",
        "c2 step 0 (open): 20.0 ms after c1 step 1",
        "    needs c1 message 1: type=welcome for query session (s-1f2e)",
        "c2 step 1 (end): 19.0 ms after c2 open",
        "1 value is the server's, and replaced by the live one:",
        "  $.session of c1 message 1: type=welcome",
        "    -> c1 step 1: $.session (s-1f2e)",
        "    -> c2 step 0 url: query session (s-1f2e)",
    ]


def test_a_need_that_a_person_added_has_no_value() -> None:
    plan = with_causality(
        PLAN, [Waits("c2", 1, After(Kind.OPEN, "c2"), 1, (After(Kind.OPEN, "c1"),))]
    )
    assert "    needs c1 open" in list(listing(plan))


def test_where_nothing_is_the_servers_nothing_is_said_of_it() -> None:
    plan = plan_from_capture(capture_of(C1.opened(0), C1.left(5)))
    assert [line.partition(":")[0] for line in listing(plan)] == [
        "c1 step 0 (open)",
        "c1 step 1 (end)",
    ]


def test_the_same_as_json() -> None:
    said = listing_json(PLAN)
    assert said["steps"][3] == {
        "connection": "c2",
        "step": 0,
        "name": "c2 step 0 (open)",
        "after": "c1 step 1",
        "gap_ms": 20.0,
        "needs": ["c1 message 1: type=welcome"],
        "values": [
            {
                "part": "url",
                "place": "query session",
                "from": "$.session of c1 message 1: type=welcome",
            }
        ],
    }
    assert said["correlation"] == PLAN.correlation.to_json()

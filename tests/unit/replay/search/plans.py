"""Plans that searches are tried on."""

from replay.planning import plan_from_capture
from tests.unit.replay.captures import Connection, capture_of

C1, C2 = Connection("c1"), Connection("c2")
TALK = plan_from_capture(
    capture_of(
        C1.opened(0),
        C1.sent(10, "a"),
        C1.said(30, "ok"),
        C1.sent(40, "b"),
        C1.said(60, "ok too"),
        C1.left(100),
    )
)
TWO = plan_from_capture(
    capture_of(
        C1.opened(0), C1.sent(20, "a"), C2.opened(30), C2.sent(50, "b"), C1.left(70), C2.left(90)
    )
)

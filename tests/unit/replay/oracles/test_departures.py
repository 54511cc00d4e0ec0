"""A run that is another conversation than the recording is said to be one."""

from __future__ import annotations

import pytest

from capture.format.model import Capture
from replay.oracles.departures import departures
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
RECORDED = capture_of(C1.opened(0), C1.sent(10, "a", step=1), C1.said(12, "ok"), C1.left(50))


def test_the_same_conversation_departs_in_nothing() -> None:
    late = capture_of(C1.opened(0), C1.sent(10, "a"), C1.said(90, "fine"), C1.left(100))
    assert departures(late, RECORDED, ["c1"]) == []


@pytest.mark.parametrize(
    ("run", "departure"),
    [
        (capture_of(C1.request(0)), "the handshake of c1 was not answered, recorded 101"),
        (
            capture_of(C1.request(0), C1.response(1, 401)),
            "the handshake of c1 was answered 401, recorded 101",
        ),
        (
            capture_of(C1.opened(0), C1.sent(10, "a"), C1.said(12, "ok"), C1.dismissed(20)),
            "recorded as ended by the client",
        ),
        (
            capture_of(C1.opened(0), C1.sent(10, "a"), C1.left(50)),
            "the server said nothing on c1, recorded 1 messages",
        ),
    ],
)
def test_another_conversation_is_told(run: Capture, departure: str) -> None:
    (told,) = departures(run, RECORDED, ["c1"])
    assert departure in told

"""A client that has to wait for an answer waits for it in every plan."""

import pytest

from capture.messages import messages
from replay.perturbations import Gap
from replay.plan import After, Kind, Pace
from replay.planning import plan_from_capture
from replay.protocol_openings import held_back
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
# What the client says, what the server answers, and what the client may say only then.
PROTOCOLS = {
    "engine.io": ("", '0{"sid":"x1","pingInterval":25000}', "40"),
    "socket.io": ("40", '40{"sid":"y2"}', '42["note","hello"]'),
    "graphql": (
        '{"type":"connection_init"}',
        '{"type":"connection_ack"}',
        '{"id":"1","type":"subscribe"}',
    ),
    "STOMP": (
        "CONNECT\naccept-version:1.2\n\n\0",
        "CONNECTED\nversion:1.2\n\n\0",
        "SUBSCRIBE\nid:0\n\n\0",
    ),
    "WAMP": ('[1,"realm1",{}]', '[2,9129137332,{"roles":{}}]', '[48,7814135,{},"com.add",[1,2]]'),
    "SignalR": ('{"protocol":"json","version":1}\x1e', "{}\x1e", '{"type":1,"target":"Send"}\x1e'),
    "SockJS": ("", "o", '["hello"]'),
    "Action Cable": ("", '{"type":"welcome"}', '{"command":"subscribe","identifier":"{}"}'),
    "DDP": (
        '{"msg":"connect","version":"1"}',
        '{"msg":"connected","session":"s"}',
        '{"msg":"sub","id":"1"}',
    ),
}


def spoken(first: str, answer: str, then: str) -> list[object]:
    return [
        [C1.sent(10, first)] if first else [],
        C1.said(20, answer),
        C1.sent(40, then),
    ]


@pytest.mark.parametrize("talk", PROTOCOLS.values(), ids=PROTOCOLS)
def test_what_may_be_said_only_then_needs_the_answer(talk: tuple[str, str, str]) -> None:
    recorded = capture_of(C1.opened(0), *spoken(*talk), C1.left(90))  # type: ignore[arg-type]
    last = 2 if talk[0] else 1
    for pace in Pace:
        step = plan_from_capture(recorded, pace).step("c1", last)
        assert step.needs == (After(Kind.MESSAGE, "c1", 1),)
        assert not plan_from_capture(recorded, pace).step("c1", last - 1).needs


def test_no_gap_has_it_said_before() -> None:
    recorded = capture_of(C1.opened(0), *spoken(*PROTOCOLS["socket.io"]), C1.left(90))  # type: ignore[arg-type]
    at_once = Gap("c1", 2, After(Kind.STEP, "c1", 1), 0).apply(plan_from_capture(recorded))
    assert at_once.step("c1", 2).needs == (After(Kind.MESSAGE, "c1", 1),)


def test_who_did_not_wait_when_recorded_need_not() -> None:
    early = capture_of(C1.opened(0), C1.sent(10, "40"), C1.sent(11, '42["a"]'), C1.said(20, "40{}"))
    assert not list(held_back(list(messages(early.events))))


@pytest.mark.parametrize(
    ("said", "sent"),
    [('{"type":"hello"}', '{"type":"join"}'), ("ok", "42 is the answer"), ('[1,"a"]', '["b"]')],
)
def test_other_protocols_hold_nothing_back(said: str, sent: str) -> None:
    plain = capture_of(C1.opened(0), C1.said(10, said), C1.sent(20, sent))
    assert not list(held_back(list(messages(plain.events))))

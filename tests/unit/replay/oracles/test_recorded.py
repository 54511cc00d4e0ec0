"""A recording gets the steps that a run of its plan has, and placeholders lose their numbers."""

from capture.format.model import Capture, Direction, Frame, TcpClose, UpgradeRequest
from capture.messages import messages
from replay.oracles.recorded import as_run, without_secret_numbers
from replay.oracles.transcript import transcripts
from replay.planning import plan_from_capture
from tests.unit.replay.captures import Connection, capture_of

C1, C2 = Connection("c1"), Connection("c2")


def steps_of(capture: Capture, connection: str) -> dict[int, int]:
    return {
        event.step: event.at_ns // 1_000_000
        for event in capture.of_connection(connection)
        if isinstance(event, UpgradeRequest | Frame | TcpClose) and event.step is not None
    }


def test_every_step_of_the_plan_is_there() -> None:
    recorded = capture_of(
        C1.opened(0),
        C1.sent(10, "one"),
        C1.said(12, "ack"),
        C1.sent(20, "tw", fin=False),
        C1.sent(25, "o", opcode="continuation"),
        C1.left(40),
        C2.opened(50),
        C2.tcp_close(60, Direction.CLIENT_TO_SERVER.sender),
    )
    seen = as_run(recorded)
    assert steps_of(seen, "c1") == {0: 0, 1: 10, 2: 20, 3: 40}
    assert steps_of(seen, "c2") == {0: 50, 1: 60}
    for name, planned in plan_from_capture(recorded).connections.items():
        assert set(steps_of(seen, name)) == {step.index for step in planned}


def test_replies_are_put_down_to_their_steps() -> None:
    recorded = capture_of(C1.opened(0), C1.sent(10, "one"), C1.said(12, "ack"), C1.left(40))
    (reply,) = transcripts(as_run(recorded))["c1"].replies
    assert (reply.step, reply.latency_ns) == (1, 2_000_000)


def test_a_connection_without_a_handshake_has_no_steps() -> None:
    assert steps_of(as_run(capture_of(C1.sent(10, "one"), C1.left(40))), "c1") == {}


def test_placeholders_lose_their_numbers_and_nothing_else_changes() -> None:
    recorded = capture_of(
        C1.opened(0),
        C1.said(1, {"token": "{{deadheat:jwt:s2}}", "n": 2}),
        C1.said(2, "s2"),
        C1.said(3, b"\x00"),
    )
    texts = [message.text for message in messages(without_secret_numbers(recorded).events)]
    assert texts == ['{"token": "{{deadheat:jwt}}", "n": 2}', "s2", "\x00"]

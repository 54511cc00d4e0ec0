from capture.format.model import Capture, CloseHow, Side
from replay.oracles.transcript import Transcript, transcripts
from tests.unit.replay.captures import MS, Connection, capture_of, ns

C1, C2 = Connection("c1"), Connection("c2")


def transcript(run: Capture) -> Transcript:
    (only,) = transcripts(run).values()
    return only


def test_a_reply_is_put_down_to_the_latest_step_before_it() -> None:
    run = capture_of(
        C1.opened(0),
        C1.said(5, "hello"),
        C1.sent(10, "a", step=1),
        C1.sent(20, "b", step=2),
        C1.said(23, "to b, or to a"),
        C1.left(30, step=3),
    )
    replies = [(reply.text, reply.step, reply.latency_ns / MS) for reply in transcript(run).replies]
    assert replies == [("hello", 0, 5), ("to b, or to a", 2, 3)]


def test_a_message_in_fragments_counts_from_its_first() -> None:
    run = capture_of(
        C1.opened(0),
        C1.sent(10, "a", step=1, fin=False),
        C1.sent(30, "b", step=1, opcode="continuation"),
        C1.said(31, "ok"),
    )
    assert transcript(run).steps_at_ns[1] == ns(10)


def test_connections_are_told_apart() -> None:
    run = capture_of(C1.opened(0), C2.opened(1), C1.said(5, "one"), C2.said(6, "two"))
    texts = {name: [r.text for r in each.replies] for name, each in transcripts(run).items()}
    assert texts == {"c1": ["one"], "c2": ["two"]}


def test_a_refusal_keeps_what_the_server_said() -> None:
    run = capture_of(C1.request(0), C1.response(1, 403, reason="Forbidden", body="no room\n"))
    assert (transcript(run).status, transcript(run).refusal) == (403, "no room")
    run = capture_of(C1.request(0), C1.response(1, 403, reason="Forbidden"))
    assert transcript(run).refusal == "Forbidden"


def test_no_answer_is_no_status() -> None:
    assert transcript(capture_of(C1.request(0))).status is None


def test_who_ended_and_how() -> None:
    by_server = transcript(capture_of(C1.opened(0), C1.dismissed(10, 1011, "oops"))).ending
    assert (by_server.first, by_server.server_code) == (Side.SERVER, 1011)
    assert str(by_server) == "ended by the server, the server sent code 1011 (oops)"
    by_client = transcript(capture_of(C1.opened(0), C1.left(10))).ending
    assert (by_client.first, by_client.server_code) == (Side.CLIENT, 1000)
    dropped = transcript(capture_of(C1.opened(0), C1.tcp_close(9, Side.SERVER, CloseHow.RESET)))
    assert str(dropped.ending) == "ended by the server, the server sent no Close frame"
    open_still = transcript(capture_of(C1.opened(0))).ending
    assert str(open_still) == "ended by nobody, the server sent no Close frame"


def test_when_the_client_left() -> None:
    assert transcript(capture_of(C1.opened(0), C1.left(10))).left_at_ns == ns(10)
    assert transcript(capture_of(C1.opened(0), C1.dismissed(10))).left_at_ns == ns(11)
    dropped = capture_of(C1.opened(0), C1.tcp_close(7, Side.CLIENT))
    assert transcript(dropped).left_at_ns == ns(7)
    assert transcript(capture_of(C1.opened(0))).left_at_ns is None

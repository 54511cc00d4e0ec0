"""What goes over the wire, with a server of another make at the other end."""

from __future__ import annotations

import asyncio

import pytest
from websockets.frames import Frame, Opcode

from capture.format.model import Capture, CloseHow, Event, Note, Side, TcpClose, UpgradeResponse
from replay.planning import plan_from_capture
from tests.integration.replay.sessions import frames, replayed, said, sent
from tests.servers.process import require_node_ws, serving
from tests.servers.witness import witnessing
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
DEFLATE = ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")


def session(path: str, *events: Event, headers: tuple[tuple[str, str], ...] = ()) -> Capture:
    url = f"ws://recorded.example{path}"
    return capture_of(C1.request(0, url, headers), C1.response(2), *events, C1.left(90))


async def test_text_and_binary_are_sent_as_they_were(port: int) -> None:
    run = await replayed(session("/echo", C1.sent(10, "grüße"), C1.sent(20, b"\x00\xff")), port)
    assert said(run) == ["grüße", b"\x00\xff"]


async def test_a_large_message_arrives_whole(port: int) -> None:
    large = "x" * 900_000
    run = await replayed(session("/echo", C1.sent(10, large), C1.said(20, large)), port)
    assert said(run) == [large]


async def test_compressed_messages_are_compressed_again() -> None:
    messages = [
        C1.sent(10, "long " * 50, compressed=True, rsv1=True),
        C1.sent(20, "part ", fin=False, compressed=True, rsv1=True),
        C1.sent(21, "and part", opcode="continuation"),
        C1.sent(30, "plain"),
    ]

    def echo(frame: Frame) -> list[Frame]:
        return [Frame(Opcode.TEXT, b"got it " * 30)] if frame.data.startswith(b"long") else []

    async with witnessing(echo) as witness:
        run = await replayed(session("/", *messages, headers=(DEFLATE,)), witness.port)
    received = b"".join(data for _, data in witness.only.messages())
    assert received == b"long " * 50 + b"part and part" + b"plain"
    first, *_, last = sent(run)
    assert (first.compressed, first.wire_length < 100, last.compressed) == (True, True, False)
    assert said(run) == ["got it " * 30]
    answer = next(event for event in run.events if isinstance(event, UpgradeResponse))
    assert "permessage-deflate" in dict(answer.headers)["Sec-WebSocket-Extensions"]


async def test_without_an_offer_nothing_is_compressed(port: int) -> None:
    run = await replayed(session("/echo", C1.sent(10, "a" * 200, compressed=True)), port)
    assert [frame.compressed for frame in frames(run) if frame.opcode == "text"] == [False, False]


async def test_an_offer_that_makes_no_sense_is_left_out(port: int) -> None:
    for offer in ("permessage-deflate; client_max_window_bits=99", "=;", "x-other, permessage-foo"):
        headers = (("Sec-WebSocket-Extensions", offer),)
        assert said(await replayed(session("/echo", C1.sent(10, "a"), headers=headers), port)) == [
            "a"
        ]


async def test_the_recorded_subprotocols_are_offered(port: int) -> None:
    headers = (("Sec-WebSocket-Protocol", "v3.chat, v1.chat"),)
    run = await replayed(session("/echo", headers=headers), port)
    answer = next(event for event in run.events if isinstance(event, UpgradeResponse))
    assert dict(answer.headers)["Sec-WebSocket-Protocol"] == "v1.chat"


async def test_headers_stay_but_for_what_belongs_to_this_handshake() -> None:
    headers = (
        ("Host", "recorded.example"),
        ("Origin", "https://recorded.example"),
        ("User-Agent", "Browser/1"),
        ("X-Room", "7"),
        ("Sec-WebSocket-Key", "c3RhbGU="),
    )
    recorded = capture_of(
        C1.request(0, "wss://recorded.example/ws?room=7", headers), C1.response(2), C1.left(9)
    )
    async with witnessing() as witness:
        await replayed(recorded, witness.port)
    request = witness.only.request
    assert request is not None
    assert request.path == "/ws?room=7"
    assert request.headers["Host"] == f"127.0.0.1:{witness.port}"
    assert request.headers["Origin"] == f"http://127.0.0.1:{witness.port}"
    assert request.headers.get_all("User-Agent") == ["Browser/1"]
    assert request.headers["X-Room"] == "7"
    assert request.headers["Sec-WebSocket-Key"] != "c3RhbGU="


async def test_the_origin_of_another_site_stays() -> None:
    headers = (("Origin", "https://shop.example"),)
    async with witnessing() as witness:
        await replayed(session("/", headers=headers), witness.port)
    assert witness.only.request is not None
    assert witness.only.request.headers["Origin"] == "https://shop.example"


async def test_a_ping_is_answered(port: int) -> None:
    run = await replayed(session("/ping", C1.said(20, "you are there")), port)
    assert said(run) == ["you are there"]
    assert [f.payload for f in frames(run) if f.opcode == "pong"] == [b"are you there"]


async def test_the_server_may_close(port: int) -> None:
    recorded = capture_of(
        C1.request(0, "ws://recorded.example/dismiss"),
        C1.response(2),
        C1.sent(10, "a"),
        C1.dismissed(20, 4003),
    )
    run = await replayed(recorded, port)
    closes = [(f.direction.sender, f.close_code) for f in frames(run) if f.opcode == "close"]
    assert closes == [("server", 4003), ("client", 4003)]


async def test_what_comes_after_the_servers_close_is_not_sent(port: int) -> None:
    run = await replayed(session("/dismiss", C1.sent(10, "a"), C1.sent(50, "too late")), port)
    assert [frame.text for frame in sent(run)] == ["a"]
    notes = [event.text for event in run.events if isinstance(event, Note)]
    assert any("ended before its steps 2" in note or "was not sent" in note for note in notes)


@pytest.mark.parametrize(("how", "ended"), [(CloseHow.FIN, "fin"), (CloseHow.RESET, "reset")])
async def test_a_client_that_just_goes_does_so_again(how: CloseHow, ended: str) -> None:
    recorded = capture_of(
        C1.opened(0), C1.sent(10, "a"), [C1.tcp_close(30, Side.CLIENT, how, step=2)]
    )
    async with witnessing() as witness:
        run = await replayed(recorded, witness.port)
        await asyncio.wait_for(witness.only.over.wait(), 2)
    assert witness.only.ended == ended
    assert [f.opcode for _, f in witness.only.frames] == [Opcode.TEXT]
    ends = [(e.side, e.how) for e in run.events if isinstance(e, TcpClose)]
    assert ends[0] == (Side.CLIENT, how)


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (4321, "see you"), (None, ""), (1006, "")]
)
async def test_the_close_code_of_the_client_stays(code: int | None, reason: str) -> None:
    recorded = capture_of(
        C1.opened(0), [C1.close_frame(20, Side.CLIENT, code, reason), C1.tcp_close(22, Side.SERVER)]
    )
    async with witnessing() as witness:
        await replayed(recorded, witness.port)
    (close,) = [f for _, f in witness.only.frames if f.opcode is Opcode.CLOSE]
    # 1006 stands for no Close frame at all; it may not be sent.
    expected = b"" if code in (None, 1006) else code.to_bytes(2) + reason.encode()
    assert close.data == expected


async def test_a_refused_handshake_is_recorded(port: int) -> None:
    run = await replayed(session("/refuse", C1.sent(10, "a")), port)
    answer = next(event for event in run.events if isinstance(event, UpgradeResponse))
    assert (answer.status, answer.body) == (403, "not you\n")
    assert sent(run) == []


async def test_a_handshake_that_is_never_answered_ends(port: int) -> None:
    run = await replayed(session("/slow?ms=3000", C1.sent(10, "a")), port, patience_s=0.2)
    assert [e.how for e in run.events if isinstance(e, TcpClose)] == [CloseHow.TIMEOUT]
    assert sent(run) == []


async def test_a_server_that_never_closes_is_left(port: int) -> None:
    recorded = capture_of(
        C1.request(0, "ws://recorded.example/echo"), C1.response(2), C1.dismissed(20)
    )
    run = await replayed(recorded, port, patience_s=0.2)
    assert [e.how for e in run.events if isinstance(e, TcpClose)] == [CloseHow.TIMEOUT]


async def test_a_run_can_be_replayed(port: int) -> None:
    first = await replayed(session("/echo", C1.sent(10, "a"), C1.sent(20, b"b")), port)
    second = await replayed(first, port)
    assert said(second) == said(first) == ["a", b"b"]
    assert [f.step for f in sent(second)] == [f.step for f in sent(first)]
    one, other = plan_from_capture(first), plan_from_capture(second)
    assert [s.action for s in one.steps()][1:] == [s.action for s in other.steps()][1:]


async def test_the_ws_of_node_understands_it() -> None:
    require_node_ws()
    recorded = session("/", C1.sent(70, "a", compressed=True), C1.sent(75, "b"), headers=(DEFLATE,))
    with serving("late_listener.js") as port:
        run = await replayed(recorded, port)
    assert said(run) == ['{"type":"ack","of":"a"}', '{"type":"ack","of":"b"}']


async def test_compressed_messages_of_two_connections_can_be_inflated() -> None:
    """What was compressed ahead of its time is sent, whatever comes in between."""
    c2 = Connection("c2")
    session = capture_of(
        [each.request(0, "ws://recorded.example/", (DEFLATE,)) for each in (C1, c2)],
        [each.response(2) for each in (C1, c2)],
        [C1.sent(20 + 1.7 * n, f"same words {n}", compressed=True, rsv1=True) for n in range(60)],
        [
            event
            for n in range(50)
            for event in (
                c2.sent(20 + 2 * n, f"same words {n}", compressed=True, rsv1=True),
                c2.said(20.5 + 2 * n, f"answer {n}"),
            )
        ],
        [each.left(140) for each in (C1, c2)],
    )

    def answer(frame: Frame) -> list[Frame]:
        return [Frame(Opcode.TEXT, b"answer " + bytes(frame.data).split()[-1])]

    async with witnessing(answer) as witness:
        await replayed(session, witness.port)
    for seen, count in zip(witness.seen, (60, 50), strict=True):
        texts = [f"same words {number}".encode() for number in range(count)]
        assert [data for _, data in seen.messages()] == texts

"""What a server sees of each perturbation that plain timing tests do not show."""

# ruff: noqa: ANN401  settings are those of another function
from __future__ import annotations

import asyncio
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from capture.format.model import Capture, CloseHow, Note, Side, TcpClose, UpgradeResponse
from capture.format.model import Frame as RecordedFrame
from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.engine.remarks import undone_by
from replay.engine.surroundings import Surroundings
from replay.errors import PlanError
from replay.experiment import doubt_of
from replay.perturbations import from_json, perturbed
from replay.plan import Pace
from replay.planning import plan_from_capture
from replay.target import Target
from tests.integration.replay.sessions import replayed, said, sent
from tests.servers.witness import witnessing
from tests.unit.replay.captures import MS, Connection, capture_of

C1, C2 = Connection("c1"), Connection("c2")
TALK = capture_of(
    C1.opened(0),
    C1.sent(20, "one"),
    C1.said(22, "got one"),
    C1.sent(40, "two"),
    C1.said(42, "got two"),
    C1.sent(60, "three"),
    C1.said(62, "got three"),
    C1.left(100),
)
# A machine that has other things to do may be late.
LATE_NS = 500 * MS


def answer(frame: Frame) -> list[Frame]:
    return [Frame(Opcode.TEXT, b"got " + bytes(frame.data))]


async def played(
    port: int, *edits: dict[str, Any], session: Capture = TALK, **settings: Any
) -> Capture:
    plan = perturbed(plan_from_capture(session), map(from_json, edits))
    return await replayed(plan, port, **settings)


def closes(run: Capture, connection: str = "c1") -> list[TcpClose]:
    return [e for e in run.events if isinstance(e, TcpClose) and e.connection == connection]


async def test_a_dribbled_frame_comes_whole_and_in_its_time() -> None:
    edit = {"perturbation": "dribble", "connection": "c1", "step": 2, "pieces": 5, "every_ms": 20}
    async with witnessing(answer) as witness:
        run = await played(witness.port, edit)
    assert [data for _, data in witness.only.messages()] == [b"one", b"two", b"three"]
    (frame,) = (f for f in sent(run) if f.step == 2)
    assert frame.first_byte_at_ns is not None
    assert frame.at_ns - frame.first_byte_at_ns >= 80 * MS
    assert frame.planned_at_ns is not None
    assert frame.planned_at_ns <= frame.at_ns


async def test_a_pong_waits_for_the_end_of_a_dribbled_frame() -> None:
    edit = {"perturbation": "dribble", "connection": "c1", "step": 2, "pieces": 4, "every_ms": 30}

    def ping_at_one(frame: Frame) -> list[Frame]:
        return [*answer(frame), Frame(Opcode.PING, b"?")] if frame.data == b"one" else answer(frame)

    session = capture_of(C1.opened(0), C1.sent(20, "one"), C1.sent(21, "two" * 20), C1.left(150))
    async with witnessing(ping_at_one) as witness:
        await played(witness.port, edit, session=session, pace=Pace.RECORDED)
    kinds = [frame.opcode for _, frame in witness.only.frames]
    assert Opcode.PONG in kinds
    assert [data for _, data in witness.only.messages()] == [b"one", b"two" * 20]


async def test_the_upgrade_request_can_be_dribbled() -> None:
    edit = {"perturbation": "dribble", "connection": "c1", "step": 0, "pieces": 6, "every_ms": 10}
    async with witnessing(answer) as witness:
        run = await played(witness.port, edit)
    assert witness.only.request_ns - witness.only.connected_ns >= 50 * MS
    assert said(run) == ["got one", "got two", "got three"]


async def test_a_message_is_cut_into_frames_and_recorded_ones_are_joined() -> None:
    parts = [C1.sent(20, "tw", fin=False), C1.sent(21, "o", opcode="continuation")]
    session = capture_of(C1.opened(0), C1.sent(10, "three"), parts, C1.left(80))
    edits = [
        {"perturbation": "fragment", "connection": "c1", "step": 1, "pieces": 3, "every_ms": 10},
        {"perturbation": "fragment", "connection": "c1", "step": 2, "pieces": 1},
    ]
    async with witnessing() as witness:
        await played(witness.port, *edits, session=session)
    data = [frame for _, frame in witness.only.frames if frame.opcode is not Opcode.CLOSE]
    assert [(bytes(f.data), f.fin) for f in data] == [
        (b"t", False),
        (b"hr", False),
        (b"ee", True),
        (b"two", True),
    ]


@pytest.mark.parametrize(
    ("edit", "how", "ended"),
    [
        ({"perturbation": "reset"}, CloseHow.RESET, "reset"),
        ({"perturbation": "half_close"}, CloseHow.FIN, "fin"),
        ({"perturbation": "early_close", "code": None}, CloseHow.FIN, "fin"),
    ],
)
async def test_a_cut_connection_ends_as_it_says(
    edit: dict[str, Any], how: CloseHow, ended: str
) -> None:
    async with witnessing(answer) as witness:
        run = await played(witness.port, {**edit, "connection": "c1", "step": 2, "gap_ms": 15})
        await asyncio.wait_for(witness.only.over.wait(), 5)
    assert witness.only.ended == ended
    assert [data for _, data in witness.only.messages()] == [b"one"]
    (close,) = (close for close in closes(run) if close.side is Side.CLIENT)
    assert (close.how, close.step) == (how, 2)
    assert close.at_ns - sent(run)[0].at_ns >= 15 * MS


async def test_an_early_close_has_its_code() -> None:
    edit = {"perturbation": "early_close", "connection": "c1", "step": 2, "code": 1001}
    async with witnessing(answer) as witness:
        run = await played(witness.port, edit)
    (close,) = (frame for _, frame in witness.only.frames if frame.opcode is Opcode.CLOSE)
    assert bytes(close.data[:2]) == (1001).to_bytes(2, "big")
    (recorded, _) = (e for e in run.events if isinstance(e, RecordedFrame) and e.opcode == "close")
    assert (recorded.close_code, recorded.step) == (1001, 2)


async def test_what_came_before_a_half_close_is_still_answered() -> None:
    """The server answers late, after the client's FIN."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from websockets.http11 import Request
        from websockets.server import ServerProtocol

        protocol = ServerProtocol()
        while data := await reader.read(4096):
            protocol.receive_data(data)
            for event in protocol.events_received():
                if isinstance(event, Request):
                    protocol.send_response(protocol.accept(event))
            for part in protocol.data_to_send():
                writer.write(part)
        await asyncio.sleep(0.05)
        protocol.send_text(b"after the end")
        for part in protocol.data_to_send():
            writer.write(part)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    edit = {"perturbation": "half_close", "connection": "c1", "step": 2}
    session = capture_of(C1.opened(0), C1.sent(20, "one"), C1.sent(30, "two"), C1.left(60))
    run = await played(server.sockets[0].getsockname()[1], edit, session=session)
    server.close()
    assert said(run) == ["after the end"]


async def test_a_client_may_be_gone_before_the_handshake_is_answered(port: int) -> None:
    session = capture_of(
        C1.request(0, "ws://recorded.example/slow?ms=300"), C1.response(302), C1.left(400)
    )
    edit = {"perturbation": "reset", "connection": "c1", "step": 1, "gap_ms": 60}
    run = await played(port, edit, session=session)
    assert not [event for event in run.events if isinstance(event, UpgradeResponse)]
    (close,) = (close for close in closes(run) if close.side is Side.CLIENT)
    assert close.how is CloseHow.RESET


async def test_a_reader_that_stops_lets_the_servers_sends_pile_up() -> None:
    edit = {
        "perturbation": "slow_reader",
        "connection": "c1",
        "after": "c1 step 1",
        "for_ms": 300,
    }
    async with witnessing(answer) as witness:
        run = await played(witness.port, edit)
    first = next(e for e in run.events if isinstance(e, RecordedFrame) and e.text == "got one")
    assert first.at_ns - sent(run)[0].at_ns >= 300 * MS
    assert said(run) == ["got one", "got two", "got three"]
    notes = [event.text for event in run.events if isinstance(event, Note)]
    assert notes == ["the client stopped reading", "the client reads again"]


async def test_a_slow_reader_takes_so_many_bytes_a_second() -> None:
    def large(frame: Frame) -> list[Frame]:
        return [Frame(Opcode.TEXT, b"x" * 60_000)]

    session = capture_of(C1.opened(0), C1.sent(20, "one"), C1.said(22, "x" * 60_000), C1.left(40))
    edit = {"perturbation": "slow_reader", "connection": "c1", "bytes_per_s": 200_000}
    async with witnessing(large) as witness:
        run = await played(witness.port, edit, session=session)
    (frame,) = (e for e in run.events if isinstance(e, RecordedFrame) and e.wire_length > 60_000)
    assert frame.first_byte_at_ns is not None
    assert frame.at_ns - frame.first_byte_at_ns >= 150 * MS


@pytest.mark.parametrize(("by_ms", "answered"), [(150, True), (None, False)])
async def test_pongs_come_late_or_never(by_ms: float | None, answered: bool) -> None:
    edit = {"perturbation": "stalled_pong", "connection": "c1", "by_ms": by_ms}
    pinged_ns: list[int] = []

    def ping(frame: Frame) -> list[Frame]:
        pinged_ns.append(0)
        return [Frame(Opcode.PING, b"are you there")]

    session = capture_of(C1.opened(0), C1.sent(20, "one"), C1.sent(400, "two"), C1.left(450))
    async with witnessing(ping) as witness:
        await played(witness.port, edit, session=session)
    frames = witness.only.frames
    pongs = [at_ns for at_ns, frame in frames if frame.opcode is Opcode.PONG]
    assert bool(pongs) is answered
    if answered:
        assert pongs[0] - frames[0][0] >= 150 * MS


async def test_a_reconnect_goes_on_where_it_was() -> None:
    edit = {
        "perturbation": "reconnect",
        "connection": "c1",
        "step": 3,
        "down_ms": 60,
        "repeat": 1,
    }
    async with witnessing(answer) as witness:
        run = await played(witness.port, edit)
    first, again = witness.seen
    assert [data for _, data in first.messages()] == [b"one", b"two"]
    assert [data for _, data in again.messages()] == [b"one", b"three"]
    assert again.connected_ns - first.messages()[-1][0] >= 60 * MS
    assert said(run, "c1~again") == ["got one", "got three"]


async def test_a_storm_is_so_many_sessions_more() -> None:
    edit = {"perturbation": "storm", "copies": 40, "within_ms": 200}
    async with witnessing(answer) as witness:
        run = await played(witness.port, edit)
    assert len(witness.seen) == 41
    for seen in witness.seen:
        assert [data for _, data in seen.messages()] == [b"one", b"two", b"three"]
    began = [seen.connected_ns for seen in witness.seen]
    assert max(began) - min(began) >= 100 * MS
    assert all(len(said(run, name)) == 3 for name in run.connection_ids())


async def test_aligned_steps_come_at_one_instant() -> None:
    session = capture_of(
        C1.opened(0),
        C2.opened(10),
        C1.sent(20, "one"),
        C2.sent(180, "two"),
        C1.left(300),
        C2.left(300),
    )
    edit = {"perturbation": "align", "steps": [["c1", 1], ["c2", 1]]}
    async with witnessing() as witness:
        run = await played(witness.port, edit, session=session)
    (one, two) = (sent(run, name)[0] for name in ("c1", "c2"))
    assert one.planned_at_ns == two.planned_at_ns
    assert two.at_ns - one.at_ns < LATE_NS
    arrived = [seen.messages()[0][0] for seen in witness.seen]
    assert abs(arrived[1] - arrived[0]) < 100 * MS


async def test_a_starved_connection_neither_talks_nor_listens() -> None:
    edit = {"perturbation": "starve", "connection": "c1", "step": 2, "for_ms": 250}
    push = itertools.count()

    def pushes(frame: Frame) -> list[Frame]:
        return [*answer(frame), Frame(Opcode.TEXT, b"push %d" % next(push))]

    async with witnessing(pushes) as witness:
        run = await played(witness.port, edit)
    one, two, three = (at_ns for at_ns, _ in witness.only.messages())
    assert two - one >= 250 * MS
    assert three - two < LATE_NS
    assert said(run)[-2:] == ["got three", "push 2"]


async def test_the_restart_command_runs_in_its_time(tmp_path: Path) -> None:
    proof = tmp_path / "restarted"
    command = f"{sys.executable} -c \"open({str(proof)!r}, 'w')\""
    plan = perturbed(
        plan_from_capture(TALK),
        [from_json({"perturbation": "restart_server", "after": "c1 message 1", "gap_ms": 5})],
    )
    async with witnessing(answer) as witness:
        target = Target(f"ws://127.0.0.1:{witness.port}")
        with pytest.raises(PlanError, match="pass --restart-command CMD"):
            await run_live(plan, RunSettings(target, TokenSource()))
        settings = RunSettings(target, TokenSource(), surroundings=Surroundings(command))
        run = await run_live(plan, settings)
    assert proof.exists()
    begun, ended = (e for e in run.events if isinstance(e, Note) and "restart" in e.text)
    heard = next(e for e in run.events if isinstance(e, RecordedFrame) and e.text == "got one")
    assert begun.at_ns - heard.at_ns >= 5 * MS
    assert ended.text == "the restart command ended with status 0"


@pytest.mark.parametrize(
    ("command", "what"), [("false", "ended with status 1"), ("/no/such/command", "could not run")]
)
async def test_a_restart_that_does_not_happen_is_told(command: str, what: str) -> None:
    restart = from_json({"perturbation": "restart_server", "after": "c1 message 1", "gap_ms": 5})
    plan = perturbed(plan_from_capture(TALK), [restart])
    async with witnessing(answer) as witness:
        settings = RunSettings(
            Target(f"ws://127.0.0.1:{witness.port}"),
            TokenSource(),
            surroundings=Surroundings(command),
        )
        run = await run_live(plan, settings)
    assert what in undone_by(run)
    assert doubt_of(run).startswith("the run was not as asked: the restart command")


async def test_a_plan_of_all_kinds_at_once_is_carried_out(port: int) -> None:
    stamps = "ws://recorded.example/stamps"
    session = capture_of(
        [each.request(0, stamps) for each in (C1, C2)],
        [each.response(2) for each in (C1, C2)],
        [C1.sent(20 + 10 * n, f"{n}") for n in range(8)],
        [C2.sent(25 + 10 * n, f"{n}") for n in range(8)],
        C1.left(200),
        C2.left(200),
    )
    edits: list[dict[str, Any]] = [
        {"perturbation": "jitter", "high_ms": 30, "seed": 4},
        {"perturbation": "scale", "factor": 0.5, "connection": "c2"},
        {"perturbation": "hold", "connection": "c1", "step": 2, "for_ms": 60},
        {"perturbation": "burst", "connection": "c2", "step": 3, "last": 6},
        {"perturbation": "dribble", "connection": "c1", "step": 5, "pieces": 3, "every_ms": 2},
        {"perturbation": "storm", "copies": 3, "within_ms": 50},
        # Late enough for the answer to what was said last.
        {"perturbation": "early_close", "connection": "c2", "step": 8, "gap_ms": 200},
        {"perturbation": "reset", "connection": "c1~2", "step": 4},
    ]
    run = await played(port, *edits, session=session)
    counts = {name: len(said(run, name)) for name in run.connection_ids()}
    assert counts.pop("c1~2") <= 3
    assert counts.pop("c2") == 7
    assert set(counts.values()) == {8}
    assert all(json.loads(str(text))["n"] == n for n, text in enumerate(said(run, "c1")))

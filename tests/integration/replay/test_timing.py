"""When messages go out: as the plan says, never before, and as the server sees it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from capture.format.model import UpgradeRequest
from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.lateness import send_lateness_ns
from replay.perturbations import Gap, HandshakeDelay
from replay.plan import After, Kind, Pace
from replay.planning import plan_from_capture
from replay.target import Target
from tests.integration.replay.sessions import Clock, replayed, said, sent
from tests.servers.witness import witnessing
from tests.unit.replay.captures import MS, Connection, capture_of, ns

C1, C2 = Connection("c1"), Connection("c2")
# A machine that has other things to do may be late; how late usually, benchmarks/lateness tells.
LATE_NS = 500 * MS
STAMPS = "ws://recorded.example/stamps"
HUNDRED = capture_of(
    C1.request(0, STAMPS),
    C1.response(2),
    [C1.sent(20 + 8 * number, f"message {number}") for number in range(100)],
    C1.left(900),
)
TALK = capture_of(
    C1.request(0, STAMPS),
    C1.response(2),
    C1.sent(30, "one"),
    C1.said(40, {"type": "seen", "n": 0, "at_ns": 1}),
    C1.sent(60, "two"),
    C1.sent(75, "three"),
    C1.left(150),
)


async def test_the_recorded_pace_does_not_drift(port: int) -> None:
    run = await replayed(HUNDRED, port, pace=Pace.RECORDED)
    recorded_ns = [ns(20 + 8 * n) for n in range(100)]
    planned_ns = [frame.planned_at_ns for frame in sent(run)]
    # A send is planned later only where the answer before it came late, and the next one is not.
    moved_ns = [at_ns - was_ns for at_ns, was_ns in zip(planned_ns, recorded_ns, strict=True)]
    assert min(moved_ns) == min(moved_ns[-20:]) == 0
    late_ns = [frame.at_ns - was_ns for frame, was_ns in zip(sent(run), recorded_ns, strict=True)]
    assert min(late_ns) >= 0
    # Drift would add up: ten late sends of 1 ms would make the last ones 10 ms late.
    assert min(late_ns[-20:]) < 5 * MS


@pytest.mark.parametrize("pace", list(Pace))
async def test_no_send_is_early_at_any_pace(port: int, pace: Pace) -> None:
    clock = Clock()
    run = await replayed(HUNDRED, port, pace=pace, clock=clock)
    assert len(send_lateness_ns(run)) == 102
    assert min(send_lateness_ns(run)) >= 0
    arrivals_ns = [json.loads(text)["at_ns"] - clock.began_ns for text in said(run)]
    planned_ns = [frame.planned_at_ns for frame in sent(run)]
    # Of a burst, the last answers may come after the client's goodbye.
    assert len(arrivals_ns) == 100 or pace is Pace.BURST
    assert all(a >= p for a, p in zip(arrivals_ns, planned_ns, strict=False))


async def test_causal_keeps_the_think_time_after_the_answer(port: int) -> None:
    run = await replayed(TALK, port)
    answered_ns = next(f.at_ns for f in run.events if getattr(f, "text", None) in said(run))
    _, two, three = sent(run)
    assert 0 <= two.at_ns - answered_ns - 20 * MS < LATE_NS
    assert 0 <= three.at_ns - two.at_ns - 15 * MS < LATE_NS


async def test_burst_sends_at_once(port: int) -> None:
    run = await replayed(TALK, port, pace=Pace.BURST)
    one, _, three = sent(run)
    assert three.at_ns - one.at_ns < LATE_NS
    assert len(said(run)) >= 1


async def test_an_answer_that_is_needed_is_waited_for() -> None:
    async with witnessing() as witness:
        session = capture_of(
            C1.opened(0), C1.said(10, "ticket-4711"), C1.sent(15, "ticket-4711"), C1.left(30)
        )
        run = await replayed(session, witness.port, pace=Pace.BURST, patience_s=0.2)
        assert sent(run) == []
        assert witness.only.messages() == []
        notes = [event.text for event in run.events if type(event).__name__ == "Note"]
        assert any("waited in vain" in note and "was dropped" in note for note in notes)


async def test_a_gap_is_as_long_as_it_says(port: int) -> None:
    plan = Gap("c1", 3, After(Kind.STEP, "c1", 2), 120 * MS).apply(plan_from_capture(TALK))
    run = await replayed(plan, port)
    two_ns, three_ns = (json.loads(str(text))["at_ns"] for text in said(run)[1:])
    assert -20 * MS < three_ns - two_ns - 120 * MS < LATE_NS


async def test_fragments_keep_their_offsets() -> None:
    session = capture_of(
        C1.opened(0),
        C1.sent(20, "one ", fin=False),
        C1.sent(60, "two ", opcode="continuation", fin=False),
        C1.sent(80, "three", opcode="continuation"),
        C1.sent(81, "next"),
        C1.left(100),
    )
    clock = Clock()
    async with witnessing() as witness:
        run = await replayed(session, witness.port, clock=clock)
    (one, two, three, following) = witness.only.messages()
    assert [each[1] for each in (one, two, three)] == [b"one ", b"two ", b"three"]
    assert following[1] == b"next"
    first, *rest = sent(run)[:3]
    assert [frame.planned_at_ns - first.at_ns for frame in rest] == [40 * MS, 60 * MS]
    assert min(send_lateness_ns(run)) >= 0
    began_ns = clock.began_ns
    assert all(
        at_ns - began_ns >= frame.planned_at_ns
        for (at_ns, _), frame in zip((one, two, three), sent(run), strict=False)
    )


async def test_the_server_sees_a_delayed_handshake() -> None:
    session = capture_of(C1.opened(0), C1.sent(20, "hi"), C1.left(40))
    plan = HandshakeDelay("c1", 150 * MS).apply(plan_from_capture(session))
    async with witnessing() as witness:
        run = await replayed(plan, witness.port, patience_s=0.1)
    waited_ns = witness.only.request_ns - witness.only.connected_ns
    assert -20 * MS < waited_ns - 150 * MS < LATE_NS
    request = next(event for event in run.events if isinstance(event, UpgradeRequest))
    assert request.connected_at_ns is not None
    assert request.at_ns - request.connected_at_ns >= 150 * MS
    assert [payload for _, payload in witness.only.messages()] == [b"hi"]


async def test_connections_are_interleaved_as_recorded(port: int) -> None:
    clock = Clock()
    c3 = Connection("c3")
    session = capture_of(
        [each.request(0, STAMPS) for each in (C1, C2, c3)],
        [each.response(2) for each in (C1, C2, c3)],
        [C1.sent(30 + 30 * n, "1") for n in range(4)],
        [C2.sent(40 + 30 * n, "2") for n in range(4)],
        [c3.sent(50 + 30 * n, "3") for n in range(4)],
        [each.left(200) for each in (C1, C2, c3)],
    )
    run = await replayed(session, port, pace=Pace.RECORDED, clock=clock)
    arrivals = sorted(
        (json.loads(str(text))["at_ns"], name)
        for name in ("c1", "c2", "c3")
        for text in said(run, name)
    )
    assert "".join(name[1] for _, name in arrivals) == "123" * 4


async def test_a_reconnect_follows_the_close_it_followed(port: int) -> None:
    session = capture_of(
        C1.opened(0),
        C1.sent(10, "a"),
        C1.left(30),
        C2.request(102, STAMPS),
        C2.response(104),
        C2.left(150),
    )
    run = await replayed(session, port)
    closed_ns = max(e.at_ns for e in run.of_connection("c1"))
    opened_ns = next(e.at_ns for e in run.of_connection("c2") if isinstance(e, UpgradeRequest))
    assert 0 <= opened_ns - closed_ns - 70 * MS < LATE_NS


async def test_answers_are_noted_in_their_time_while_sends_are_overdue(port: int) -> None:
    many = 2_000
    session = capture_of(
        C1.request(0, STAMPS),
        C1.response(2),
        [C1.sent(20 + number / 1_000, f"message {number}") for number in range(many)],
        C1.left(900),
    )
    run = await replayed(session, port, pace=Pace.RECORDED)
    answers = [frame for frame in run.events if getattr(frame, "text", None) in said(run)]
    assert len(sent(run)) == many
    assert answers[0].at_ns < sent(run)[-1].at_ns


async def test_what_came_is_in_the_file_while_the_run_waits(port: int, tmp_path: Path) -> None:
    session = capture_of(C1.request(0, STAMPS), C1.response(2), C1.sent(20, "one"), C1.left(60_000))
    plan, out = plan_from_capture(session), tmp_path / "run.capture"
    settings = RunSettings(Target(f"ws://127.0.0.1:{port}"), TokenSource())
    running = asyncio.create_task(run_live(plan, settings, out))
    async with asyncio.timeout(10):
        while not out.exists() or '"text":"one"' not in out.read_text():
            await asyncio.sleep(0.01)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

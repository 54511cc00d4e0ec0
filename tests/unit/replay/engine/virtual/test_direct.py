"""Runs by ASGI alone, from the plan to the record."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from capture.format.model import Capture, Frame, Note, TcpClose, UpgradeRequest
from replay.auth import TokenSource
from replay.determinism import first_difference
from replay.engine.live import RunSettings, run_live
from replay.engine.virtual.asgi_server import AsgiServer
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.uvicorn_server import UvicornServer, app_target
from replay.errors import NoToken
from replay.limits import STOPPED, Limits
from replay.oracles.transcript import transcripts
from replay.perturbations import Gap, Perturbation, perturbed
from replay.plan import After, Kind
from replay.planning import plan_from_capture
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
HOUR_MS = 3_600_000
RECORDED = capture_of(
    C1.opened(0),
    C1.sent(10, "one"),
    C1.said(40, "got one"),
    C1.sent(HOUR_MS, "two"),
    C1.said(HOUR_MS + 30, "got two"),
    C1.left(HOUR_MS + 40),
)
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]
ACCEPT = {"type": "websocket.accept"}


async def shop(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        return
    await receive()
    await send(ACCEPT)
    while (event := await receive())["type"] == "websocket.receive":
        await asyncio.sleep(0.03)
        await send({"type": "websocket.send", "text": f"got {event['text']}"})


async def chancy(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answers after a while, and with a word, that are by chance."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send(ACCEPT)
    while (await receive())["type"] == "websocket.receive":
        await asyncio.sleep(random.uniform(0, 0.05))
        await send({"type": "websocket.send", "text": f"{random.randrange(10**9)}"})


async def stays(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Accepts, and does nothing else, come what may."""
    await receive()
    await send(ACCEPT)
    await asyncio.sleep(1e6)


async def never(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await asyncio.sleep(1e6)


def runs(
    app: App,
    *seeds: int,
    edits: tuple[Perturbation, ...] = (),
    recorded: Capture = RECORDED,
    **settings: Any,  # noqa: ANN401
) -> list[Capture]:
    """The records of runs with these seeds, one after the other on one loop."""
    carrier = AsgiServer(UvicornServer(lambda: app))
    plan = perturbed(plan_from_capture(recorded), edits)

    async def main() -> list[Capture]:
        asked = [
            RunSettings(
                app_target("shop:app"), TokenSource(), carrier=carrier, seed=seed, **settings
            )
            for seed in seeds
        ]
        return [await run_live(plan, each) for each in asked]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def run(app: App, *edits: Perturbation, **settings: Any) -> Capture:  # noqa: ANN401
    return runs(app, 0, edits=edits, **settings)[0]


def notes(run: Capture) -> list[str]:
    return [event.text for event in run.events if isinstance(event, Note)]


def test_an_hour_is_over_at_once_and_every_event_in_its_time() -> None:
    replayed = run(shop)
    transcript = transcripts(replayed)["c1"]
    assert [reply.text for reply in transcript.replies] == ["got one", "got two"]
    assert transcript.ending.server_code == 1000
    # A round trip to connect, another until it is open; then what was recorded, and the way.
    times_ms = {step: at_ns / 1e6 for step, at_ns in transcript.steps_at_ns.items()}
    assert times_ms == pytest.approx({0: 0.5, 1: 10, 2: HOUR_MS, 3: HOUR_MS + 40}, abs=2)
    latencies_ms = [reply.latency_ns / 1e6 for reply in transcript.replies]
    assert latencies_ms == pytest.approx([30.5, 30.5], abs=0.01)


def test_sends_know_their_steps_and_are_not_late() -> None:
    sent = [
        (event.step, event.at_ns - event.planned_at_ns)
        for event in run(shop).events
        if isinstance(event, UpgradeRequest | Frame) and event.planned_at_ns is not None
    ]
    assert [step for step, _ in sent] == [0, 1, 2, 3]
    assert all(0 <= late_ns < 1_000 for _, late_ns in sent)


def test_a_run_can_be_planned_from_again() -> None:
    again = plan_from_capture(run(shop))
    assert [step.name for step in again.of("c1")] == [
        step.name for step in plan_from_capture(RECORDED).of("c1")
    ]


def test_the_same_seed_is_the_same_to_the_nanosecond_whatever_ran_between() -> None:
    first, other, _, again = runs(chancy, 7, 8, 9, 7)
    assert first_difference(first, again) is None
    words = [[reply.text for reply in transcripts(run)["c1"].replies] for run in (first, other)]
    assert words[0] != words[1]


def test_a_plan_goes_by_its_edits() -> None:
    replayed = run(shop, Gap("c1", 2, After(Kind.STEP, "c1", 1), 1_000_000))
    steps_ms = {s: ns / 1e6 for s, ns in transcripts(replayed)["c1"].steps_at_ns.items()}
    assert steps_ms[2] - steps_ms[1] == pytest.approx(1, abs=0.01)


def test_a_step_that_waits_in_vain_goes_on() -> None:
    replayed = run(stays, patience_s=2)
    assert any("c1 step 2 (message) waited in vain" in note for note in notes(replayed))
    # And nobody waits for an end that does not come.
    assert [event.how for event in replayed.events if isinstance(event, TcpClose)] == ["timeout"]


def test_who_gets_no_answer_to_the_handshake_leaves() -> None:
    replayed = run(never, patience_s=2)
    assert transcripts(replayed)["c1"].status is None
    assert any("waited in vain for c1 open" in note for note in notes(replayed))


def test_a_limit_ends_the_run() -> None:
    replayed = run(shop, limits=Limits(max_sends_per_s=1))
    assert any(note.startswith(STOPPED) for note in notes(replayed))
    assert any(note == "the replay was interrupted" for note in notes(replayed))


def test_what_is_raised_while_the_client_acts_ends_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raises(*_: object) -> None:
        raise NoToken("there is none")

    monkeypatch.setattr("replay.engine.run_state.RunState.filled_payloads", raises)
    carrier = AsgiServer(UvicornServer(lambda: shop))
    settings = RunSettings(app_target("shop:app"), TokenSource(), carrier=carrier)

    async def main() -> str:
        with pytest.raises(NoToken, match="there is none"):
            await run_live(plan_from_capture(RECORDED), settings)
        # The loop goes on, and so may the program.
        await asyncio.sleep(1)
        return "went on"

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == "went on"


def test_the_collector_rests_while_a_run_goes_on_and_no_longer() -> None:
    enabled: list[bool] = []

    async def watches(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        enabled.append(gc.isenabled())

    run(watches)
    assert enabled[-1] is False
    assert gc.isenabled()


def test_the_server_hears_of_the_end_after_the_run() -> None:
    heard: list[dict[str, Any]] = []

    async def listens(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send(ACCEPT)
        while (event := await receive())["type"] == "websocket.receive":
            pass
        await asyncio.sleep(1)
        heard.append(event)

    run(listens, patience_s=0.1)
    assert heard == [{"type": "websocket.disconnect", "code": 1000, "reason": ""}]

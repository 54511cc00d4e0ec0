"""Runs against applications in this process: no socket, no waiting, and uvicorn's own behaviour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from capture.format.model import Capture, Direction, Frame, TcpClose, UpgradeResponse
from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.uvicorn_server import UvicornServer, app_target
from replay.errors import ReplayError
from replay.oracles.transcript import transcripts
from replay.perturbations import Gap, Perturbation, Reset, perturbed
from replay.plan import After, Kind
from replay.planning import plan_from_capture
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
DAY_MS = 86_400_000
TARGET = app_target("shop:app")
RECORDED = capture_of(
    C1.request(0, "ws://recorded.example/ws"),
    C1.response(2),
    C1.sent(10, "one"),
    C1.said(40, "got one"),
    C1.sent(DAY_MS, "two"),
    C1.said(DAY_MS + 30, "got two"),
    C1.left(DAY_MS + 40),
)


async def shop(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            text = await socket.receive_text()
            await asyncio.sleep(0.03)
            await socket.send_text(f"got {text}")
    except WebSocketDisconnect:
        pass


def app_of(serve: Callable[[WebSocket], Any], lifespan: Any = None) -> Starlette:  # noqa: ANN401
    return Starlette(routes=[WebSocketRoute("/ws", serve)], lifespan=lifespan)


def run(
    app: Starlette, *edits: Perturbation, recorded: Capture = RECORDED, **options: object
) -> Capture:
    server = UvicornServer(lambda: app, options)
    settings = RunSettings(TARGET, TokenSource(), carrier=server)
    plan = perturbed(plan_from_capture(recorded), edits)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run_live(plan, settings))


def said(run: Capture) -> list[str]:
    return [
        event.text or ""
        for event in run.events
        if isinstance(event, Frame) and event.direction is Direction.SERVER_TO_CLIENT and event.text
    ]


def test_a_day_is_over_at_once() -> None:
    replayed = run(app_of(shop))
    assert said(replayed) == ["got one", "got two"]
    ended_ms = max(event.at_ns for event in replayed.events) / 1e6
    assert ended_ms == pytest.approx(DAY_MS + 40, abs=10)
    assert transcripts(replayed)["c1"].ending.server_code == 1000


def test_the_same_again_to_the_nanosecond() -> None:
    first, again = run(app_of(shop)), run(app_of(shop))

    def told(run: Capture) -> list[tuple[Any, ...]]:
        # Pings hold what chance put there.
        return [
            (type(event).__name__, event.at_ns, getattr(event, "text", None))
            for event in run.events
        ]

    assert told(first) == told(again)


def test_the_server_pings_as_uvicorn_does() -> None:
    minute = capture_of(C1.request(0, "ws://h/ws"), C1.response(2), C1.left(65_000))
    replayed = run(app_of(shop), recorded=minute, ws_ping_interval=20.0)
    pings_s = [
        event.at_ns / 1e9
        for event in replayed.events
        if isinstance(event, Frame) and event.opcode == "ping"
    ]
    assert pings_s == pytest.approx([20, 40, 60], abs=0.01)


def test_a_client_that_answers_no_ping_is_closed() -> None:
    async def deaf(socket: WebSocket) -> None:
        # uvicorn reads no pong while one message waits to be read.
        await socket.accept()
        await asyncio.sleep(300)

    long = capture_of(
        C1.request(0, "ws://h/ws"), C1.response(2), C1.sent(10, "one"), C1.left(90_000)
    )
    ending = transcripts(run(app_of(deaf), recorded=long))["c1"].ending
    assert (ending.server_code, ending.server_reason) == (1011, "keepalive ping timeout")


def test_an_exception_is_a_refusal_or_a_close_and_in_the_log() -> None:
    async def fails(socket: WebSocket) -> None:
        await socket.receive_text()

    server = UvicornServer(lambda: app_of(fails))
    settings = RunSettings(TARGET, TokenSource(), carrier=server)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        replayed = runner.run(run_live(plan_from_capture(RECORDED), settings))
    statuses = [event.status for event in replayed.events if isinstance(event, UpgradeResponse)]
    assert statuses == [500]
    assert any("Need to call" in line for line in server.log.new_lines())


def test_a_client_may_be_gone_without_a_word() -> None:
    heard: list[object] = []

    async def listens(socket: WebSocket) -> None:
        await socket.accept()
        try:
            await socket.receive_text()
            await asyncio.sleep(0.03)
            await socket.receive_text()
        except WebSocketDisconnect as left:
            heard.append(left.code)

    reset = Reset("c1", 2, After(Kind.STEP, "c1", 1), 5_000_000)
    replayed = run(app_of(listens), reset)
    # What uvicorn makes of a reset.
    assert heard == [1005]
    ends = [event for event in replayed.events if isinstance(event, TcpClose)]
    assert ends[0].how == "reset"


def test_a_race_shows_under_another_timing() -> None:
    async def forgets(socket: WebSocket) -> None:
        await socket.accept()
        last_s = -1.0
        try:
            while True:
                text, now_s = await socket.receive_text(), asyncio.get_running_loop().time()
                if now_s - last_s > 0.05:
                    await asyncio.sleep(0.03)
                    await socket.send_text(f"got {text}")
                last_s = now_s
        except WebSocketDisconnect:
            pass

    after = After(Kind.STEP, "c1", 1)
    assert said(run(app_of(forgets))) == ["got one", "got two"]
    assert said(run(app_of(forgets), Gap("c1", 2, after, 40_000_000))) == ["got one"]


def test_each_run_has_its_own_lifespan_and_leaves_nothing_running() -> None:
    lives: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async def forever() -> None:
            try:
                await asyncio.sleep(1e9)
            finally:
                lives.append("work ended")

        app.state.task = asyncio.create_task(forever())
        lives.append("began")
        yield
        lives.append("ended")

    app = app_of(shop, lifespan)
    run(app)
    run(app)
    assert lives == ["began", "ended", "work ended"] * 2


def test_an_application_that_does_not_start() -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        raise LookupError("no database")
        yield

    with pytest.raises(ReplayError, match="its lifespan failed: LookupError: no database"):
        run(app_of(shop, lifespan))


def test_a_lifespan_that_never_ends_is_cut_off() -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.Event().wait()

    assert said(run(app_of(shop, lifespan))) == said(run(app_of(shop)))


def test_a_task_that_does_not_let_itself_be_cancelled_ends_with_its_run() -> None:
    going: list[asyncio.Task[None]] = []

    async def stays() -> None:
        while True:
            try:
                await asyncio.sleep(0.5)
            except asyncio.CancelledError:
                continue

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        going.append(asyncio.create_task(stays()))
        yield

    assert said(run(app_of(shop, lifespan))) == said(run(app_of(shop)))
    assert [task.done() for task in going] == [True]


def test_an_option_that_uvicorn_does_not_know() -> None:
    with pytest.raises(ReplayError, match=r"uvicorn does not take these options: .*'colour'"):
        run(app_of(shop), colour="red")


@pytest.mark.parametrize(
    ("option", "value"), [("ws_ping_interval", "often"), ("ws_max_queue", 1.5), ("port", "x")]
)
def test_an_option_of_another_type(option: str, value: object) -> None:
    with pytest.raises(ReplayError, match=f"these options: {option} is {value!r}: Expected"):
        run(app_of(shop), **{option: value})


def test_options_of_all_types() -> None:
    options = {"ws_ping_interval": None, "ws_ping_timeout": 7, "log_level": "info"}
    run(app_of(shop), proxy_headers=False, **options)


def test_an_application_may_say_how_it_is_served() -> None:
    app = app_of(shop)
    app.uvicorn_options = {"ws_ping_interval": 7.0}  # type: ignore[attr-defined]
    short = capture_of(C1.request(0, "ws://h/ws"), C1.response(2), C1.left(10_000))
    opcodes = [e.opcode for e in run(app, recorded=short).events if isinstance(e, Frame)]
    assert opcodes[:2] == ["ping", "pong"]


def test_it_needs_a_time_that_jumps() -> None:
    settings = RunSettings(TARGET, TokenSource(), carrier=UvicornServer(lambda: app_of(shop)))
    with pytest.raises(TypeError, match="needs a VirtualLoop"):
        asyncio.run(run_live(plan_from_capture(RECORDED), settings))


def test_its_name_is_what_is_written_down() -> None:
    assert TARGET.shown == "shop:app"

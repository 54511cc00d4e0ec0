"""`--app`: an application of the user's own, in this process, in a time that jumps."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from capture.format.model import Frame, Secret, TcpClose
from capture.format.reader import read_capture
from replay.timers import timers_of
from tests.integration.deadheat.command_line import (
    COMMAND,
    deadheat,
    environment,
    last_line,
    one_clear_line,
)
from tests.integration.replay.sessions import saved
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
# What the application does between is slow, which no real second is spent on.
SESSION = capture_of(
    C1.request(0, "ws://recorded.example/ws"),
    C1.response(2),
    C1.sent(10, "log in"),
    C1.said(12, "welcome"),
    C1.sent(20_000, "order"),
    C1.said(20_040, "ordered"),
    C1.sent(60_000, "pay"),
    C1.said(60_030, "paid"),
    C1.left(60_100),
)

# Plain ASGI, and work for a thread.
SHOP = """
import asyncio, logging

def look_up(text):
    return {"log in": "welcome", "order": "ordered", "pay": "paid"}[text]

async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    stock = None
    while (message := await receive())["type"] == "websocket.receive":
        text = message["text"]
        if text == "pay" and stock is None:
            logging.getLogger("shop").error("paid for what is not booked")
            continue
        answer = await asyncio.to_thread(look_up, text)
        await send({"type": "websocket.send", "text": answer})
        if text == "order":
            # Booked a while after it was confirmed.
            loop = asyncio.get_running_loop()
            def book():
                nonlocal stock
                stock = 1
            loop.call_later(0.5 * BOOKS, book)
            if not BOOKS:
                book()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    saved(SESSION, tmp_path / "shop.capture.jsonl")
    (tmp_path / "broken_shop.py").write_text(SHOP.replace("BOOKS", "1"))
    (tmp_path / "mended_shop.py").write_text(SHOP.replace("BOOKS", "0"))
    return tmp_path


FIDELITIES = pytest.mark.parametrize("fidelity", ["asgi", "uvicorn"])


@FIDELITIES
def test_a_replay(fidelity: str, folder: Path) -> None:
    run = folder / "run.capture.jsonl"
    done = deadheat(
        *("replay", "shop.capture.jsonl", "--app", "mended_shop:app", "--fidelity", fidelity),
        *("--out", run),
        cwd=folder,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "not as recorded" not in done.stdout
    events = read_capture(run).events
    texts = [event.text for event in events if isinstance(event, Frame) and event.text]
    assert texts == ["log in", "welcome", "order", "ordered", "pay", "paid"]
    # Its own time-outs are known, to the line that sets them.
    assert "mended_shop.py:18" in {timer.site for timer in timers_of(read_capture(run))}
    about = read_capture(run).header.about
    assert (about["target"], about["fidelity"]) == ("mended_shop:app", fidelity)


@FIDELITIES
def test_a_hunt_finds_what_is_confirmed_before_it_is_done(fidelity: str, folder: Path) -> None:
    done = deadheat(
        *(
            "hunt",
            "--fidelity",
            fidelity,
            "shop.capture.jsonl",
            "--app",
            "broken_shop:app",
            "--out",
            "hunt",
            "--json",
            "--stop-at-first",
        ),
        cwd=folder,
    )
    found = last_line(done)
    assert found["verdict"] == "reproduced"
    window = found["finding"]["window"]
    assert (window["connection"], window["step"], window["low_ms"]) == ("c1", 3, 0.0)
    assert window["high_ms"] == pytest.approx(500, rel=0.05)
    assert found["finding"]["rate"]["failures"] == found["finding"]["rate"]["runs"]
    assert found["control"]["failures"] == 0
    assert "not booked" in found["finding"]["symptom"]["detail"]
    again = deadheat(
        *("replay", "shop.capture.jsonl", "--app", "broken_shop:app", "--json"),
        *("--plan", "hunt/finding.json", "--out", "again.capture.jsonl"),
        cwd=folder,
    )
    assert (again.returncode, '"paid"' in again.stdout) == (0, False)


def test_a_hunt_in_two_processes_comes_to_the_same(folder: Path) -> None:
    found = []
    for out in ("once", "twice"):
        done = deadheat(
            *("hunt", "shop.capture.jsonl", "--app", "broken_shop:app", "--out", out, "--json"),
            *("--parallel", "2", "--budget", "120"),
            cwd=folder,
        )
        found.append(last_line(done)["findings"])
        runs = sorted((folder / out / "runs").iterdir())
        assert all(re.fullmatch(r"\d{4}\.capture\.jsonl", run.name) for run in runs)
        assert len(runs) == last_line(done)["runs"]
    assert found[0] == found[1]
    (finding,) = found[0]
    assert finding["symptom"]["detail"].endswith("paid for what is not booked")


@FIDELITIES
def test_a_hunt_accuses_no_healthy_application(fidelity: str, folder: Path) -> None:
    done = deadheat(
        *("hunt", "shop.capture.jsonl", "--app", "mended_shop:app", "--out", "hunt", "--json"),
        *("--fidelity", fidelity, "--budget", "200"),
        cwd=folder,
    )
    assert last_line(done)["verdict"] == "not reproduced"
    runs = [read_capture(path) for path in (folder / "hunt" / "runs").glob("*.capture.jsonl")]
    carried = {run.header.about["fidelity"] for run in runs}
    # What needs bytes went by uvicorn's protocols all the same.
    assert carried == {"uvicorn", fidelity}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--app", "nowhere:app"), "there is no module 'nowhere'"),
        (("--app", "mended_shop"), "expected module:attribute"),
        (("--app", "mended_shop:app", "--target", "ws://127.0.0.1:1"), "pass one"),
        (("--app", "mended_shop:app", "--log", "some.log"), "is heard without it"),
        (("--app", "mended_shop:app", "--server-option", "colour"), "expected NAME=VALUE"),
        (
            ("--app", "mended_shop:app", "--server-option", "colour=1"),
            "does not take these options",
        ),
        (("--target", "ws://127.0.0.1:1", "--server-option", "a=1"), "is for --app"),
        (("--target", "ws://127.0.0.1:1", "--fidelity", "asgi"), "--fidelity is for --app"),
        ((), "pass --target ws://host:port, or --app module:app"),
    ],
)
@pytest.mark.parametrize("command", ["replay", "hunt"])
def test_what_cannot_be_done(
    command: str, arguments: tuple[str, ...], reason: str, folder: Path
) -> None:
    done = deadheat(command, "shop.capture.jsonl", *arguments, "--out", "out", cwd=folder)
    assert reason in one_clear_line(done)
    assert not (folder / "out").exists()


# Somebody watches a board, and is told what it has and what is put up after that.
BOARD = """
import asyncio, json

def make():
    items, watchers = [], set()

    async def app(scope, receive, send):
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})

        async def say(to, **fields):
            await to({"type": "websocket.send", "text": json.dumps(fields)})

        while (message := await receive())["type"] == "websocket.receive":
            asked = json.loads(message["text"])
            if asked["type"] == "put":
                items.append(asked["item"])
                for watcher in list(watchers):
                    await say(watcher, type="item", item=asked["item"])
                await say(send, type="ok")
            elif asked["type"] == "watch":
                if ATOMIC:
                    watchers.add(send)
                await say(send, type="board", items=list(items))
                await asyncio.sleep(0.04)
                watchers.add(send)
        watchers.discard(send)

    return app
"""
C2 = Connection("c2")
WATCHED = capture_of(
    C1.opened(0),
    C2.opened(100),
    C1.sent(300, {"type": "watch"}),
    C1.said(302, {"type": "board", "items": []}),
    C2.sent(900, {"type": "put", "item": "a"}),
    C1.said(902, {"type": "item", "item": "a"}),
    C2.said(902, {"type": "ok"}),
    C2.left(1_200),
    C1.left(1_600),
)


@pytest.mark.parametrize("is_atomic", [True, False])
def test_what_is_put_up_between_the_board_and_the_watching(is_atomic: bool, tmp_path: Path) -> None:
    """Before the board it is on the board, after it is told: only in between it is lost."""
    saved(WATCHED, tmp_path / "board.capture.jsonl")
    (tmp_path / "board.py").write_text(BOARD.replace("ATOMIC", str(is_atomic)))
    done = deadheat(
        *("hunt", "board.capture.jsonl", "--app", "board:make", "--out", "hunt", "--json"),
        *("--budget", "400"),
        cwd=tmp_path,
    )
    answer = last_line(done)
    if is_atomic:
        assert answer["verdict"] == "not reproduced", answer["findings"]
        return
    (finding,) = answer["findings"]
    assert finding["symptom"]["detail"] == 'c1: the type="item" message did not come'
    window = finding["window"]
    assert window["low_ms"] == pytest.approx(0, abs=1)
    assert window["high_ms"] == pytest.approx(40, abs=2)
    # A report can be made of whatever was tried.
    assert deadheat("report", "hunt", "--out", "hunt.html", cwd=tmp_path).returncode == 0


# Whoever says nothing for a while is told so and put out, and rightly.
IDLE = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    try:
        while True:
            message = await asyncio.wait_for(receive(), 1.2)
            if message["type"] != "websocket.receive":
                return
            await send({"type": "websocket.send", "text": "heard"})
    except TimeoutError:
        await send({"type": "websocket.send", "text": '{"type": "idle"}'})
        await send({"type": "websocket.close", "code": 4408, "reason": "idle"})
"""


def test_who_is_too_late_for_good_meets_no_race(tmp_path: Path) -> None:
    talk = capture_of(
        C1.opened(0),
        *(each for at in (300, 800) for each in (C1.sent(at, "x"), C1.said(at + 2, "heard"))),
        C1.left(1_100),
    )
    saved(talk, tmp_path / "idle.capture.jsonl")
    (tmp_path / "idle_app.py").write_text(IDLE)
    done = deadheat(
        *("hunt", "idle.capture.jsonl", "--app", "idle_app:app", "--out", "hunt", "--json"),
        *("--budget", "400"),
        cwd=tmp_path,
    )
    assert last_line(done)["verdict"] == "not reproduced", done


BAD = """
import time

async def blocks(scope, receive, send):
    if scope["type"] == "websocket":
        print("blocked", flush=True)
        while True:
            pass

def refuses():
    raise RuntimeError("not today")

async def made_later():
    return blocks
"""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("bad_app:refuses",), "the application's factory failed: RuntimeError: not today"),
        (("bad_app:made_later",), "bad_app:made_later is an async function"),
        (("bad_app:blocks", "--server-option", "ws=nonsense"), "uvicorn does not take"),
        (("bad_app:blocks", "--restart-command", "true"), "--restart-command is for a target"),
    ],
)
def test_an_application_that_cannot_be_had_is_told_of(
    arguments: tuple[str, ...], complaint: str, folder: Path
) -> None:
    (folder / "bad_app.py").write_text(BAD)
    done = deadheat(
        *("hunt", "shop.capture.jsonl", "--out", "hunt", "--app", *arguments), cwd=folder
    )
    assert complaint in one_clear_line(done)


@pytest.mark.parametrize(
    ("by", "status", "called"),
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")],
)
def test_an_application_that_never_lets_go_can_be_ended(
    by: signal.Signals, status: int, called: str, folder: Path
) -> None:
    (folder / "bad_app.py").write_text(BAD)
    with subprocess.Popen(
        [*COMMAND, "hunt", "shop.capture.jsonl", "--app", "bad_app:blocks", "--out", "hunt"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(),
    ) as stuck:
        assert stuck.stdout is not None
        assert stuck.stdout.readline() == "blocked\n"
        stuck.send_signal(by)
        _, complaint = stuck.communicate(timeout=30)
    assert stuck.returncode == status
    assert complaint.endswith(f"deadheat: {called}; what it was at went on for 5 s more\n")


TELLTALE = (
    SHOP.replace(
        "text = message", "logging.getLogger('shop').warning(str(message)); text = message"
    )
    .replace("BOOKS", "0")
    .replace('"pay": "paid"}[text]', '"pay": "paid"}.get(text, "no")')
)


def test_no_secret_of_the_log_is_written_down(folder: Path) -> None:
    secret = "hunter2PASSWORD"
    recorded = capture_of(
        C1.request(0, secrets=(Secret(id="s1", kind="password", where="message"),)),
        C1.response(2),
        C1.sent(10, "log in"),
        C1.said(12, "welcome"),
        C1.sent(20, "{{deadheat:password:s1}}"),
        C1.left(200),
    )
    saved(recorded, folder / "secret.capture.jsonl")
    (folder / "telltale.py").write_text(TELLTALE)
    for more in ((), ("--parallel", "2")):
        deadheat(
            *("hunt", "secret.capture.jsonl", "--app", "telltale:app", "--out", "hunt"),
            *("--overwrite", "--budget", "40", "--secret", "s1=MY_SECRET", *more),
            cwd=folder,
            env={"MY_SECRET": secret},
        )
        table = (folder / "hunt/runs.jsonl").read_text()
        assert "{{deadheat:password:s1}}" in table
        assert not [p for p in (folder / "hunt").rglob("*.json*") if secret in p.read_text()]


@FIDELITIES
def test_an_edge_before_the_application_cuts_what_lasts_too_long(
    fidelity: str, folder: Path
) -> None:
    run = folder / "run.capture.jsonl"
    done = deadheat(
        *("replay", "shop.capture.jsonl", "--app", "mended_shop:app", "--fidelity", fidelity),
        *("--edge", "request_timeout_s=30", "--out", run),
        cwd=folder,
    )
    assert "c1 ended by the server, the server sent no Close frame" in done.stdout
    ended = [event for event in read_capture(run).events if isinstance(event, TcpClose)]
    assert [end.at_ns / 1e9 for end in ended] == pytest.approx([30, 30], abs=0.01)
    # Bytes pass it, whichever fidelity was asked for.
    assert read_capture(run).header.about["fidelity"] == "uvicorn"


def test_a_limit_that_no_edge_has_is_told_in_one_line(folder: Path) -> None:
    done = deadheat(
        *("replay", "shop.capture.jsonl", "--app", "mended_shop:app", "--edge", "timeout=3"),
        *("--out", "run.capture.jsonl"),
        cwd=folder,
    )
    assert "expected NAME=VALUE with one of request_timeout_s" in one_clear_line(done)

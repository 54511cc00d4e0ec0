"""`--app`: an application of the user's own, in this process, in a time that jumps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from capture.format.model import Frame
from capture.format.reader import read_capture
from replay.timers import timers_of
from tests.integration.deadheat.command_line import deadheat, last_line, one_clear_line
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

"""Two connections and something that both change: another order gives another answer, rightly.

The same applications with a race in them are found.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.format.model import Capture
from tests.integration.deadheat.command_line import deadheat, last_line
from tests.integration.replay.sessions import saved
from tests.unit.replay.captures import Connection, capture_of

C1, C2 = Connection("c1"), Connection("c2")

COUNTER = """
import asyncio, contextlib, json

def make():
    count, lock = 0, LOCK

    async def app(scope, receive, send):
        nonlocal count
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            async with lock:
                read = count
                await asyncio.sleep(0.1)
                count = read + 1
                await send({"type": "websocket.send", "text": json.dumps({"v": read + 1})})

    return app
"""

# Whoever joins gets what was said before, and then what is said.
ROOM = """
import asyncio, json

def make():
    members, history = {}, []

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        name = object()
        JOIN
        while (event := await receive())["type"] == "websocket.receive":
            history.append(event["text"])
            message = json.dumps({"type": "said", "text": event["text"]})
            for tell in list(members.values()):
                try:
                    await tell({"type": "websocket.send", "text": message})
                except OSError:
                    continue
        members.pop(name, None)

    return app
"""
LOADS_FIRST = """
        said = list(history)
        await asyncio.sleep(0.12)
        await send({"type": "websocket.send", "text": json.dumps({"said": said})})
        members[name] = send
"""
LOADS_LAST = """
        await asyncio.sleep(0.12)
        members[name] = send
        await send({"type": "websocket.send", "text": json.dumps({"said": list(history)})})
"""


def counting() -> Capture:
    return capture_of(
        C1.opened(0, 2),
        C2.opened(200, 202),
        *(C1.sent(at_ms, "+") for at_ms in (300, 700, 1_100)),
        *(C1.said(at_ms + 100, {"v": v}) for at_ms, v in ((300, 1), (700, 3), (1_100, 5))),
        *(C2.sent(at_ms, "+") for at_ms in (500, 900)),
        *(C2.said(at_ms + 100, {"v": v}) for at_ms, v in ((500, 2), (900, 4))),
        C2.left(1_800),
        C1.left(2_000),
    )


def chatting() -> Capture:
    def heard(at_ms: float, text: str) -> list[object]:
        return [each.said(at_ms, {"type": "said", "text": text}) for each in (C1, C2)]

    return capture_of(
        C1.opened(0, 2),
        C1.said(122, {"said": []}),
        C2.opened(200, 202),
        C1.sent(310, "a"),
        C1.said(312, {"type": "said", "text": "a"}),
        C2.said(322, {"said": ["a"]}),
        C2.sent(500, "x"),
        heard(502, "x"),
        C1.sent(800, "b"),
        heard(802, "b"),
        C2.left(1_800),
        C1.left(2_300),
    )


@pytest.mark.parametrize("fidelity", ["asgi", "uvicorn"])
@pytest.mark.parametrize(
    ("source", "session", "is_racy"),
    [
        (COUNTER.replace("LOCK", "asyncio.Lock()"), counting(), False),
        (COUNTER.replace("LOCK", "contextlib.nullcontext()"), counting(), True),
        (ROOM.replace("JOIN", LOADS_LAST.strip()), chatting(), False),
        (ROOM.replace("JOIN", LOADS_FIRST.strip()), chatting(), True),
    ],
    ids=["locked counter", "counter", "room", "room that loads first"],
)
def test_another_order_is_no_race(
    source: str, session: Capture, is_racy: bool, fidelity: str, tmp_path: Path
) -> None:
    saved(session, tmp_path / "session.capture.jsonl")
    (tmp_path / "shared.py").write_text(source)
    done = deadheat(
        *("hunt", "session.capture.jsonl", "--app", "shared:make", "--fidelity", fidelity),
        *("--out", "hunt", "--json"),
        cwd=tmp_path,
    )
    answer = last_line(done)
    assert answer["verdict"] == ("reproduced" if is_racy else "not reproduced"), answer
    is_noted = any("which is no race: c" in reason for reason in answer["reasons"])
    assert is_noted or is_racy, answer
    kinds = {finding["symptom"]["kind"] for finding in answer["findings"]}
    assert kinds <= {"missing", "changed"}, answer

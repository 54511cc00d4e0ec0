"""How many runs a second an application in this process takes by each fidelity, and what is kept.

python -m benchmarks.virtual --runs 2000

A plain ASGI application, a session of 20 messages and 30 seconds; no file is written. The
fidelities take turns, so that other load on the machine meets both. A share of the runs is
measured in two processes at a time. RSS is that of a process after a tenth of its runs, and at
the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from capture.format.model import (
    FORMAT,
    VERSION,
    Capture,
    Direction,
    Event,
    Frame,
    Header,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
    Vantage,
)
from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.engine.virtual.asgi_server import AsgiServer
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.uvicorn_server import UvicornServer, app_target
from replay.oracles.transcript import transcripts
from replay.planning import plan_from_capture

EXCHANGES, SESSION_S = 10, 30
ROUNDS = 10
MS = 1_000_000
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Acknowledge every message."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        number = json.loads(event["text"])["n"]
        await send({"type": "websocket.send", "text": json.dumps({"ack": number})})


def session() -> Capture:
    """Twenty messages, and a Close each way."""
    header = Header(
        format=FORMAT,
        version=VERSION,
        vantage=Vantage.EDGE,
        started_at="2026-01-01T00:00:00.000000Z",
        recorder="a benchmark",
    )
    return Capture(header=header, events=tuple(_events()))


def _events() -> Iterator[Event]:
    url, ends_ms = "ws://recorded.example/ws", SESSION_S * 1_000
    yield UpgradeRequest(at_ns=0, connection="c1", url=url, headers=())
    yield UpgradeResponse(at_ns=2 * MS, connection="c1", status=101, headers=())
    for number in range(EXCHANGES):
        at_ms = 1_000 + number * (ends_ms // EXCHANGES)
        yield _frame(Side.CLIENT, at_ms, "text", json.dumps({"n": number}))
        yield _frame(Side.SERVER, at_ms + 5, "text", json.dumps({"ack": number}))
    yield _frame(Side.CLIENT, ends_ms, "close", None)
    yield _frame(Side.SERVER, ends_ms + 1, "close", None)
    for side in (Side.SERVER, Side.CLIENT):
        yield TcpClose(at_ns=(ends_ms + 2) * MS, connection="c1", side=side, how="fin")  # type: ignore[arg-type]


def _frame(by: Side, at_ms: int, opcode: str, text: str | None) -> Frame:
    is_client = by is Side.CLIENT
    return Frame(
        at_ns=at_ms * MS,
        connection="c1",
        direction=Direction.CLIENT_TO_SERVER if is_client else Direction.SERVER_TO_CLIENT,
        opcode=opcode,
        fin=True,
        masked=is_client,
        wire_length=20,
        first_byte_at_ns=at_ms * MS,
        text=text,
        close_code=1000 if opcode == "close" else None,
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """How long runs took, and what the process kept after a tenth of them and at the end."""

    runs: int
    seconds: float
    early_kib: int
    late_kib: int

    @property
    def per_s(self) -> float:
        return self.runs / self.seconds


def carried(fidelity: str, runs: int) -> Taken:
    """Carry the session out so often, on one loop."""
    server = UvicornServer(lambda: app)
    carrier = AsgiServer(server) if fidelity == "asgi" else server
    settings = RunSettings(app_target("app"), TokenSource(), carrier=carrier)
    plan = plan_from_capture(session())

    async def main() -> Taken:
        run = await run_live(plan, settings)
        if len(transcripts(run)["c1"].replies) != EXCHANGES:
            raise SystemExit("the session did not go as recorded")
        early_kib, began_s = rss_kib(), time.perf_counter()
        for number in range(runs):
            await run_live(plan, settings)
            if number == runs // 10:
                early_kib = rss_kib()
        return Taken(runs, time.perf_counter() - began_s, early_kib, rss_kib())

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def rss_kib() -> int:
    """Return what this process has in memory; 0 where nobody says."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * 4


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--runs", type=int, default=2_000, help="of the faster fidelity")
    options = parser.parse_args()
    part = max(10, options.runs // ROUNDS)
    asgi, uvicorn = [], []
    for _ in range(ROUNDS):
        asgi.append(carried("asgi", part))
        uvicorn.append(carried("uvicorn", max(5, part // 5)))
    ratios = [fast.per_s / slow.per_s for fast, slow in zip(asgi, uvicorn, strict=True)]
    print(f"Python {sys.version.split()[0]}; median of {ROUNDS} rounds (least to most)")
    for name, taken in (("asgi", asgi), ("uvicorn", uvicorn)):
        rates = sorted(each.per_s for each in taken)
        middle = median(rates)
        print(
            f"{name:8} {middle:7,.0f} runs/s ({rates[0]:,.0f} to {rates[-1]:,.0f}), "
            f"{middle * SESSION_S:,.0f} x real time"
        )
    print(f"ratio    {median(ratios):7.1f} ({min(ratios):.1f} to {max(ratios):.1f})")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        both = [pool.submit(carried, "asgi", options.runs // 2) for _ in range(2)]
        taken = [each.result() for each in both]
    print(f"two processes, asgi: {sum(each.per_s for each in taken):,.0f} runs/s together")
    for each in taken:
        grown_kib = each.late_kib - each.early_kib
        print(f"  RSS {each.late_kib:,} KiB after {each.runs:,} runs, {grown_kib:+,} since a tenth")


if __name__ == "__main__":
    main()

"""Who unsubscribes while a price is on its way loses the connection."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target

EVERY_MS, ASK_MS = 300, 120


async def session(url: str) -> None:
    async with connect(f"{url}/ticker") as trader:
        await expect(trader, "connected")
        await pause(40)
        await say(trader, type="subscribe", pair="EURUSD")
        await expect(trader, "subscribed")
        await expect(trader, "price")
        await pause(60)
        await say(trader, type="unsubscribe", pair="EURUSD")
        await expect(trader, "unsubscribed")
        await pause(250)


TARGET = Target(
    name="ticker",
    make="Quart on hypercorn",
    protocol="A trader subscribes to a pair, gets its price now and then, and unsubscribes.",
    race="A price is asked for every 300 ms, for 120 ms: to unsubscribe then is fatal.",
    server="ticker.py",
    needs=("quart", "hypercorn"),
    session=session,
    windows=tuple(
        KnownWindow("c1", 2, after, number * EVERY_MS, number * EVERY_MS + ASK_MS)
        for after in ("c1 step 1", "c1 message 1: type=subscribed")
        for number in range(1, 14)
    )
    + tuple(
        KnownWindow("c1", 2, "c1 message 1: type=price", n * EVERY_MS - ASK_MS, n * EVERY_MS)
        for n in range(1, 14)
    ),
    symptoms=frozenset({"closed", "missing"}),
)

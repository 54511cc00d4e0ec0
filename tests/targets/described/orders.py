"""An order is cancelled that was accepted, and not yet written."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target


async def session(url: str) -> None:
    async with connect(f"{url}/orders") as trader:
        await expect(trader, "welcome")
        await pause(50)
        await say(trader, type="place", side="buy", quantity=20)
        order = (await expect(trader, "accepted"))["order"]
        await pause(330)
        await say(trader, type="cancel", order=order)
        await expect(trader, "cancelled")
        await pause(220)


TARGET = Target(
    name="orders",
    make="websocket on Node",
    protocol="A trader places an order and cancels it, among quotes at odd times.",
    race="An order is in the book 120 ms after it was accepted.",
    server="orders.js",
    needs=("websocket",),
    session=session,
    windows=(
        KnownWindow("c1", 2, "c1 message 1: type=accepted", 0, 120),
        KnownWindow("c1", 2, "c1 step 1", 0, 120),
    ),
    symptoms=frozenset({"missing", "changed"}),
)

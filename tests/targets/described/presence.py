"""A user who comes back at once is taken off the list by the connection that closed."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target


async def session(url: str) -> None:
    async with connect(f"{url}/presence?user=mia") as first:
        await expect(first, "online")
        await pause(30)
        await say(first, type="status", status="away")
        await expect(first, "status_set")
        await pause(30)
    await pause(350)
    async with connect(f"{url}/presence?user=mia") as again:
        await expect(again, "online")
        await pause(200)
        await say(again, type="tell", to="mia", text="note to self")
        await expect(again, "delivered")
        await pause(240)


TARGET = Target(
    name="presence",
    make="Tornado",
    protocol="A user sets a status, leaves, comes back and sends a note to their own devices.",
    race="150 ms after a connection closed, its user is taken off the list, though back by then.",
    server="presence.py",
    needs=("tornado",),
    session=session,
    windows=(KnownWindow("c2", 0, "c1 closed", 0, 150), KnownWindow("c2", 0, "c1 step 2", 0, 150)),
    symptoms=frozenset({"missing", "changed"}),
)

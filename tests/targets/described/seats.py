"""Two people book one seat at the same time, and both have it."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target

BOOKS_MS = 62


async def session(url: str) -> None:
    async with connect(f"{url}/seats") as early, connect(f"{url}/seats") as late:
        await expect(early, "hello")
        await expect(late, "hello")
        await say(early, type="show")
        show = (await expect(early, "showing"))["show"]
        await pause(60)
        await say(early, type="book", show=show, seat="A1")
        await expect(early, "booked")
        await pause(250)
        await say(late, type="book", show=show, seat="A1")
        await expect(late, "taken")
        await pause(250)


TARGET = Target(
    name="seats",
    make="websockets, threads",
    protocol="Two people want the same seat, and the second is told that it is taken.",
    race="Between looking at a seat and taking it lie the 80 ms of its payment.",
    server="seats.py",
    needs=("websockets",),
    session=session,
    windows=(
        KnownWindow("c2", 1, "c1 step 2", 0, 80),
        # Whoever is the first of the two.
        KnownWindow("c2", 1, "c1 message 1: type=showing", 0, BOOKS_MS + 80),
    ),
    symptoms=frozenset({"missing", "changed", "extra"}),
)

"""What is said while somebody joins does not reach them."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target

JOINS_MS = 40


async def session(url: str) -> None:
    async with connect(f"{url}/rooms") as host, connect(f"{url}/rooms") as guest:
        await expect(host, "hello")
        await expect(guest, "hello")
        await say(host, type="create")
        room = (await expect(host, "created"))["room"]
        await pause(JOINS_MS)
        await say(guest, type="join", room=room)
        await expect(guest, "joined")
        await pause(250)
        await say(host, type="post", room=room, text="shall we start?")
        await expect(host, "posted")
        await expect(guest, "message")
        await pause(300)


TARGET = Target(
    name="rooms",
    make="Channels on daphne",
    protocol="A host makes a room, a guest joins it, the host writes.",
    race="Between reading what was said and listening pass 100 ms.",
    server="rooms.py",
    needs=("channels", "daphne", "django"),
    session=session,
    windows=(
        KnownWindow("c1", 2, "c2 step 1", 40, 140),
        # Where the guest joins as recorded, which is a pause after the room was made.
        KnownWindow("c1", 2, "c1 message 1: type=created", JOINS_MS + 40, JOINS_MS + 140),
        KnownWindow("c1", 2, "c1 step 1", JOINS_MS + 40, JOINS_MS + 140),
    ),
    symptoms=frozenset({"missing"}),
)

"""Who does not read for a while keeps a picture from the others."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target

ENTERS_MS, JOINED_MS, SHOWS_MS, TAKES_MS = 30, 40, 100, 400
# The picture is on its way so long after the opening, a few answers included.
SHOWN_MS = ENTERS_MS + JOINED_MS + SHOWS_MS + 15


async def session(url: str) -> None:
    async with connect(f"{url}/gallery") as viewer:
        await pause(ENTERS_MS)
        await say(viewer, type="enter")
        room = (await expect(viewer, "entered"))["room"]
        await pause(JOINED_MS)
        async with connect(f"{url}/gallery") as painter:
            await say(painter, type="enter", room=room)
            await expect(painter, "entered")
            await pause(SHOWS_MS)
            await say(painter, type="show")
            await expect(viewer, "picture")
            await expect(painter, "picture")
            await pause(300)


TARGET = Target(
    name="gallery",
    make="websockets, asyncio, slow readers",
    protocol="A painter shows a picture to a viewer and to themselves.",
    race="A viewer who does not read for 400 ms while a picture comes keeps it from the others.",
    server="gallery.py",
    needs=("websockets",),
    session=session,
    windows=(
        KnownWindow("c1", 0, "c1 open", SHOWN_MS + TAKES_MS, None, "slow_reader"),
        KnownWindow("c1", 0, "c1 step 1", SHOWN_MS - ENTERS_MS + TAKES_MS, None, "slow_reader"),
        KnownWindow("c1", 0, "c1 open", SHOWN_MS + TAKES_MS, None, "starve"),
        KnownWindow(
            "c1",
            0,
            "c1 message 1: type=entered",
            JOINED_MS + SHOWS_MS + 15 + TAKES_MS,
            None,
            "slow_reader",
        ),
    ),
    symptoms=frozenset({"missing"}),
)

"""A move is lost that comes while its table is put to sleep."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target


async def session(url: str) -> None:
    async with connect(f"{url}/lobby") as player:
        await say(player, type="sit")
        await expect(player, "seated")
        await pause(60)
        await say(player, type="move", move="e2e4")
        await expect(player, "moved")
        await pause(180)
        await say(player, type="move", move="g1f3")
        await expect(player, "moved")
        await pause(550)
        await say(player, type="look")
        await expect(player, "board")
        await pause(200)


TARGET = Target(
    name="lobby",
    make="Sanic",
    protocol="A player sits down, moves twice and looks at the board.",
    race="A table that was idle for 700 ms is written for 450 ms, and then read back.",
    server="lobby.py",
    needs=("sanic",),
    session=session,
    windows=(
        KnownWindow("c1", 3, "c1 step 2", 700, 1150),
        KnownWindow("c1", 3, "c1 message 1: type=moved", 700, 1150),
        KnownWindow("c1", 2, "c1 step 1", 700, 1150),
        KnownWindow("c1", 2, "c1 message 1: type=seated", 700, 1150),
    ),
    symptoms=frozenset({"changed", "missing", "extra"}),
)

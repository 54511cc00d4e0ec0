"""A bid is not told to those who stand behind one that has just gone."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target


async def session(url: str) -> None:
    async with connect(f"{url}/auction") as staying:
        async with connect(f"{url}/auction") as leaving:
            await expect(leaving, "hello")
            await expect(staying, "hello")
            await say(leaving, type="open")
            auction = (await expect(leaving, "entered"))["auction"]
            await pause(40)
            await say(staying, type="enter", auction=auction)
            await expect(staying, "entered")
            await pause(60)
        await pause(350)
        await say(staying, type="bid", amount=250)
        await expect(staying, "highest")
        await pause(250)


TARGET = Target(
    name="auction",
    make="Starlette on hypercorn",
    protocol="Two enter an auction, one leaves, the other bids.",
    race="For 110 ms after it closed a connection is still told of bids, which ends the round.",
    server="auction.py",
    needs=("starlette", "hypercorn"),
    session=session,
    windows=(
        KnownWindow("c1", 2, "c2 step 2", 0, 110),
        KnownWindow("c1", 2, "c2 closed", 0, 110),
    ),
    symptoms=frozenset({"missing"}),
)

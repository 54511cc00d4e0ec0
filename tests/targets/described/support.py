"""The first message comes before anyone listens."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target


async def session(url: str) -> None:
    async with connect(f"{url}/support?topic=billing") as customer:
        await expect(customer, "greeting")
        await pause(280)
        await say(customer, type="question", text="where is my invoice")
        await expect(customer, "reply")
        await pause(120)
        await say(customer, type="question", text="and the one before")
        await expect(customer, "reply")
        await pause(60)


TARGET = Target(
    name="support",
    make="ws on Node",
    protocol="A customer asks; agents search a varying number of articles and reply.",
    race="The listener is attached after the customer was looked up, 90 ms after the opening.",
    server="support.js",
    needs=("ws",),
    session=session,
    windows=(
        KnownWindow("c1", 1, "c1 open", 0, 90),
        KnownWindow("c1", 1, "c1 message 1: type=greeting", 0, 90),
    ),
    symptoms=frozenset({"missing"}),
)

"""The first message comes before the profile was loaded."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target


async def session(url: str) -> None:
    async with connect(f"{url}/profile") as user:
        await expect(user, "hello")
        await pause(320)
        await say(user, type="set", name="theme", value="dark")
        await expect(user, "saved")
        await pause(80)
        await say(user, type="set", name="language", value="eo")
        await expect(user, "saved")
        await pause(60)


TARGET = Target(
    name="profile",
    make="Falcon on uvicorn",
    protocol="A user changes two settings of their profile.",
    race="The profile is loaded for 130 ms after the opening, and used before.",
    server="profile.py",
    needs=("falcon", "uvicorn"),
    session=session,
    windows=(
        KnownWindow("c1", 1, "c1 open", 0, 130),
        KnownWindow("c1", 1, "c1 message 1: type=hello", 0, 130),
    ),
    symptoms=frozenset({"closed", "log"}),
    has_log=True,
)

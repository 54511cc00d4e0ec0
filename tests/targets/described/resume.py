"""A session is resumed before it was saved."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target


async def session(url: str) -> None:
    async with connect(f"{url}/editor") as writer:
        resume = (await expect(writer, "started"))["resume"]
        await pause(60)
        await say(writer, type="draft", text="Dear all")
        await expect(writer, "kept")
        await pause(60)
    await pause(420)
    async with connect(f"{url}/editor?resume={resume}") as writer:
        await expect(writer, "resumed")
        await pause(60)
        await say(writer, type="draft", text="Dear all, hello")
        await expect(writer, "kept")
        await pause(40)


TARGET = Target(
    name="resume",
    make="faye-websocket on Node",
    protocol="A writer's draft is kept in a session, which a new connection resumes.",
    race="A session is saved for 180 ms after its connection closed, and unknown until then.",
    server="resume.js",
    needs=("faye-websocket",),
    session=session,
    windows=(KnownWindow("c2", 0, "c1 closed", 0, 180), KnownWindow("c2", 0, "c1 step 2", 0, 180)),
    symptoms=frozenset({"missing", "changed"}),
)

"""A change that is made while the document is being saved is lost."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target


async def session(url: str) -> None:
    async with connect(f"{url}/documents") as editor:
        await expect(editor, "hello")
        await say(editor, type="open", name="minutes")
        await expect(editor, "opened")
        await pause(40)
        await say(editor, type="insert", line="present: all", change=1)
        await expect(editor, "inserted")
        await pause(450)
        await say(editor, type="insert", line="agreed: nothing", change=2)
        await expect(editor, "inserted")
        await pause(400)
        await say(editor, type="read")
        await expect(editor, "content")


TARGET = Target(
    name="documents",
    make="websockets, asyncio",
    protocol="An editor inserts lines in a document that saves itself when it is quiet.",
    race="What the store gives back replaces the document, and what was inserted meanwhile.",
    server="documents.py",
    needs=("websockets",),
    session=session,
    windows=(
        KnownWindow("c1", 3, "c1 step 2", 130, 260),
        KnownWindow("c1", 3, "c1 message 1: type=inserted", 130, 260),
    ),
    symptoms=frozenset({"changed", "missing", "extra"}),
)

"""Who goes while an upload begins leaves it locked for whoever comes next."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target


async def session(url: str) -> None:
    async with connect(f"{url}/uploads") as uploader:
        await expect(uploader, "welcome")
        await pause(30)
        await say(uploader, type="begin", name="report.pdf")
        await expect(uploader, "begun")
        await pause(60)
        for part in (b"%PDF" * 300, b"\0\1\2\3" * 200, b"EOF"):
            await uploader.send(part)
            await expect(uploader, "stored")
            await pause(120)
        await say(uploader, type="finish", name="report.pdf")
        await expect(uploader, "finished")
        await pause(120)


TARGET = Target(
    name="uploads",
    make="aiohttp",
    protocol="A file is uploaded in parts under a lock on its name.",
    race="A client that is gone within 80 ms of its begin leaves the lock held.",
    server="uploads.py",
    needs=("aiohttp",),
    session=session,
    windows=tuple(
        KnownWindow("c1", 2, "c1 step 1", 0, 80, how)
        for how in ("reset", "early_close", "half_close")
    ),
    symptoms=frozenset({"changed", "missing", "extra"}),
)

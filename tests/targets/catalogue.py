"""The targets: what each is made with, the healthy session that is recorded, and the race it has.

A window is known from the server's source: between which times a step fails after an event.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.targets.client import connected, pause

Session = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and the race of its racy build: `step` of `connection` fails from `low_ms` to
    `high_ms` after the event `after`.
    """

    file: str
    make: str
    session: Session
    connection: str
    step: int
    after: str
    low_ms: float
    high_ms: float
    edit: str = "gap"

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        return self.file.partition(".")[0]


async def desk(url: str) -> None:
    """Ask something, and something else."""
    async with connected(url) as client:
        await pause(180)
        await client.say(text="my parcel")
        await client.hear("answer")
        await pause(60)
        await client.say(text="and the bill")
        await client.hear("answer")


async def orders(url: str) -> None:
    """Look at prices, order, think, cancel."""
    async with connected(url) as client:
        await client.hear("hello")
        await client.say(do="prices")
        await client.hear("prices")
        await pause(50)
        await client.say(do="order", item="a lamp")
        await client.hear("confirmed")
        await pause(400)
        await client.say(do="cancel")
        await client.hear("cancelled")


async def presence(url: str) -> None:
    """Two users join a room one after the other, and look whether they are there."""
    async with connected(url) as ann, connected(url) as bob:
        await ann.say(do="join", room="blue", user="ann")
        await pause(300)
        await bob.say(do="join", room="blue", user="bob")
        await pause(250)
        await ann.say(do="who")
        await ann.hear("who")
        await bob.say(do="who")
        await bob.hear("who")


async def resume(url: str) -> None:
    """Log in, leave, come back after a while and go on."""
    async with connected(url) as client:
        await client.say(do="log in", user="ann")
        await client.hear("logged_in")
        await pause(50)
    await pause(500)
    async with connected(url) as client:
        await client.say(do="log in", user="ann")
        await client.hear("logged_in")
        await pause(300)
        await client.say(do="say", text="I am back")
        await client.hear("said")


async def refresh(url: str) -> None:
    """Log in, and ask for a report soon and another one later."""
    async with connected(url) as client:
        await client.say(do="log in", user="ann")
        await client.hear("logged_in")
        await pause(80)
        await client.say(do="report")
        await client.hear("report")


async def stream(url: str) -> None:
    """Ask, hear the whole answer, leave a little later."""
    async with connected(url) as client:
        await client.hear("hello")
        await pause(40)
        await client.say(user="ann")
        await client.hear("answered")
        await pause(100)


async def rooms(url: str) -> None:
    """One user is in the room, another one comes, and hears what the first one says."""
    async with connected(url) as ann:
        await pause(150)
        async with connected(url) as bob:
            await pause(250)
            await ann.say(text="hello bob")
            await bob.hear("said")
        await pause(50)


async def settings(url: str) -> None:
    """Set something, and look at it later."""
    async with connected(url) as client:
        await client.hear("hello")
        await client.say(do="set", name="colour", value="red")
        await client.hear("set")
        await pause(150)
        await client.say(do="get", name="colour")
        await client.hear("value")


ALL = (
    Target("node_desk.js", "Node ws 8.18.3", desk, "c1", 1, "c1 open", 0, 60),
    Target("aiohttp_orders.py", "aiohttp 3.14.0", orders, "c1", 3, "c1 step 2", 0, 120),
    Target("tornado_presence.py", "Tornado 6.5.2", presence, "c2", 1, "c1 step 1", 0, 80),
    Target("websockets_resume.py", "websockets 15.0.1", resume, "c2", 0, "c1 closed", 0, 150),
    Target(
        "starlette_refresh.py", "Starlette 1.0.0, uvicorn", refresh, "c1", 2, "c1 step 1", 700, 1000
    ),
    Target(
        *("quart_stream.py", "Quart 0.20.0, Hypercorn", stream, "c1", 2, "c1 step 1", 0, 200),
        edit="reset",
    ),
    Target("channels_rooms.py", "Channels 4.3.2, Daphne", rooms, "c1", 1, "c2 open", 0, 70),
    Target("sanic_settings.py", "Sanic 25.3.0", settings, "c1", 2, "c1 step 1", 0, 100),
)

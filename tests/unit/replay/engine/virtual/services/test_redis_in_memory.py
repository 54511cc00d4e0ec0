import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis.asyncio as redis
from redis.exceptions import ResponseError

from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.repeatable import repeatable
from replay.engine.virtual.services import Services
from replay.engine.virtual.services.redis_in_memory import RedisInMemory

Body = Callable[["redis.Redis"], Awaitable[Any]]


def asked(body: Body, **options: Any) -> Any:  # noqa: ANN401
    """Return what the body returns, with a client of a fresh Redis."""
    services = Services({("cache", 6379): RedisInMemory()})

    async def main() -> Any:  # noqa: ANN401
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.services = services
        with repeatable(loop, 1, 0):
            async with services.serving():
                client = redis.Redis(host="cache", **options)
                try:
                    return await body(client)
                finally:
                    await client.aclose()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


@pytest.mark.parametrize("protocol", [2, 3])
def test_values_lists_and_hashes(protocol: int) -> None:
    async def body(client: "redis.Redis") -> list[Any]:
        await client.set("a", "1")
        await client.rpush("l", "x", "y")
        await client.hset("h", mapping={"f": "1"})
        return [
            await client.get("a"),
            await client.get("none"),
            await client.lrange("l", 0, -1),
            await client.hgetall("h"),
            await client.incrby("a", 41),
        ]

    answered = asked(body, protocol=protocol)
    assert answered == [b"1", None, [b"x", b"y"], {b"f": b"1"}, 42]


def test_what_expires_does_so_in_the_time_of_the_run() -> None:
    async def body(client: "redis.Redis") -> list[Any]:
        await client.set("a", "1", ex=60)
        await asyncio.sleep(59.9)
        still = await client.get("a")
        await asyncio.sleep(0.2)
        return [still, await client.get("a")]

    assert asked(body) == [b"1", None]


def test_who_waits_for_an_item_waits_no_longer_than_it_wants() -> None:
    async def body(client: "redis.Redis") -> list[Any]:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        waited = asyncio.create_task(client.blpop(["queue"], timeout=3))
        await asyncio.sleep(1)
        await client.rpush("queue", "item")
        first, in_vain = await waited, await client.blpop(["queue"], timeout=2)
        return [first, in_vain, loop.time() - began_s]

    first, in_vain, took_s = asked(body)
    assert (first, in_vain) == ((b"queue", b"item"), None)
    assert took_s == pytest.approx(3, abs=0.1)


def test_channels_tell_in_the_order_of_the_connections() -> None:
    async def body(client: "redis.Redis") -> list[int]:
        heard: list[int] = []

        async def listen(number: int) -> None:
            async with client.pubsub() as channel:
                await channel.subscribe("news")
                async for message in channel.listen():
                    if message["type"] == "message":
                        heard.append(number)
                        return

        async with asyncio.TaskGroup() as tasks:
            for number in range(12):
                tasks.create_task(listen(number))
                await asyncio.sleep(0.01)
            await client.publish("news", "hello")
        return heard

    assert asked(body) == list(range(12))


def test_a_transaction_that_was_overtaken_fails() -> None:
    async def body(client: "redis.Redis") -> bool:
        async with client.pipeline() as pipe:
            await pipe.watch("a")
            await client.set("a", "2")
            pipe.multi()
            pipe.set("a", "3")
            try:
                await pipe.execute()
            except redis.WatchError:
                return True
        return False

    assert asked(body)


def test_what_it_does_not_know_is_an_error() -> None:
    async def body(client: "redis.Redis") -> object:
        return await client.execute_command("NONSENSE")

    with pytest.raises(ResponseError, match="unknown command"):
        asked(body)


def test_each_run_begins_with_nothing() -> None:
    async def body(client: "redis.Redis") -> object:
        before = await client.get("a")
        await client.set("a", "1")
        return before

    assert [asked(body), asked(body)] == [None, None]

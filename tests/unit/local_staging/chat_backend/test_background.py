import asyncio

import pytest

from local_staging.chat_backend.background import Background


async def test_it_is_drained_once_all_is_done() -> None:
    background, go = Background(), asyncio.Event()
    background.run(go.wait())
    assert len(background) == 1
    assert not await background.drained(0.001)
    go.set()
    assert await background.drained(10)
    assert len(background) == 0


async def test_what_comes_of_it_is_waited_for_too() -> None:
    background, done = Background(), []

    async def begin(more: int) -> None:
        await asyncio.sleep(0)
        done.append(more)
        if more:
            background.run(begin(more - 1))

    background.run(begin(3))
    assert await background.drained(10)
    assert done == [3, 2, 1, 0]


async def test_nothing_to_wait_for() -> None:
    assert await Background().drained(0)


async def test_what_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise OSError("no space left")

    background = Background()
    background.run(fail())
    assert await background.drained(10)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "no space left"


async def test_what_is_given_up_is_not(caplog: pytest.LogCaptureFixture) -> None:
    background = Background()
    background.run(asyncio.Event().wait())
    await asyncio.sleep(0)
    background.cancel()
    assert await background.drained(10)
    assert caplog.records == []

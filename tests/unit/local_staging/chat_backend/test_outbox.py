import asyncio

import pytest

from local_staging.chat_backend.outbox import Outbox, OutboxFull


async def test_what_was_sent_is_kept_until_it_is_confirmed() -> None:
    outbox = Outbox()
    for number in range(3):
        outbox.add({"number": number}, outlives=True)
    assert [(await outbox.next())["number"] for _ in range(2)] == [0, 1]
    assert len(outbox) == 3
    outbox.add({"answer": 1}, outlives=False)
    assert [each["number"] for each in outbox.confirm()] == [0, 1]
    assert [each["number"] for each in outbox.left()] == [2]
    assert len(outbox) == 0


async def test_unconfirmed_comes_before_unsent_and_answers_are_left_out() -> None:
    outbox = Outbox()
    outbox.add({"number": 0}, outlives=True)
    outbox.add({"number": 1}, outlives=False)
    outbox.add({"number": 2}, outlives=True)
    await outbox.next()
    assert [each["number"] for each in outbox.left()] == [0, 2]


async def test_who_waits_gets_what_comes() -> None:
    outbox = Outbox()
    waiting = asyncio.create_task(outbox.next())
    await asyncio.sleep(0)
    outbox.add({"number": 7}, outlives=True)
    assert await waiting == {"number": 7}


async def test_it_holds_so_many() -> None:
    outbox = Outbox(most_waiting=1)
    outbox.add({}, outlives=True)
    await outbox.next()
    with pytest.raises(OutboxFull, match="1 messages wait"):
        outbox.add({}, outlives=True)

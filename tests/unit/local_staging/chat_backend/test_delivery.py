import asyncio
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from local_staging.chat_backend.delivery import ConfirmedDelivery, HopefulDelivery
from local_staging.chat_backend.undelivered import Undelivered


class Client:
    """Takes so many messages and leaves."""

    def __init__(self, takes: int = 100) -> None:
        self.heard: list[str] = []
        self._takes = takes

    async def send_json(self, fields: dict[str, Any]) -> None:
        if len(self.heard) == self._takes:
            raise WebSocketDisconnect(1006)
        self.heard.append(fields["type"])


async def delivered(delivery: ConfirmedDelivery | HopefulDelivery) -> None:
    """Deliver all there is, and end as a connection does."""
    task = asyncio.create_task(delivery.run())
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    delivery.end()


async def test_what_was_not_confirmed_goes_out_on_the_next_connection() -> None:
    undelivered, first, second = Undelivered(), Client(takes=1), Client()
    delivery = ConfirmedDelivery(undelivered, first)
    for name in "abc":
        await delivery.publish({"type": name})
    await delivery.reply({"type": "pong"})
    await delivered(delivery)
    assert first.heard == ["a"]
    await delivered(ConfirmedDelivery(undelivered, second))
    assert second.heard == ["a", "b", "c"]


async def test_what_was_confirmed_does_not() -> None:
    undelivered, first = Undelivered(), Client()
    delivery = ConfirmedDelivery(undelivered, first)
    await delivery.publish({"type": "a"})
    task = asyncio.create_task(delivery.run())
    for _ in range(5):
        await asyncio.sleep(0)
    delivery.confirm()
    task.cancel()
    delivery.end()
    await delivery.publish({"type": "late"})
    await delivery.reply({"type": "pong"})
    assert first.heard == ["a"]
    second = Client()
    await delivered(ConfirmedDelivery(undelivered, second))
    assert second.heard == ["late"]


async def test_of_a_client_that_counts_only_what_it_has_is_confirmed() -> None:
    undelivered, first, second = Undelivered(), Client(), Client()
    delivery = ConfirmedDelivery(undelivered, first)
    for name in "abc":
        await delivery.publish({"type": name})
    task = asyncio.create_task(delivery.run())
    for _ in range(10):
        await asyncio.sleep(0)
    assert first.heard == ["a", "b", "c"]
    # Two were read when it spoke, the third was under way; what it says next does not count.
    delivery.confirm(2)
    delivery.confirm()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    delivery.end()
    await delivered(ConfirmedDelivery(undelivered, second))
    assert second.heard == ["c"]


@pytest.mark.parametrize(("received", "left"), [(None, 0), (0, 1), (1, 0)])
async def test_who_leaves_in_order_has_it_all_unless_it_counts(
    received: int | None, left: int
) -> None:
    undelivered, first = Undelivered(), Client()
    delivery = ConfirmedDelivery(undelivered, first)
    await delivery.publish({"type": "a"})
    task = asyncio.create_task(delivery.run())
    for _ in range(5):
        await asyncio.sleep(0)
    if received is not None:
        delivery.confirm(received)
    delivery.goodbye()
    task.cancel()
    delivery.end()
    assert len(undelivered) == left


async def test_hope_loses_events_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    undelivered, gone = Undelivered(), Client(takes=0)
    for name in "ab":
        undelivered.add({"type": name})
    hopeful = HopefulDelivery(undelivered, gone)
    await delivered(hopeful)
    assert len(undelivered) == 0
    await hopeful.publish({"type": "c"})
    assert [record.getMessage()[:16] for record in caplog.records] == [
        f"Failed to send {name}" for name in "abc"
    ]

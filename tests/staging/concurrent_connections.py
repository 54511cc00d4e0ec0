"""Many clients at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from tests.staging.chat_client import ChatClient
from tests.staging.endpoint import Endpoint
from tests.staging.race_events import RaceEvents

T = TypeVar("T")


@dataclass(slots=True)
class ConcurrentConnections:
    """Clients of several users, who all log in before any of them connects, and once only."""

    staging: Endpoint
    users: Sequence[str]
    _tokens: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def open(
        self,
        before: Callable[[], Awaitable[object]] | None = None,
        events: RaceEvents | None = None,
    ) -> AsyncIterator[list[ChatClient]]:
        """Connect all of them in the same moment; leave with all of them in the end.

        `before` is done when all have logged in, right before they connect; `events` hears of them.
        """
        if not self._tokens:
            asked = (self.staging.token(user) for user in self.users)
            self._tokens = list(await asyncio.gather(*asked))
        if before is not None:
            await before()
        clients = await asyncio.gather(
            *(
                ChatClient.ready(self.staging, user, token=token, events=events)
                for user, token in zip(self.users, self._tokens, strict=True)
            )
        )
        try:
            yield list(clients)
        finally:
            await asyncio.gather(*(client.leave() for client in clients))


async def each(clients: Sequence[ChatClient], do: Callable[[ChatClient], Awaitable[T]]) -> list[T]:
    """Do something with all clients at once; return what came of it, in their order."""
    return list(await asyncio.gather(*(do(client) for client in clients)))

"""A service that speaks HTTP: an ASGI application in this process, which the user wrote for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from replay.engine.virtual.services import Answer
from replay.errors import ReplayError


@dataclass(frozen=True, slots=True)
class AsgiInMemory:
    """The application that `make_app` gives, behind uvicorn's own protocol classes."""

    name: str
    make_app: Callable[[], Any]

    def notes(self) -> Iterable[str]:
        """It is a part of the program, of which there is nothing to say."""
        return ()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Answer]:
        """Start it; yield what makes the server's end of each connection. Raises ReplayError."""
        config = uvicorn.Config(self.make_app(), log_config=None, access_log=False)
        config.load()
        lifespan = config.lifespan_class(config)
        await lifespan.startup()
        if lifespan.should_exit:
            raise ReplayError(f"the fake {self.name} did not start: its lifespan failed")
        state = ServerState()

        def answer() -> asyncio.Protocol:
            return config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=state, app_state=lifespan.state
            )

        try:
            yield answer
        finally:
            for connection in tuple(state.connections):
                connection.shutdown()
            await lifespan.shutdown()

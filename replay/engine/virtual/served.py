"""An application of this process while it is up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from replay.engine.virtual.message_pipe import PipeEnd

Address = tuple[str, int]

CLIENT, SERVER = "127.0.0.1", ("127.0.0.1", 80)
FIRST_CLIENT_PORT = 50_000


@dataclass(slots=True)
class Served:
    """The application with what uvicorn would know of it; `app_state` is what its lifespan made."""

    config: uvicorn.Config
    app_state: dict[str, Any]
    state: ServerState = field(default_factory=ServerState)
    address: Address = SERVER
    ends: list[PipeEnd] = field(default_factory=list)
    _clients: int = 0

    def next_client(self) -> Address:
        """Return the address of one more client."""
        self._clients += 1
        return (CLIENT, FIRST_CLIENT_PORT + self._clients - 1)

    def part(self) -> None:
        """Have the ends of its connections not hold each other any longer: nothing will be said."""
        for end in self.ends:
            end.part()
        self.ends.clear()

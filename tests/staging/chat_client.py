"""A client of the chat backend, by a library that is not the server's."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.staging.endpoint import Endpoint
from tests.staging.race_events import RaceEvents

WAIT_S = 30.0
FIVE = ("agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed")

Fields = dict[str, Any]


class ChatClient:
    """One user on one connection; `events` hears of all that it does and is told."""

    def __init__(self, socket: ClientConnection, user: str, events: RaceEvents | None) -> None:
        self.socket = socket
        self.user = user
        self.connection_id = ""
        self._received = 0
        self._events = RaceEvents() if events is None else events

    @classmethod
    async def connected(
        cls,
        staging: Endpoint,
        user: str = "alice",
        *,
        token: str | None = None,
        events: RaceEvents | None = None,
    ) -> ChatClient:
        """Return a client whose handshake is done; it has read nothing yet."""
        bearer = await staging.token(user) if token is None else token
        known = RaceEvents() if events is None else events
        known.note(user, "asks")
        socket = await connect(
            staging.chat_url,
            additional_headers={"Authorization": f"Bearer {bearer}"},
            proxy=None,
            open_timeout=WAIT_S,
        )
        known.note(user, "accepted")
        return cls(socket, user, known)

    @classmethod
    async def ready(
        cls,
        staging: Endpoint,
        user: str = "alice",
        *,
        token: str | None = None,
        events: RaceEvents | None = None,
    ) -> ChatClient:
        """Return a client that was told that it may begin."""
        client = await cls.connected(staging, user, token=token, events=events)
        told = await client.receive()
        assert told["type"] == "connection_ready", told
        assert told["user_id"] == user
        client.connection_id = told["connection_id"]
        return client

    async def say(self, **fields: object) -> None:
        """Send a message."""
        self._events.note(self.user, f"says {fields['type']}")
        await self.socket.send(json.dumps({**fields, "received": self._received}))

    async def receive(self, within_s: float = WAIT_S) -> Fields:
        """Return the next message."""
        fields = json.loads(await asyncio.wait_for(self.socket.recv(), within_s))
        assert isinstance(fields, dict)
        self._received += 1
        self._events.note(self.user, fields["type"])
        return fields

    async def receive_until(self, kind: str, within_s: float = WAIT_S) -> list[Fields]:
        """Return the messages up to the first of a kind, each within a time."""
        received = [await self.receive(within_s)]
        while received[-1]["type"] != kind:
            assert received[-1]["type"] != "error", received[-1]
            received.append(await self.receive(within_s))
        return received

    async def ask(self, text: str) -> list[Fields]:
        """Have the agent answer, and return the five events."""
        await self.say(type="chat", text=text)
        return await self.receive_until("agent_completed")

    async def leave(self) -> None:
        """Say what was read, and close, as one should."""
        with suppress(ConnectionClosed):
            await self.socket.send(
                json.dumps({"type": "connection_ack", "received": self._received})
            )
        await self.socket.close()
        self._events.note(self.user, "left")

    def vanish(self) -> None:
        """Be gone, without a word: TCP is aborted."""
        self.socket.transport.abort()
        self._events.note(self.user, "vanished")

    async def __aenter__(self) -> ChatClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.leave()


def answer_of(events: list[Fields]) -> str:
    """Return what the agent said in the end."""
    return str(events[-1]["answer"])


def types_of(events: list[Fields]) -> tuple[str, ...]:
    """Return the kinds of events, in the order of their run, each once."""
    assert len({event["run_id"] for event in events}) == 1, "events of one run were expected"
    by_sequence = {event["sequence"]: event["type"] for event in events}
    return tuple(by_sequence[sequence] for sequence in sorted(by_sequence))

"""How what the server says reaches the client: now, or on the connection after this one."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from starlette.websockets import WebSocketDisconnect

from local_staging.chat_backend.outbox import Outbox
from local_staging.chat_backend.undelivered import Undelivered

_log = logging.getLogger(__name__)


class Sender(Protocol):
    """Where messages leave the process."""

    async def send_json(self, fields: dict[str, Any]) -> None:
        """Send a message. Raises WebSocketDisconnect when the client left."""


class ConfirmedDelivery:
    """Delivers in order; an event is kept until the client confirms it.

    What was sent and not confirmed when the connection ends goes out on the next one, again.
    """

    def __init__(self, undelivered: Undelivered, sender: Sender) -> None:
        self._undelivered = undelivered
        self._sender = sender
        self._outbox = Outbox()
        self._is_over = False
        self._client_counts = False

    async def publish(self, fields: dict[str, Any]) -> None:
        """Have an event delivered, on this connection or a later one. Raises OutboxFull."""
        await self._undelivered.keep(fields)
        if self._is_over:
            self._undelivered.add(fields)
        else:
            self._take(fields)

    async def reply(self, fields: dict[str, Any]) -> None:
        """Have an answer delivered on this connection. Raises OutboxFull."""
        if not self._is_over:
            self._outbox.add(fields, outlives=False)

    async def run(self) -> None:
        """Deliver until the client leaves. Raises WebSocketDisconnect."""
        self._undelivered.taken_by(self._take)
        while True:
            await self._sender.send_json(await self._outbox.next())

    def confirm(self, received: int | None = None) -> None:
        """Take note that the client said something: after `received` messages, if it counts them.

        Of one that does not count it is taken that it has read what was sent, though that may be
        under way: only a count makes sure that nothing is lost.
        """
        if received is not None:
            self._client_counts = True
        elif self._client_counts:
            return
        self._undelivered.confirmed(self._outbox.confirm(received))

    def goodbye(self) -> None:
        """Take note that the client left in order: one that does not count has read it all."""
        self.confirm()

    def end(self) -> None:
        """Leave what is not confirmed to the next connection."""
        self._is_over = True
        self._undelivered.left_by(self._take)
        for fields in self._outbox.left():
            self._undelivered.add(fields)

    def _take(self, fields: dict[str, Any]) -> None:
        self._outbox.add(fields, outlives=True)


class HopefulDelivery:
    """Sends each message once and takes it for delivered, as it was in the incident."""

    def __init__(self, undelivered: Undelivered, sender: Sender) -> None:
        self._undelivered = undelivered
        self._sender = sender
        self._outbox = Outbox()

    async def publish(self, fields: dict[str, Any]) -> None:
        """Send an event, or say that this failed."""
        try:
            await self._sender.send_json(fields)
        except (WebSocketDisconnect, RuntimeError) as error:
            _log.warning("Failed to send %s: %s", fields["type"], error)

    async def reply(self, fields: dict[str, Any]) -> None:
        """Send an answer, or say that this failed."""
        await self.publish(fields)

    async def run(self) -> None:
        """Send what earlier connections left."""
        self._undelivered.taken_by(self._take)
        while True:
            await self.publish(await self._outbox.next())
            self._outbox.confirm()

    def confirm(self, received: int | None = None) -> None:
        """Nothing waits for it."""

    def goodbye(self) -> None:
        """Nothing waits for it."""

    def end(self) -> None:
        """Leave what was not tried to the next connection."""
        self._undelivered.left_by(self._take)
        for fields in self._outbox.left():
            self._undelivered.add(fields)

    def _take(self, fields: dict[str, Any]) -> None:
        self._outbox.add(fields, outlives=True)

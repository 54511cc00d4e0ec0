"""Where events are kept that have to outlive the process, until the client has confirmed them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

Event = dict[str, Any]


class Journal(Protocol):
    """The events of one user. What cannot be written is logged, and delivered all the same."""

    async def keep(self, event: Event) -> None:
        """Write an event down before it is sent."""

    def confirmed(self, events: Iterable[Event]) -> None:
        """Forget events: the client has them."""

    def abandoned(self) -> None:
        """Tell the other processes that an event waits and nobody here takes it."""

    async def kept_by_others(self) -> list[Event]:
        """Return, in order, what other processes or earlier sessions left; each event once."""


class NoJournal:
    """For a backend that keeps all in memory: what it did not deliver ends with it."""

    async def keep(self, event: Event) -> None:
        """Nothing is written."""

    def confirmed(self, events: Iterable[Event]) -> None:
        """Nothing was written."""

    def abandoned(self) -> None:
        """There is no other process."""

    async def kept_by_others(self) -> list[Event]:
        """There are no others."""
        return []

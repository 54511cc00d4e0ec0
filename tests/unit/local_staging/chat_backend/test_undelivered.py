from collections.abc import Iterable
from typing import Any

import pytest

from local_staging.chat_backend.journal import Event, NoJournal
from local_staging.chat_backend.outbox import OutboxFull
from local_staging.chat_backend.undelivered import Undelivered


class Taker:
    def __init__(self) -> None:
        self.took: list[int] = []

    def take(self, fields: dict[str, Any]) -> None:
        self.took.append(fields["number"])


def test_what_waits_and_what_comes_goes_to_the_latest_taker() -> None:
    undelivered, first, second = Undelivered(), Taker(), Taker()
    undelivered.add({"number": 0})
    undelivered.taken_by(first.take)
    undelivered.add({"number": 1})
    undelivered.taken_by(second.take)
    undelivered.left_by(first.take)
    undelivered.add({"number": 2})
    undelivered.left_by(second.take)
    undelivered.add({"number": 3})
    assert (first.took, second.took, len(undelivered)) == ([0, 1], [2], 1)


class Journal(NoJournal):
    """What others left, and what it heard."""

    def __init__(self) -> None:
        self.others = [{"number": 7}]
        self.kept: list[Event] = []
        self.times_abandoned = 0

    async def keep(self, event: Event) -> None:
        self.kept.append(event)

    def confirmed(self, events: Iterable[Event]) -> None:
        for event in events:
            self.kept.remove(event)

    def abandoned(self) -> None:
        self.times_abandoned += 1

    async def kept_by_others(self) -> list[Event]:
        others, self.others = self.others, []
        return others


async def test_what_others_left_goes_to_the_taker() -> None:
    undelivered, taker = Undelivered(Journal()), Taker()
    undelivered.taken_by(taker.take)
    await undelivered.fetch()
    await undelivered.fetch()
    assert taker.took == [7]


async def test_others_are_told_only_of_what_nobody_here_takes() -> None:
    journal, taker = Journal(), Taker()
    undelivered = Undelivered(journal)
    undelivered.add({"number": 0})
    assert journal.times_abandoned == 1
    undelivered.taken_by(taker.take)
    undelivered.add({"number": 1})
    assert journal.times_abandoned == 1


async def test_it_is_kept_until_it_is_confirmed() -> None:
    journal = Journal()
    undelivered = Undelivered(journal)
    await undelivered.keep({"number": 0})
    await undelivered.keep({"number": 1})
    undelivered.confirmed([{"number": 0}])
    assert journal.kept == [{"number": 1}]


def test_it_holds_so_many() -> None:
    undelivered = Undelivered(most_waiting=1)
    undelivered.add({})
    with pytest.raises(OutboxFull, match="1 events wait"):
        undelivered.add({})

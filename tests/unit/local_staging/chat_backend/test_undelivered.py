from typing import Any

import pytest

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


def test_it_holds_so_many() -> None:
    undelivered = Undelivered(most_waiting=1)
    undelivered.add({})
    with pytest.raises(OutboxFull, match="1 events wait"):
        undelivered.add({})

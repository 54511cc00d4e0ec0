import asyncio

import pytest

from local_staging.chat_backend import late_transcript
from local_staging.chat_backend.background import Background
from local_staging.chat_backend.late_transcript import LateTranscript
from local_staging.chat_backend.transcript import Entry, MemoryTranscript, NotStorable, StorageError

ENTRIES = tuple(Entry("user", str(number)) for number in range(3))


class Away(MemoryTranscript):
    """A database that is away until it is back."""

    def __init__(self) -> None:
        super().__init__()
        self.is_back = False
        self.went_away = asyncio.Event()

    async def add(self, role: str, text: str) -> None:
        # A network takes a moment, in which other tasks run.
        await asyncio.sleep(0)
        if not self.is_back:
            self.went_away.set()
            raise StorageError("the database is away")
        await super().add(role, text)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_transcript, "TRY_AGAIN_S", 0.001)


async def test_nobody_waits_for_the_database_and_nothing_is_lost() -> None:
    database, background = Away(), Background()
    late = LateTranscript(database, background)
    for entry in ENTRIES:
        await late.add(entry.role, entry.text)
    await database.went_away.wait()
    assert await database.recent(9) == ()
    assert await late.recent(9) == ENTRIES
    assert await late.recent(2) == ENTRIES[1:]
    assert await late.said_by_user() == ("0", "1", "2")
    database.is_back = True
    assert await background.drained(10)
    assert await database.recent(9) == ENTRIES
    assert await late.recent(9) == ENTRIES


async def test_what_comes_after_is_written_too() -> None:
    database, background = Away(), Background()
    database.is_back = True
    late = LateTranscript(database, background)
    for entry in ENTRIES:
        await late.add(entry.role, entry.text)
        assert await background.drained(10)
    assert await database.recent(9) == ENTRIES


async def test_no_moment_shows_a_message_twice_or_not_at_all() -> None:
    database, background = Away(), Background()
    database.is_back = True
    late = LateTranscript(database, background)
    for entry in ENTRIES:
        await late.add(entry.role, entry.text)
    while len(background):
        assert await late.recent(9) == ENTRIES
        await asyncio.sleep(0)


async def test_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_transcript, "MOST_WAITING", 1)
    background = Background()
    late = LateTranscript(Away(), background)
    await late.add("user", "0")
    with pytest.raises(StorageError, match="1 messages wait"):
        await late.add("user", "1")
    background.cancel()


async def test_a_message_that_is_never_taken_holds_up_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Picky(MemoryTranscript):
        async def add(self, role: str, text: str) -> None:
            if text == "1":
                raise NotStorable("no 1, please")
            await super().add(role, text)

    database, background = Picky(), Background()
    late = LateTranscript(database, background)
    for entry in ENTRIES:
        await late.add(entry.role, entry.text)
    assert await background.drained(10)
    assert await database.recent(9) == (ENTRIES[0], ENTRIES[2])
    assert "a message of user is left out: no 1, please" in caplog.text

from __future__ import annotations

from local_staging.chat_backend.storage import MemoryStorage
from local_staging.chat_backend.transcript import Entry


async def test_users_do_not_see_each_other() -> None:
    storage = MemoryStorage()
    await storage.of_user("alice", "Alice").transcript.add("user", "secret")
    await storage.of_user("bob", "Bob").transcript.add("user", "hello")
    assert await storage.of_user("bob", "Bob").transcript.recent(9) == (Entry("user", "hello"),)


async def test_a_transcript_is_there_for_a_later_session() -> None:
    storage = MemoryStorage()
    await storage.of_user("alice", "Alice").transcript.add("user", "before")
    assert await storage.of_user("alice", "Alice").transcript.said_by_user() == ("before",)


async def test_it_has_nothing_that_can_be_away() -> None:
    assert MemoryStorage().checks() == ()

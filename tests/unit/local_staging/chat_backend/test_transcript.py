from __future__ import annotations

from local_staging.chat_backend.transcript import Entry, MemoryTranscript


async def test_recent_is_the_end_oldest_first() -> None:
    transcript = MemoryTranscript()
    for text in ("one", "two", "three"):
        await transcript.add("user", text)
    assert await transcript.recent(2) == (Entry("user", "two"), Entry("user", "three"))


async def test_said_by_user_leaves_out_the_agent() -> None:
    transcript = MemoryTranscript()
    await transcript.add("user", "question")
    await transcript.add("agent", "answer")
    assert await transcript.said_by_user() == ("question",)

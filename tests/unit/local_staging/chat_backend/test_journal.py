from local_staging.chat_backend.journal import NoJournal


async def test_in_memory_nobody_left_anything() -> None:
    journal = NoJournal()
    await journal.keep({"type": "agent_started"})
    journal.abandoned()
    journal.confirmed([{"type": "agent_started"}])
    assert await journal.kept_by_others() == []

from local_staging.chat_backend.session_state import NoSessionState


async def test_in_memory_nothing_is_known() -> None:
    state = NoSessionState()
    await state.save("memory")
    await state.opened("c1")
    await state.closed("c1")
    assert await state.load() is None

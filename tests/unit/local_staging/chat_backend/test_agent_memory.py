from local_staging.chat_backend.agent_memory import REMEMBERED_RUNS, AgentMemory


def test_it_comes_back_from_its_text() -> None:
    memory = AgentMemory(21.5)
    memory.run_ids.extend(("a", "b"))
    again = AgentMemory()
    again.restore(memory.to_json())
    assert again == memory


def test_only_the_latest_runs_are_remembered() -> None:
    memory = AgentMemory()
    memory.run_ids.extend(str(number) for number in range(REMEMBERED_RUNS + 1))
    again = AgentMemory()
    again.restore(memory.to_json())
    assert (len(again.run_ids), again.run_ids[0]) == (REMEMBERED_RUNS, "1")

from __future__ import annotations

import json

import httpx
import pytest

from local_staging.chat_backend.agent import Agent, AgentEvent
from local_staging.chat_backend.model_client import ModelError
from local_staging.chat_backend.transcript import Entry, MemoryTranscript
from tests.unit.local_staging.chat_backend.rules_model import rules_model

FIVE = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]


class Bench:
    """An agent with its transcript; keeps its events and the pauses that it makes."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.transcript = MemoryTranscript()
        self.events: list[AgentEvent] = []
        self.paused_s: list[float] = []
        self.agent = Agent(self.transcript, rules_model(transport, self._pause), self._pause)

    async def answer(self, text: str) -> str:
        await self.agent.run(text, self._emit)
        return str(self.events[-1].fields["answer"])

    async def _emit(self, event: AgentEvent) -> None:
        self.events.append(event)

    async def _pause(self, seconds: float) -> None:
        self.paused_s.append(seconds)


async def test_five_events_in_order() -> None:
    bench = Bench()
    await bench.answer("hello")
    assert [event.type for event in bench.events] == FIVE
    assert [event.sequence for event in bench.events] == [1, 2, 3, 4, 5]
    assert len({event.run_id for event in bench.events}) == 1


async def test_each_event_tells_of_its_step() -> None:
    bench = Bench()
    await bench.answer("What is 6 * 7?")
    assert [dict(event.fields) for event in bench.events] == [
        {},
        {"plan": "use the calculator"},
        {"tool": "calculator", "input": "6 * 7"},
        {"tool": "calculator", "output": "6 * 7 = 42"},
        {"answer": "The calculator says: 6 * 7 = 42."},
    ]


async def test_each_run_has_an_id_of_its_own() -> None:
    bench = Bench()
    await bench.answer("hello")
    await bench.answer("hello")
    assert bench.events[0].run_id != bench.events[5].run_id


async def test_answers_with_what_the_tool_found() -> None:
    bench = Bench()
    assert await bench.answer("What is 6 * 7?") == "The calculator says: 6 * 7 = 42."
    assert await bench.answer("and last / 2") == "The calculator says: last / 2 = 21.0."
    assert await bench.answer("one two three") == "The word counter says: 3 words."
    assert await bench.answer("1 / 0") == "The calculator says: no result, division by zero."


async def test_a_timer_takes_its_time() -> None:
    bench = Bench()
    assert await bench.answer("Remind me in 2.5 seconds") == "The timer says: 2.5 s are over."
    assert 2.5 in bench.paused_s


async def test_counts_the_whole_conversation() -> None:
    bench = Bench()
    await bench.answer("one two three")
    answer = await bench.answer("words so far?")
    assert answer == "The conversation counter says: 6 words."


async def test_keeps_both_sides_in_the_transcript() -> None:
    bench = Bench()
    answer = await bench.answer("hello")
    assert await bench.transcript.recent(9) == (Entry("user", "hello"), Entry("agent", answer))


async def test_agents_do_not_share_the_last_result() -> None:
    await Bench().answer("6 * 7")
    assert "there is no last result yet" in await Bench().answer("last + 1")


async def test_a_model_that_asks_for_what_there_is_not() -> None:
    function = {"name": "oracle", "arguments": "{}"}
    chunk = {"choices": [{"delta": {"tool_calls": [{"id": "c", "function": function}]}}]}
    body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
    headers = {"Content-Type": "text/event-stream"}
    said = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, text=body))
    bench = Bench(said)
    with pytest.raises(ModelError, match="no tool 'oracle'"):
        await bench.answer("hello")
    assert [event.type for event in bench.events] == FIVE[:2]

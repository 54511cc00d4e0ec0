import asyncio
import json
from typing import Any

import pytest

from local_staging.chat_backend.agent import Agent
from local_staging.chat_backend.message_handler import MessageHandlerService
from local_staging.chat_backend.transcript import MemoryTranscript
from tests.unit.local_staging.chat_backend.rules_model import rules_model


async def told(*said: dict[str, Any] | str) -> tuple[list[str], list[str]]:
    """Return the types of the answers, and of the events."""
    transcript = MemoryTranscript()
    agent = Agent(transcript, rules_model(), lambda _: asyncio.sleep(0))
    service = MessageHandlerService(supervisor=agent, thread_service=transcript)
    answers: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []

    async def reply(fields: dict[str, Any]) -> None:
        answers.append(fields)

    async def publish(fields: dict[str, Any]) -> None:
        events.append(fields)

    for each in said:
        text = each if isinstance(each, str) else json.dumps(each)
        await service.handle(text, "c-1", reply, publish)
    return [each.get("code", each["type"]) for each in answers], [each["type"] for each in events]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"type": "ping"}, ["pong"]),
        ({"type": "history"}, ["history"]),
        ({"type": "connection_ack"}, []),
        ({"type": "feedback", "run_id": "r", "helpful": True}, ["unknown_run"]),
        ({"type": "chat", "text": "hi", "connection_id": "c-2"}, ["wrong_connection"]),
        ({"type": "dance"}, ["unknown_type"]),
        ("{", ["bad_json"]),
    ],
)
async def test_an_answer_is_for_the_connection(
    said: dict[str, Any] | str, answer: list[str]
) -> None:
    assert await told(said) == (answer, [])


async def test_the_steps_of_the_agent_are_events() -> None:
    answers, events = await told({"type": "chat", "text": "hi", "connection_id": "c-1"})
    assert answers == []
    assert events == [
        "agent_started",
        "agent_thinking",
        "tool_executing",
        "tool_completed",
        "agent_completed",
    ]

"""The agent: a model chooses a tool and puts what it found into words, and each step is told of.

The tools are real. What stands in for something is the time that one takes, which in the product is
another service's.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from local_staging.chat_backend import tools
from local_staging.chat_backend.agent_memory import AgentMemory
from local_staging.chat_backend.calculator import CannotCalculate, calculate
from local_staging.chat_backend.model_client import Begun, Message, ModelError, Pause, ToolCall
from local_staging.chat_backend.tools import BadToolCall, ToolUse, use_of
from local_staging.chat_backend.transcript import StorageError, Transcript

TOOL_S = 0.020
INSTRUCTIONS = (
    "You are the assistant of a chat. Use exactly one tool, the one that helps most, "
    "then answer in one short sentence with what it found."
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """One step of a run; `sequence` counts from 1 in each run."""

    type: str
    run_id: str
    sequence: int
    fields: Mapping[str, Any] = field(default_factory=dict)


Emit = Callable[[AgentEvent], Awaitable[None]]


class Model(Protocol):
    """What decides and speaks."""

    async def tool_call(self, messages: Sequence[Message], begun: Begun) -> ToolCall:
        """Choose a tool; `begun` hears of its name first. Raises ModelError."""

    async def answer(self, messages: Sequence[Message]) -> str:
        """Say something. Raises ModelError."""


class Agent:
    """The agent of one user: it writes the transcript, and remembers its runs and last result."""

    def __init__(self, transcript: Transcript, model: Model, pause: Pause) -> None:
        self._transcript = transcript
        self._model = model
        self._pause = pause
        self.memory = AgentMemory()

    def knows(self, run_id: str) -> bool:
        """Whether this was one of the latest runs."""
        return run_id in self.memory.run_ids

    async def run(self, text: str, emit: Emit) -> None:
        """Answer one message: five events, in order, through `emit`.

        Raises StorageError, ModelError.
        """
        run_id = str(uuid.uuid4())
        await self._transcript.add("user", text)
        self.memory.run_ids.append(run_id)
        await emit(AgentEvent("agent_started", run_id, 1))

        async def thinking(tool: str) -> None:
            plan = f"use the {tool.replace('_', ' ')}"
            await emit(AgentEvent("agent_thinking", run_id, 2, {"plan": plan}))

        messages: list[Message] = [
            {"role": "system", "content": INSTRUCTIONS},
            {"role": "user", "content": text},
        ]
        call = await self._model.tool_call(messages, thinking)
        try:
            use = use_of(call.name, call.arguments)
        except BadToolCall as error:
            raise ModelError(f"the model's tool cannot be used: {error}") from error
        tool = {"tool": use.tool.title}
        await emit(AgentEvent("tool_executing", run_id, 3, {**tool, "input": use.input}))
        await self._pause(TOOL_S)
        output = await self._used(use)
        await emit(AgentEvent("tool_completed", run_id, 4, {**tool, "output": output}))
        answer = await self._model.answer([*messages, call.to_message(), call.answered(output)])
        await emit(AgentEvent("agent_completed", run_id, 5, {"answer": answer}))
        try:
            await self._transcript.add("agent", answer)
        except StorageError as error:
            # The user has the answer, so this run did not fail.
            _log.error("an answer is missing in the transcript: %s", error)

    async def _used(self, use: ToolUse) -> str:
        match use.tool:
            case tools.CALCULATOR:
                return self._calculated(use.input)
            case tools.CONVERSATION_COUNTER:
                return _counted(" ".join(await self._transcript.said_by_user()))
            case tools.TIMER:
                await self._pause(float(use.input))
                return f"{use.input} s are over"
        return _counted(use.input)

    def _calculated(self, expression: str) -> str:
        try:
            result = calculate(expression, self.memory.last_result)
        except CannotCalculate as error:
            return f"no result, {error}"
        self.memory.last_result = result
        return f"{expression} = {result}"


def _counted(text: str) -> str:
    words = len(text.split())
    return f"{words} word{'' if words == 1 else 's'}"

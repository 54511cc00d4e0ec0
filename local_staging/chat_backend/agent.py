"""A small deterministic agent: it picks a tool, uses it, and tells of each step as it happens.

The tools are real. What stands in for something is the time between the steps, which in the product
goes to a language model.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_staging.chat_backend.agent_memory import AgentMemory
from local_staging.chat_backend.calculator import CannotCalculate, calculate, expression_in
from local_staging.chat_backend.transcript import StorageError, Transcript

READING_S = 0.015
THINKING_S = 0.025
TOOL_S = 0.020
ANSWERING_S = 0.025

# "Remind me in 30 seconds", "wait 2 s".
_WAIT = re.compile(r"\b(?:wait|in)\s+(\d{1,5}(?:\.\d+)?)\s*(?:s|sec|seconds?)\b", re.IGNORECASE)
LONGEST_TIMER_S = 600.0

Pause = Callable[[float], Awaitable[None]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """One step of a run; `sequence` counts from 1 in each run."""

    type: str
    run_id: str
    sequence: int
    fields: Mapping[str, Any] = field(default_factory=dict)


Emit = Callable[[AgentEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool, and what it is given."""

    tool: str
    input: str


class Agent:
    """The agent of one user: it writes the transcript, and remembers its runs and last result."""

    def __init__(self, transcript: Transcript, pause: Pause) -> None:
        self._transcript = transcript
        self._pause = pause
        self.memory = AgentMemory()

    def knows(self, run_id: str) -> bool:
        """Whether this was one of the latest runs."""
        return run_id in self.memory.run_ids

    async def run(self, text: str, emit: Emit) -> None:
        """Answer one message: five events, in order, through `emit`. Raises StorageError."""
        run_id = str(uuid.uuid4())
        await self._transcript.add("user", text)
        self.memory.run_ids.append(run_id)
        await emit(AgentEvent("agent_started", run_id, 1))
        await self._pause(READING_S)
        use = chosen_tool(text)
        await emit(AgentEvent("agent_thinking", run_id, 2, {"plan": f"use the {use.tool}"}))
        await self._pause(THINKING_S)
        await emit(AgentEvent("tool_executing", run_id, 3, {"tool": use.tool, "input": use.input}))
        await self._pause(TOOL_S)
        output = await self._used(use)
        await emit(AgentEvent("tool_completed", run_id, 4, {"tool": use.tool, "output": output}))
        await self._pause(ANSWERING_S)
        answer = f"The {use.tool} says: {output}."
        await emit(AgentEvent("agent_completed", run_id, 5, {"answer": answer}))
        try:
            await self._transcript.add("agent", answer)
        except StorageError as error:
            # The user has the answer, so this run did not fail.
            _log.error("an answer is missing in the transcript: %s", error)

    async def _used(self, use: ToolUse) -> str:
        match use.tool:
            case "calculator":
                return self._calculated(use.input)
            case "conversation counter":
                return _counted(" ".join(await self._transcript.said_by_user()))
            case "timer":
                await self._pause(float(use.input))
                return f"{use.input} s are over"
            case _:
                return _counted(use.input)

    def _calculated(self, expression: str) -> str:
        try:
            result = calculate(expression, self.memory.last_result)
        except CannotCalculate as error:
            return f"no result, {error}"
        self.memory.last_result = result
        return f"{expression} = {result}"


def chosen_tool(text: str) -> ToolUse:
    """Return what the agent does about a message."""
    expression = expression_in(text)
    if expression is not None:
        return ToolUse("calculator", expression)
    wait = _WAIT.search(text)
    if wait is not None:
        return ToolUse("timer", f"{min(float(wait[1]), LONGEST_TIMER_S):g}")
    if "so far" in text.lower():
        return ToolUse("conversation counter", "all you said")
    return ToolUse("word counter", text)


def _counted(text: str) -> str:
    words = len(text.split())
    return f"{words} word{'' if words == 1 else 's'}"

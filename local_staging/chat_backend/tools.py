"""The tools of the agent, as a model is told of them, and what a model may ask of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

LONGEST_TIMER_S = 600.0


class BadToolCall(Exception):
    """A model asked for what no tool does; the text says what."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its name, what it does, and its one argument, if it takes any."""

    name: str
    does: str
    argument: str | None = None
    takes: str = ""
    kind: str = "string"

    @property
    def title(self) -> str:
        """What it is called among people."""
        return self.name.replace("_", " ")

    def to_json(self) -> dict[str, Any]:
        """Return it as OpenAI's API has it."""
        known = {self.argument: {"type": self.kind, "description": self.takes}}
        properties = {} if self.argument is None else known
        parameters = {"type": "object", "properties": properties, "required": list(properties)}
        function = {"name": self.name, "description": self.does, "parameters": parameters}
        return {"type": "function", "function": function}


CALCULATOR = Tool(
    "calculator",
    "Work out an arithmetic expression.",
    "expression",
    "Numbers, + - * / // %, parentheses; last is the result of the calculation before.",
)
TIMER = Tool("timer", "Wait.", "seconds", f"Up to {LONGEST_TIMER_S:g}.", "number")
CONVERSATION_COUNTER = Tool(
    "conversation_counter", "Count the words of all that the user has said so far."
)
WORD_COUNTER = Tool("word_counter", "Count the words of a text.", "text", "The text.")
TOOLS = (CALCULATOR, TIMER, CONVERSATION_COUNTER, WORD_COUNTER)


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool, and what it is given."""

    tool: Tool
    input: str


def use_of(name: str, arguments: str) -> ToolUse:
    """Return what a model asks for; `arguments` is JSON. Raises BadToolCall."""
    tool = next((each for each in TOOLS if each.name == name), None)
    if tool is None:
        raise BadToolCall(f"there is no tool {name!r}")
    if tool.argument is None:
        return ToolUse(tool, "all you said")
    try:
        fields = json.loads(arguments)
    except (ValueError, RecursionError):
        fields = None
    value = fields.get(tool.argument) if isinstance(fields, dict) else None
    match tool.kind, value:
        case "string", str():
            return ToolUse(tool, value)
        # True is an int, too; and a duration is neither below nothing nor no number at all.
        case "number", int() | float() if not isinstance(value, bool) and value >= 0:
            return ToolUse(tool, f"{min(float(value), LONGEST_TIMER_S):g}")
    raise BadToolCall(f"the {tool.title} needs {tool.argument}, a {tool.kind}")

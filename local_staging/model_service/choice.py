"""Which tool a message asks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# "Remind me in 30 seconds", "wait 2 s".
_WAIT = re.compile(r"\b(?:wait|in)\s+(\d{1,5}(?:\.\d+)?)\s*(?:s|sec|seconds?)\b", re.IGNORECASE)

# "last" is the result before. Short enough for any parser.
_CANDIDATE = re.compile(r"(?:\blast\b|[\d.+\-*/%()\s])+")
_LONGEST_EXPRESSION = 100


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool by name, and its arguments."""

    name: str
    arguments: Mapping[str, Any]


def chosen_tool(text: str) -> ToolCall:
    """Return what is to be done about a message."""
    expression = expression_in(text)
    if expression is not None:
        return ToolCall("calculator", {"expression": expression})
    wait = _WAIT.search(text)
    if wait is not None:
        return ToolCall("timer", {"seconds": float(wait[1])})
    if "so far" in text.lower():
        return ToolCall("conversation_counter", {})
    return ToolCall("word_counter", {"text": text})


def expression_in(text: str) -> str | None:
    """Return the first arithmetic expression of a sentence, or None."""
    for match in _CANDIDATE.finditer(text):
        # A full stop or a dash may belong to the sentence around.
        candidate = match.group().strip().rstrip(".-").rstrip()
        if _is_calculation(candidate):
            return candidate
    return None


def _is_calculation(text: str) -> bool:
    if not 0 < len(text) <= _LONGEST_EXPRESSION:
        return False
    try:
        return isinstance(ast.parse(text, mode="eval").body, ast.BinOp)
    except (SyntaxError, ValueError):
        return False

"""Which server messages a client message cannot do without: those whose values it echoes.

A value counts when the server said it first. Order alone proves nothing: a client that happened to
wait need not have waited.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from capture.format.model import Direction
from capture.messages import Message

MIN_STRING = 6
MIN_NUMBER = 1_000
_WORD = re.compile(r"[A-Za-z0-9_-]{6,}")


def echoed(messages: Sequence[Message]) -> Mapping[int, tuple[int, ...]]:
    """Return, by index of each client message of a connection, the server messages it echoes."""
    issued: dict[str, int] = {}
    said_by_client: set[str] = set()
    needs: dict[int, tuple[int, ...]] = {}
    for message in messages:
        values = set(_values(message))
        if message.direction is Direction.SERVER_TO_CLIENT:
            for value in values - said_by_client:
                issued.setdefault(value, message.index)
        else:
            needs[message.index] = tuple(sorted({issued[v] for v in values if v in issued}))
            said_by_client |= values
    return needs


def _values(message: Message) -> Iterator[str]:
    """Yield what is specific enough to be recognised when it comes back."""
    if not message.is_text:
        return
    try:
        decoded = json.loads(message.text)
    except (ValueError, RecursionError):
        yield from (word for word in _WORD.findall(message.text) if _is_specific(word))
        return
    for leaf in _leaves(decoded):
        if isinstance(leaf, str) and _is_specific(leaf):
            yield leaf
        elif isinstance(leaf, int) and not isinstance(leaf, bool) and abs(leaf) >= MIN_NUMBER:
            yield str(leaf)


def _is_specific(text: str) -> bool:
    # Words such as "message" or "completed" are vocabulary; ids have digits.
    return len(text) >= MIN_STRING and any(char.isdigit() for char in text)


def _leaves(value: Any) -> Iterator[Any]:  # noqa: ANN401  JSON is any of its types
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        else:
            yield value

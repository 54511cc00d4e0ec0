"""What a message is called: the name that tells it from others of the same conversation.

In nearly every protocol a message says what it is, in a field or as its first word. Where it does
not, what it is built like has to do.
"""

from __future__ import annotations

import json
import re
from typing import Any

from capture.messages import Message

NAMING_FIELDS = ("type", "event", "op", "action", "kind", "method", "cmd", "command", "name", "t")
MAX_KIND = 48
_VARYING = re.compile(r"[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]+)*|\d+(?:[.:]\d+)*")
# socket.io and engine.io put digits before their JSON.
_PREFIXED_JSON = re.compile(r"\d*(?=[\[{])")


def message_kind(message: Message) -> str:
    """Return the kind of a recorded message."""
    return kind_of(message.payload, is_text=message.is_text)


def kind_of(payload: bytes, *, is_text: bool) -> str:
    """Return the kind of a payload, in a few printable characters without line breaks."""
    if not is_text:
        return "binary"
    text = payload.decode("utf-8", "replace")
    prefix = _PREFIXED_JSON.match(text)
    start = prefix.end() if prefix else 0
    try:
        value = json.loads(text[start:])
    except (ValueError, RecursionError):
        return _words(text) or "empty"
    return (text[:start] + _of_json(value))[:MAX_KIND]


def _of_json(value: Any) -> str:  # noqa: ANN401  any JSON
    if isinstance(value, dict):
        for name in NAMING_FIELDS:
            if isinstance(value.get(name), str):
                return f"{name}={_words(value[name])}"
        return "with " + ",".join(sorted(value))
    if isinstance(value, list):
        return f"[{_words(value[0])}]" if value and isinstance(value[0], str) else "list"
    return type(value).__name__


def _words(text: str) -> str:
    """Return a text on one line, what varies in it left out."""
    return " ".join(_VARYING.sub("#", text).split())[:MAX_KIND]

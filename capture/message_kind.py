"""What a message is called: the name that tells it from others of the same conversation.

In nearly every protocol a message says what it is, in a field or as its first word. Where it does
not, what it is built like has to do.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import pairwise
from typing import Any

from capture.messages import Message

NAMING_FIELDS = ("type", "event", "op", "action", "kind", "method", "cmd", "command", "name", "t")
MAX_KIND = 48
LONGEST_NAMED = 4_096
LONGEST_KEPT, MOST_KEPT = 512, 4_096
SHORTEST_MIXED, MIXED = 8, 0.3
# A placeholder stands where another session has a secret, and that looks otherwise.
_VARIES = r"\{\{deadheat:[a-z]+:s\d+\}\}|[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]+)*|\d+(?:[.:]\d+)*"
_VARYING = re.compile(_VARIES)
# In a text the first word is its name; ids are among the others, and no two have the same letters.
_WORD_OR_VARYING = re.compile(rf"(?P<word>(?<=[\s=:,;])[^\s=:,;{{}}]{{6,}}(?![^\s,;]))|{_VARIES}")
_LETTERS = re.compile(r"[^A-Za-z]")
# socket.io and engine.io put digits before their JSON.
_PREFIXED_JSON = re.compile(r"\d*(?=[\[{])")


def message_kind(message: Message) -> str:
    """Return the kind of a recorded message."""
    return kind_of(message.payload, is_text=message.is_text)


def kind_of(payload: bytes, *, is_text: bool) -> str:
    """Return the kind of a payload, in a few printable characters without line breaks."""
    if not is_text:
        return "binary"
    # The same is said again and again: by the runs of one session, and in the tables of each.
    return _known_kind_of(payload) if len(payload) <= LONGEST_KEPT else _kind_of(payload)


def _kind_of(payload: bytes) -> str:
    text = payload.decode("utf-8", "replace")
    prefix = _PREFIXED_JSON.match(text)
    start = prefix.end() if prefix else 0
    try:
        value = json.loads(text[start:])
    except (ValueError, RecursionError):
        return " ".join(without_ids(text[:LONGEST_NAMED])[0].split())[:MAX_KIND] or "empty"
    return (text[:start] + _of_json(value))[:MAX_KIND]


_known_kind_of = lru_cache(maxsize=MOST_KEPT)(_kind_of)


def looks_made_up(word: str) -> bool:
    """Whether no language has such a word: it has digits, or small and capital letters at random.

    Names such as sessionStarted change between the two, but not so often.
    """
    if any(char.isdigit() for char in word):
        return True
    letters = _LETTERS.sub("", word)
    changes = sum(one.isupper() != other.isupper() for one, other in pairwise(letters))
    return len(letters) >= SHORTEST_MIXED and changes >= MIXED * (len(letters) - 1)


def without_ids(text: str) -> tuple[str, list[str]]:
    """Return a text that is no JSON with # for each id, number and time, and what those were."""
    values: list[str] = []

    def hide(match: re.Match[str]) -> str:
        if match["word"] and not looks_made_up(match[0]) and not _VARYING.fullmatch(match[0]):
            return match[0]
        values.append(match[0])
        return "#"

    return _WORD_OR_VARYING.sub(hide, text), values


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

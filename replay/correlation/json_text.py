"""The leaves of a JSON text and where in the text they stand, so that one can be replaced alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

# socket.io and engine.io put digits before their JSON.
_PREFIX = re.compile(r"\d*(?=[\[{])")
_NAME = re.compile(r"[A-Za-z_]\w*")
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A string or a number at a path such as $.items[0].id; `start` to `end` is its text.

    Of a string that is what stands between its quotes. Names that are no plain words stand in
    brackets: $["a.b"].
    """

    path: str
    value: str
    is_number: bool
    start: int
    end: int


def json_leaves(text: str) -> list[Leaf] | None:
    """Return the leaves of a JSON object or list; None when the text is none."""
    prefix = _PREFIX.match(text)
    if prefix is None:
        return None
    try:
        json.loads(text[prefix.end() :])
    except (ValueError, RecursionError):
        return None
    return _leaves(text, prefix.end())


def _leaves(text: str, start: int) -> list[Leaf]:
    found: list[Leaf] = []
    # Of each open container the place in it: the key, or the index in a list.
    places: list[str | int | None] = []
    for match in _TOKEN.finditer(text, start):
        token = match[0]
        if token == "{":
            places.append(None)
        elif token == "[":
            places.append(0)
        elif token in "}]":
            places.pop()
        elif token == ",":
            place = places[-1]
            places[-1] = place + 1 if isinstance(place, int) else None
        elif places[-1] is None:
            places[-1] = json.loads(token)
        elif token != ":":
            leaf = _leaf(places, token, match.start(), match.end())
            found += [leaf] if leaf is not None else []
    return found


def _leaf(places: list[str | int | None], token: str, start: int, end: int) -> Leaf | None:
    path = "$" + "".join(map(_step, places))
    if token.startswith('"'):
        return Leaf(path, json.loads(token, strict=False), False, start + 1, end - 1)
    if token in ("true", "false", "null"):
        return None
    return Leaf(path, token, True, start, end)


def _step(place: str | int | None) -> str:
    if isinstance(place, str) and _NAME.fullmatch(place):
        return f".{place}"
    # A place is written with ">" between its steps, so none has one in it.
    return f"[{json.dumps(place)}]".replace(">", "\\u003e")

"""Where in a message a value stands.

`$` is the whole message, `$.user.id` a field, `$[1].id` an item of a list, `$.items[*].id` one of
each; `/seq (\\d+)/` is what the group of a regular expression finds in the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from replay.errors import CheckError
from replay.oracles.checks.observed import Said

Scalar = str | int | float | bool

_PATH = re.compile(r"\$((?:\.[^.\[\],=$\s]+|\[(?:\d+|\*)\])*)")
_PART = re.compile(r"\.([^.\[]+)|\[(\d+|\*)\]")


@dataclass(frozen=True, slots=True)
class Field:
    """A place in messages. Raises CheckError when the text is neither a path nor a /regex/."""

    text: str

    def __post_init__(self) -> None:
        if pattern_in(self.text) is None and not _PATH.fullmatch(self.text):
            raise CheckError(f"{self.text!r} is no field, expected $.user.id or /seq (\\d+)/")

    def __str__(self) -> str:
        return self.text

    def values(self, said: Said) -> list[Scalar]:
        """Return what stands there: nothing, one value, or several where there is a `*`.

        An object or a list counts as its text; null counts as nothing.
        """
        pattern = pattern_in(self.text)
        if pattern is not None:
            return [match[pattern.groups and 1] for match in pattern.finditer(said.text)]
        found = _found(said.value, _parts(self.text))
        return [each if isinstance(each, Scalar) else _written(each) for each in found]

    def keys(self, said: Said) -> list[str]:
        """Return the values as text, so that a number equals its digits."""
        return [each if isinstance(each, str) else _written(each) for each in self.values(said)]


def pattern_in(text: str) -> re.Pattern[str] | None:
    """Return the regular expression between slashes; None where there are none."""
    if len(text) < 3 or not (text.startswith("/") and text.endswith("/")):
        return None
    return compiled(text[1:-1])


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a regular expression. Raises CheckError."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise CheckError(f"{pattern!r} is no regular expression: {error}") from None


@cache
def _parts(path: str) -> tuple[str | int, ...]:
    """Return the names and numbers of a path; -1 stands for every item."""
    return tuple(
        name or (-1 if item == "*" else int(item)) for name, item in _PART.findall(path[1:])
    )


def _found(value: Any, parts: tuple[str | int, ...]) -> Iterator[Any]:  # noqa: ANN401  any JSON
    if not parts:
        if value is not None:
            yield value
        return
    first, rest = parts[0], parts[1:]
    if isinstance(first, str):
        if isinstance(value, dict) and first in value:
            yield from _found(value[first], rest)
    elif isinstance(value, list):
        for item in value if first == -1 else value[first : first + 1]:
            yield from _found(item, rest)


def _written(value: Any) -> str:  # noqa: ANN401  any JSON
    return json.dumps(value, sort_keys=True, ensure_ascii=False)

"""What varies in a line of text from run to run: times, addresses, ids, numbers."""

from __future__ import annotations

import re

_VARYING = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.,]+Z?|0x[0-9a-f]+|[0-9a-fA-F]{8,}(?:-\w+)*|\d+")


# What a log line begins with before it says anything: time, level, logger.
_HEAD = re.compile(r"[\[\](){}#:,.|-]*|\[?[A-Z]{4,8}\]?:?|[a-z_]\w*(?:\.\w+)+:?")


def words_of(line: str) -> list[str]:
    """Return the words of a log line without what varies, from the first that says something."""
    words = without_varying(line).split()
    while len(words) > 1 and _HEAD.fullmatch(words[0]):
        del words[0]
    return words


def without_varying(line: str) -> str:
    """Return a line with a # in place of each time, address, id and number."""
    return _VARYING.sub("#", line).strip()

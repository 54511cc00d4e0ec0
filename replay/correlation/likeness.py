"""Whether a value can be recognised when it comes again, by its look or by the name it has."""

from __future__ import annotations

import re

from capture.message_kind import looks_made_up
from capture.redaction import PLACEHOLDER

SHORTEST = 6
LONGEST = 4_096
LONG = 16
SMALLEST_NUMBER = 1_000
_INTEGER = re.compile(r"-?\d{1,18}")
# What identifies, or counts on: a value under such a name was made by whoever said it first.
_IDENTIFIES = re.compile(
    r"(?:id|ids|uid|uuid|guid|sid|session|token|key|nonce|ticket|cursor|ref|reference|handle|code"
    r"|seq|sequence|seqno|ack|acked|offset|version|rev|revision|epoch|counter|number|num|no|nr|n"
    r"|index|position|pos|since|last|resume|resumed|etag|generation|lease|s)\Z"
)
_ACKNOWLEDGES = re.compile(
    r"(?:ack|acked|acknowledged|last|since|resume|reply|ref|received|confirm|confirmed|read|seen"
    r"|processed|upto|after|from|cursor|offset|base|parent|expected)(?:_|\Z)"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SUFFIX = re.compile(r"_?(?:ids?|no|num|number)\Z")


def is_specific(text: str) -> bool:
    """Whether a value is unlikely to come twice by chance."""
    if PLACEHOLDER.fullmatch(text):
        return True
    if _INTEGER.fullmatch(text):
        return abs(int(text)) >= SMALLEST_NUMBER
    if not SHORTEST <= len(text) <= LONGEST or any(char.isspace() for char in text):
        return False
    return looks_made_up(text)


def is_short(text: str) -> bool:
    """Whether a value may be one that its name has to speak for."""
    return len(text) < LONG and text.isprintable() and " " not in text and not is_specific(text)


def is_count(text: str) -> bool:
    """Whether a value is a whole number."""
    return _INTEGER.fullmatch(text) is not None


def identifies(name: str) -> bool:
    """Whether what stands under a name is an id or a count."""
    return _IDENTIFIES.search(_plain(name)) is not None


def acknowledges(name: str) -> bool:
    """Whether what stands under a name is by custom what the other side said."""
    return _ACKNOWLEDGES.search(_plain(name)) is not None


def are_kin(one: str, other: str) -> bool:
    """Whether two names are of the same thing: session and session_id, lastSeq and seq."""
    first, second = _plain(one), _plain(other)
    if not (identifies(first) and identifies(second)):
        return False
    if first == second or _SUFFIX.sub("", first) == _SUFFIX.sub("", second) != "":
        return True
    return first.endswith(f"_{second}") or second.endswith(f"_{first}")


def _plain(name: str) -> str:
    return _CAMEL.sub("_", name).lower().replace("-", "_")

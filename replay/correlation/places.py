"""Where a value stands in what was said, and how to read or replace what stands there.

A place is written as steps, each within what the one before it found: `$.items[0].id`, `word 2`,
`word 1 > part 2`, `query session`, `path 3`, `cookie sid`, `$.data > $.id` (JSON in a string of
JSON). Words stand between spaces, commas, equals signs and brackets; the parts of a word between
colons, slashes and dots.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote, unquote_plus

from capture.redaction import PLACEHOLDER
from replay.correlation.json_text import json_leaves
from replay.errors import PlanError

DEEPEST = 4
_THEN = " > "
_BETWEEN_WORDS = r"\s,;=&?|\"'()<>{}\[\]"
# Base64 may end in equals signs, which else come between a name and its value.
_WORD = re.compile(rf"{PLACEHOLDER.pattern}|[^{_BETWEEN_WORDS}]+(?:==?(?![^{_BETWEEN_WORDS}]))?")
_PART = re.compile(rf"{PLACEHOLDER.pattern}|[\w-]+")
_SEGMENT = re.compile(r"(?<=/)[^/?#]+")
_PAIR = re.compile(r"(?<=[?&])([^=&#]+)=([^&#]*)")
_COOKIE = re.compile(r"(?:\A|;)\s*([^=;\s]+)=([^;]*)")
_AUTHORITY = re.compile(r"\A[a-z]+://[^/?#]*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_STEP = re.compile(r"\$\S.*|(?:word|part|path) [1-9]\d*|(?:query|cookie) \S.*")


class Written(StrEnum):
    """As what a text is to be read."""

    MESSAGE = "message"
    URL = "url"
    HEADER = "header"
    COOKIES = "cookies"
    WITHIN = "within"


class Form(StrEnum):
    """How a value is written where it stands."""

    PLAIN = "plain"
    STRING = "string"
    NUMBER = "number"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Value:
    """A value, as it is meant, and its place. `name` is what it stands under; empty for none."""

    place: str
    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Spot:
    """What one step finds: characters `start` to `end` of a text, which mean `value`."""

    step: str
    start: int
    end: int
    value: str
    form: Form = Form.PLAIN
    name: str = ""


def check_place(place: str) -> None:
    """Raise PlanError unless this is how a place is written."""
    if not all(_STEP.fullmatch(step) for step in place.split(_THEN)):
        raise PlanError(
            f"place is {place!r}, expected for example $.session, word 2, query id, path 1 or "
            "cookie sid"
        )


def values_in(text: str, written: Written, depth: int = 0) -> Iterator[Value]:
    """Yield every value in a text, each before those within it."""
    for spot in _outermost(text, written):
        if spot.value:
            yield Value(spot.step, spot.value, spot.name)
        if depth < DEEPEST and spot.form is not Form.NUMBER:
            for inner in values_in(spot.value, Written.WITHIN, depth + 1):
                yield Value(f"{spot.step}{_THEN}{inner.place}", inner.text, inner.name or spot.name)


def found_at(text: str, place: str) -> str | None:
    """Return the value at a place; None when the text has no such place."""
    value: str | None = text
    for step in place.split(_THEN):
        spot = _spot(value, step) if value is not None else None
        value = None if spot is None else spot.value
    return value


def change_at(text: str, place: str, value: str) -> tuple[int, int, str] | None:
    """Return which characters of a text to replace by what, so that the place has another value.

    None when the text has no such place.
    """
    step, _, rest = place.partition(_THEN)
    spot = _spot(text, step)
    if spot is None:
        return None
    if rest:
        inner = change_at(spot.value, rest, value)
        if inner is None:
            return None
        start, end, new = inner
        value = spot.value[:start] + new + spot.value[end:]
    return spot.start, spot.end, _as_written(value, spot.form)


def replaced_at(text: str, place: str, value: str) -> str:
    """Return a text with another value at a place; the same text when it has no such place."""
    change = change_at(text, place, value)
    if change is None:
        return text
    start, end, new = change
    return text[:start] + new + text[end:]


def _as_written(value: str, form: Form) -> str:
    match form:
        case Form.STRING:
            return _json(value)[1:-1]
        case Form.NUMBER:
            return value if _NUMBER.fullmatch(value) else _json(value)
        case Form.PERCENT:
            return value if PLACEHOLDER.search(value) else _quoted(value)
        case Form.PLAIN:
            return value


def _quoted(value: str) -> str:
    return quote(value, safe="~-._!$'()*,:@", errors="replace")


def _json(value: str) -> str:
    # Half of a surrogate pair can be written in no other way than escaped.
    has_half = any("\ud800" <= char <= "\udfff" for char in value)
    return json.dumps(value, ensure_ascii=has_half)


def _outermost(text: str, written: Written) -> Iterator[_Spot]:
    match written:
        case Written.URL:
            return _in_url(text)
        case Written.COOKIES:
            return _in_cookies(text)
        case Written.HEADER:
            return _in_words(text)
        case Written.MESSAGE:
            return _in_words(text) if json_leaves(text) is None else _in_json(text)
        case Written.WITHIN:
            return _within(text)


def _within(text: str) -> Iterator[_Spot]:
    """Yield what stands in the value of an outer spot, unless that is the whole of it."""
    if text[:1] in ("{", "[") and json_leaves(text) is not None and not PLACEHOLDER.match(text):
        yield from _in_json(text)
    elif ("://" in text or text.startswith("/")) and not re.search(r"\s", text):
        yield from _in_url(text)
    else:
        words = list(_in_words(text))
        inner = words if len(words) > 1 else list(_in_parts(text))
        if len(inner) > 1 or (inner and inner[0].value != text):
            yield from inner


def _spot(text: str, step: str) -> _Spot | None:
    finder = _FINDERS.get(step.partition(" ")[0], _in_json)
    return next((spot for spot in finder(text) if spot.step == step), None)


def _in_json(text: str) -> Iterator[_Spot]:
    for leaf in json_leaves(text) or ():
        form = Form.NUMBER if leaf.is_number else Form.STRING
        name = re.sub(r"\[\d+\]", "", leaf.path).removeprefix("$")
        name = name.removesuffix('"]').rpartition('["' if name.endswith('"]') else ".")[2]
        yield _Spot(leaf.path, leaf.start, leaf.end, leaf.value, form, name)


def _in_words(text: str) -> Iterator[_Spot]:
    previous = ""
    for number, match in enumerate(_WORD.finditer(text), start=1):
        yield _Spot(f"word {number}", *match.span(), match[0], name=previous)
        previous = match[0]


def _in_parts(text: str) -> Iterator[_Spot]:
    previous = ""
    for number, match in enumerate(_PART.finditer(text), start=1):
        yield _Spot(f"part {number}", *match.span(), match[0], name=previous)
        previous = match[0]


def _in_url(text: str) -> Iterator[_Spot]:
    yield from _in_path(text)
    yield from _in_query(text)


def _in_path(text: str) -> Iterator[_Spot]:
    authority = _AUTHORITY.match(text)
    start = authority.end() if authority else 0
    end = min((at for mark in "?#" if (at := text.find(mark)) >= 0), default=len(text))
    previous = ""
    for number, match in enumerate(_SEGMENT.finditer(text, start, end), start=1):
        value = unquote(match[0])
        yield _Spot(f"path {number}", *match.span(), value, Form.PERCENT, previous)
        previous = value


def _in_query(text: str) -> Iterator[_Spot]:
    for match in _PAIR.finditer(text):
        value = unquote_plus(match[2])
        yield _Spot(f"query {match[1]}", *match.span(2), value, Form.PERCENT, match[1])


def _in_cookies(text: str) -> Iterator[_Spot]:
    for match in _COOKIE.finditer(text):
        value = match[2].strip()
        start = match.start(2) + match[2].index(value)
        yield _Spot(f"cookie {match[1]}", start, start + len(value), value, name=match[1])


_FINDERS: dict[str, Callable[[str], Iterator[_Spot]]] = {
    "word": _in_words,
    "part": _in_parts,
    "path": _in_path,
    "query": _in_query,
    "cookie": _in_cookies,
}

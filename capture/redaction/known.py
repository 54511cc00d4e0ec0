"""The secrets that one recording met: the same value is the same secret wherever it comes again.

Values stay in memory only. A message is searched for all of them at once: whatever holds a value
holds one of four aligned four-byte blocks of its end, so most messages cost one set comparison.
Values too short for that are looked for as whole words.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

from capture.format.model import Secret

MOST_REMEMBERED = 4096
SHORTEST_SEARCHED = 8
SHORTEST_WORD = 4
_BLOCK = 4
_ENDING = 2 * _BLOCK - 1


class KnownSecrets:
    """Remembers secrets by value; the oldest is forgotten when there are MOST_REMEMBERED."""

    def __init__(self) -> None:
        self._by_value: dict[bytes, Secret] = {}
        self._by_block: dict[int, set[bytes]] = {}
        # The keys again: a set is asked twice as fast as the keys of a dict.
        self._ending_blocks: set[int] = set()
        self._words: set[bytes] = set()
        self._any_word: re.Pattern[bytes] | None = None

    def get(self, value: bytes) -> Secret | None:
        """Return the secret of a value."""
        return self._by_value.get(value)

    def add(self, value: bytes, secret: Secret, *, searched: bool) -> None:
        """Remember a secret; a `searched` one is also found inside messages, however escaped."""
        self._by_value[value] = secret
        if searched and SHORTEST_WORD <= len(value) < SHORTEST_SEARCHED:
            self._words.add(value)
            self._any_word = _whole(self._words)
        if searched and len(value) >= SHORTEST_SEARCHED:
            for form in _forms(value):
                self._by_value.setdefault(form, secret)
                for block in _ending_blocks(form):
                    self._by_block.setdefault(block, set()).add(form)
                    self._ending_blocks.add(block)
        while len(self._by_value) > MOST_REMEMBERED:
            self._forget(next(iter(self._by_value)))

    def may_be_in(self, payload: bytes) -> bool:
        """Answer no, fast, when no searched value is in a payload; every frame passes here."""
        if self._any_word is not None and self._any_word.search(payload):
            return True
        return bool(self._ending_blocks) and not self._ending_blocks.isdisjoint(_blocks(payload))

    def find(self, payload: bytes) -> Iterator[tuple[int, int]]:
        """Yield where searched values are."""
        if self._any_word is not None:
            yield from (match.span() for match in self._any_word.finditer(payload))
        candidates: set[bytes] = set()
        for block in self._ending_blocks.intersection(_blocks(payload)):
            candidates |= self._by_block[block]
        for value in candidates:
            at = payload.find(value)
            while at >= 0:
                yield at, at + len(value)
                at = payload.find(value, at + len(value))

    def _forget(self, value: bytes) -> None:
        del self._by_value[value]
        if value in self._words:
            self._words.remove(value)
            self._any_word = _whole(self._words)
        for block in _ending_blocks(value) if len(value) >= SHORTEST_SEARCHED else ():
            values = self._by_block.get(block, set())
            values.discard(value)
            if not values:
                self._by_block.pop(block, None)
                self._ending_blocks.discard(block)


def _whole(words: set[bytes]) -> re.Pattern[bytes] | None:
    """Return a pattern for any of these as a whole word."""
    if not words:
        return None
    any_of = b"|".join(re.escape(word) for word in sorted(words))
    return re.compile(rb"(?<![A-Za-z0-9])(?:" + any_of + rb")(?![A-Za-z0-9])")


def _blocks(payload: bytes) -> memoryview:
    return memoryview(payload[: len(payload) & -_BLOCK]).cast("I")


def _ending_blocks(value: bytes) -> list[int]:
    # The end, as secrets of one kind often begin alike.
    ending = value[-_ENDING:]
    return [struct.unpack_from("I", ending, at)[0] for at in range(_BLOCK)]


def _forms(value: bytes) -> set[bytes]:
    """Return the ways in which a value may be written: as it is, in JSON, in a URL."""
    forms = {value, unquote_to_bytes(value), quote_from_bytes(value, safe="").encode()}
    forms.add(value.replace(b"/", b"\\/"))
    try:
        forms.add(msgspec.json.encode(value.decode())[1:-1])
        forms.add(msgspec.json.decode(b'"' + value + b'"', type=str).encode())
    except (UnicodeError, msgspec.MsgspecError):
        pass
    return {form for form in forms if len(form) >= SHORTEST_SEARCHED}

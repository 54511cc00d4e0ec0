"""Placeholders in the place of secrets, the same one for the same secret.

A placeholder such as {{deadheat:jwt:s1}} keeps what a replay needs to put a fresh secret there: the
kind, and of a JWT its algorithm, claims and lifetime. Everything works on bytes, so that spans are
offsets into the payload.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from capture.format.model import HeaderPairs, Secret
from capture.redaction.hints import LONGEST_KEPT, MOST_KEPT, may_hold_a_secret
from capture.redaction.jwt_shape import describe_jwt, is_jwt
from capture.redaction.known import SHORTEST_SEARCHED, KnownSecrets
from capture.redaction.names import Expect, announces_a_secret, looks_secret
from capture.redaction.rules import (
    Found,
    in_first_message,
    in_header,
    in_message,
    in_url,
)

# What every opening handshake has; 16 random bytes, and what is made of them, are no secret.
_OF_THE_HANDSHAKE = re.compile(
    "(?i:upgrade): websocket|(?i:connection): Upgrade|(?i:sec-websocket-version): 13"
    "|(?i:sec-websocket-key): [A-Za-z0-9+/]{22}==|(?i:sec-websocket-accept): [A-Za-z0-9+/]{27}="
)
# Every run of a session asks for the same. Nothing that may be a secret is kept.
_HARMLESS: set[tuple[str | None, bytes]] = set()
PLACEHOLDER = re.compile(r"\{\{deadheat:(?P<kind>[a-z]+):(?P<id>s\d+)\}\}")
# How a message of a connection is called, and how much of the server's is kept in memory.
OF_CONNECTION = "message"
MOST_SAID, LONGEST_SAID, SHORTEST_SAID = 512, 16_384, 10
_PLACEHOLDER = re.compile(PLACEHOLDER.pattern.encode())


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` of a payload are a secret."""

    start: int
    end: int
    secret: Secret

    @property
    def placeholder(self) -> bytes:
        """What the record has in their place."""
        return placeholder(self.secret).encode()


def placeholder(secret: Secret) -> str:
    """Return the text that stands in the record where the secret was."""
    return "{{deadheat:" + secret.kind + ":" + secret.id + "}}"


def apply(
    payload: bytes, spans: Sequence[Span], *, start: int = 0, end: int | None = None
) -> bytes:
    """Return bytes `start` to `end` of a payload, with each span that begins there replaced.

    A span that began before `start` is left out: it stands where it began.
    """
    end = len(payload) if end is None else end
    if not spans:
        return payload[start:end]
    parts: list[bytes] = []
    position = start
    for span in spans:
        if span.start >= end:
            break
        if span.start >= start:
            parts += (payload[position : span.start], span.placeholder)
        position = max(position, min(span.end, end))
    return b"".join((*parts, payload[position:end]))


class SaidInClear:
    """The latest messages of the server, in which a value may stand that nobody took for a secret.

    Where a client sends it back under a secret's name it is left as it is: it is in the record
    already, and a replay has to see that it is the server's.
    """

    def __init__(self) -> None:
        self._latest: deque[bytes] = deque(maxlen=MOST_SAID)

    def add(self, payload: bytes) -> None:
        """Take a message of the server, unless it is too long to hold a single value."""
        if len(payload) <= LONGEST_SAID:
            self._latest.append(payload)

    def has(self, value: bytes) -> bool:
        """Whether a value that could be nothing else stood there, whole."""
        if len(value) < SHORTEST_SAID or not looks_secret(value, SHORTEST_SAID):
            return False
        whole = re.compile(rb"(?<![\w-])" + re.escape(value) + rb"(?![\w-])")
        return any(whole.search(payload) for payload in self._latest)


@dataclass(slots=True)
class Redactor:
    """Finds secrets and remembers them for one recording; the values stay in memory only."""

    _known: KnownSecrets = field(default_factory=KnownSecrets, repr=False)
    _count: int = 0
    _said: SaidInClear = field(default_factory=SaidInClear, repr=False)

    def remember(self, value: str, secret: Secret) -> None:
        """Take a value for this secret from now on, wherever it comes."""
        known = _encoded(value)
        if known:
            searched = len(known) >= SHORTEST_SEARCHED or _is_searched(known, secret.kind)
            self._known.add(known, secret, searched=searched)

    def message(
        self, payload: bytes, *, where: str, is_first: bool = False, from_client: bool = False
    ) -> tuple[Span, ...]:
        """Return the secrets in a message, in order, none overlapping.

        `is_first` marks the first message of a client, where any named value counts as a secret.
        """
        spans: tuple[Span, ...] = ()
        # Nearly every message holds none, and is not looked at twice.
        if may_hold_a_secret(payload) or self._known.may_be_in(payload):
            spans = self._in_message(payload, where, is_first=is_first, from_client=from_client)
        if where == OF_CONNECTION and not from_client:
            self._said.add(apply(payload, spans) if spans else payload)
        return spans

    def _in_message(
        self, payload: bytes, where: str, *, is_first: bool, from_client: bool
    ) -> tuple[Span, ...]:
        if is_first:
            expect = Expect.CREDENTIALS
        else:
            expect = Expect.CLIENT if from_client else Expect.ANYTHING
        found = [*in_message(payload, where, expect)]
        if is_first:
            found += in_first_message(payload, where)
        return self._settled(payload, found)

    def text(self, text: str, *, where: str) -> tuple[str, tuple[Secret, ...]]:
        """Return a text (a reason, a body, an error) with its secrets replaced."""
        payload = _encoded(text)
        return _replaced(payload, self.message(payload, where=where))

    def url(self, url: str) -> tuple[str, tuple[Secret, ...]]:
        """Return a URL with the tokens in its query, and anywhere else in it, replaced."""
        payload = _encoded(url)
        return _replaced(payload, self._of(payload, _found_at(None, payload)))

    def headers(self, headers: HeaderPairs) -> tuple[HeaderPairs, tuple[Secret, ...]]:
        """Return headers with Authorization, cookies, tokens and anything of JWT shape replaced."""
        clean: list[tuple[str, str]] = []
        found: list[Secret] = []
        for name, value in headers:
            if _OF_THE_HANDSHAKE.fullmatch(f"{name}: {value}"):
                clean.append((name, value))
                continue
            payload = _encoded(value)
            spans = self._of(payload, _found_at(name.lower(), payload))
            clean_value, in_value = _replaced(payload, spans)
            # A line without a colon is all name, whatever stands in it.
            clean_name, in_name = self.text(name, where="header name")
            clean.append((clean_name, clean_value))
            found += (*in_name, *in_value)
        return tuple(clean), tuple(found)

    def _of(self, payload: bytes, found: Sequence[Found]) -> tuple[Span, ...]:
        """Return the secrets in something that is short and where nothing else may be found."""
        return self._settled(payload, found) if found or self._known.may_be_in(payload) else ()

    def _settled(self, payload: bytes, found: Iterable[Found]) -> tuple[Span, ...]:
        """Put what was found in order; of overlaps the later one keeps what is its own."""
        known = (Found(start, end, "") for start, end in self._known.find(payload))
        spans: list[Span] = []
        end = 0
        for each in sorted((*found, *known), key=lambda each: (each.start, -each.end)):
            # Cut, not dropped: no byte of a secret may stay.
            start = max(each.start, end)
            value = payload[start : each.end]
            if value and not _PLACEHOLDER.fullmatch(value) and not self._is_left(value, each):
                spans.append(Span(start, each.end, self._secret(value, each)))
                end = each.end
        return tuple(spans)

    def _is_left(self, value: bytes, found: Found) -> bool:
        """Whether a token is one that the server said in clear before anybody called it one."""
        plain = found.inner or value
        is_plain_token = found.kind == "token" and not found.encoding and not is_jwt(plain)
        return is_plain_token and self._known.get(plain) is None and self._said.has(plain)

    def _secret(self, value: bytes, found: Found) -> Secret:
        # Percent-encoded it is the same secret; wrapped it is another, as a replay must wrap it.
        is_wrapped = found.encoding != ""
        plain = found.inner if found.inner and not is_wrapped else value
        secret = self._known.get(plain)
        if secret is None:
            secret = self._described(found, plain)
            self._known.add(plain, secret, searched=_is_searched(plain, secret.kind))
        if plain != value:
            self._known.add(value, secret, searched=_is_searched(value, secret.kind))
        elif is_wrapped and self._known.get(found.inner) is None:
            self._secret(found.inner, Found(0, len(found.inner), found.where, found.kind))
        return secret

    def _described(self, found: Found, plain: bytes) -> Secret:
        self._count += 1
        secret_id = f"s{self._count}"
        jwt = found.inner if found.encoding else plain
        description = describe_jwt(jwt, self._clean) if is_jwt(jwt) else {"kind": found.kind}
        return Secret(id=secret_id, where=found.where, encoding=found.encoding, **description)

    def _clean(self, part: Any) -> Any:  # noqa: ANN401  any JSON
        """Return a part of a JWT without the secrets in it."""
        if isinstance(part, dict):
            return {
                self.text(name, where="claim")[0]: (
                    "" if announces_a_secret(name) else self._clean(value)
                )
                for name, value in part.items()
            }
        if isinstance(part, list):
            return [self._clean(each) for each in part]
        return self.text(part, where="claim")[0] if isinstance(part, str) else part


def _found_at(header: str | None, payload: bytes) -> Sequence[Found]:
    """Return what stands in a URL, or with its name in a header."""
    if (header, payload) in _HARMLESS:
        return ()
    found = [*(in_url(payload) if header is None else in_header(header, payload))]
    if not found and len(payload) <= LONGEST_KEPT:
        if len(_HARMLESS) >= MOST_KEPT:
            _HARMLESS.clear()
        _HARMLESS.add((header, payload))
    return found


def _encoded(text: str) -> bytes:
    # Half a surrogate pair, as bad JSON has it, could not be written to the file.
    return text.encode("utf-8", "replace")


def _replaced(payload: bytes, spans: Sequence[Span]) -> tuple[str, tuple[Secret, ...]]:
    if not spans:
        return payload.decode(), ()
    secrets = tuple({span.secret.id: span.secret for span in spans}.values())
    # A value learnt from a binary message may cut a character in two.
    return apply(payload, spans).decode("utf-8", "replace"), secrets


def _is_searched(value: bytes, kind: str) -> bool:
    """Whether a secret is looked for everywhere: not where it may as well be a word."""
    # Cookies keep languages and themes too, and JWTs are found by their shape.
    if kind == "jwt":
        return False
    return kind == "password" or looks_secret(value, 16 if kind == "cookie" else 6)

"""Secrets in, typed placeholders out, before anything reaches the disk.

A placeholder such as {{deadheat:jwt:s1}} keeps what a replay needs to put a fresh secret there: the
kind, and of a JWT its algorithm, claims and lifetime. The same secret gets the same placeholder
wherever it comes again. Everything works on bytes, so that spans are offsets into the payload.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from capture.format.model import HeaderPairs, Secret

PLACEHOLDER = re.compile(r"\{\{deadheat:(?P<kind>[a-z]+):(?P<id>s\d+)\}\}")

_JWT = re.compile(rb"ey[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){2,4}")
_BEARER = re.compile(rb"(?i)\bbearer[ :=]+([A-Za-z0-9._~+/=-]{8,})")
_BASE64URL = re.compile(rb"[A-Za-z0-9_-]{24,}={0,2}")
_JSON_PAIR = re.compile(rb'"([A-Za-z0-9_. -]{2,40})"\s*:\s*"((?:[^"\\]|\\.)*)"')
_PLAIN_PAIR = re.compile(
    rb"(?i)\b([a-z][a-z_-]{2,24})(?:[ \t]*[:=][ \t]*|[ \t]+)([^\s\"'{}&;,]{4,})"
)

_NAMES = frozenset(
    "token accesstoken idtoken refreshtoken authtoken bearertoken apitoken sessiontoken csrftoken "
    "jwt bearer authorization auth secret clientsecret apikey accesskey privatekey credential "
    "credentials signature sig ticket assertion".split()
)
_PASSWORDS = frozenset("password passwd passcode passphrase pwd pass".split())
# A message without any of these holds no named secret; substring search keeps the hot path fast.
_HINTS = tuple("token secret pass pwd key bearer auth jwt cred sig ticket assert".split())
_TIME_CLAIMS = ("exp", "iat", "nbf")
_LONG_ENOUGH_TO_SEARCH = 8
_MOST_REMEMBERED = 256


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


@dataclass(slots=True)
class Redactor:
    """Finds secrets and remembers them for one recording; the values stay in memory only."""

    _known: dict[bytes, Secret] = field(default_factory=dict)
    _count: int = 0

    def message(self, payload: bytes, *, where: str, is_first: bool = False) -> tuple[Span, ...]:
        """Return the secrets in a message, in order, none overlapping.

        `is_first` marks the first message of a client, where any named value counts as a secret.
        """
        if not self._may_hold_a_secret(payload):
            return ()
        return self._settled(self._in_message(payload, where, is_first=is_first))

    def _may_hold_a_secret(self, payload: bytes) -> bool:
        """Answer no for most messages, fast: every frame of every session passes here."""
        for value in self._known:
            if value in payload:
                return True
        # Searching a str takes half the time of searching bytes.
        lower = payload.decode("latin-1").lower()
        for hint in _HINTS:  # any() over a generator takes four times as long
            if hint in lower:
                return True
        return b"ey" in payload and _JWT.search(payload) is not None

    def text(self, text: str, *, where: str) -> tuple[str, tuple[Secret, ...]]:
        """Return a text (a reason, a body, an error) with its secrets replaced."""
        payload = text.encode()
        spans = self.message(payload, where=where)
        return apply(payload, spans).decode(), _secrets(spans)

    def url(self, url: str) -> tuple[str, tuple[Secret, ...]]:
        """Return a URL with the tokens in its query, and anywhere else in it, replaced."""
        head, mark, query = url.partition("?")
        found: list[Secret] = []
        parts = []
        for pair in query.split("&") if mark else ():
            name, equals, value = pair.partition("=")
            if value and (_is_name(name) or _normal(name) == "key"):
                secret = self._secret(value.encode(), where=f"query {name}", name=name)
                found.append(secret)
                value = placeholder(secret)
            parts.append(f"{name}{equals}{value}")
        text, secrets = self.text(head + mark + "&".join(parts), where="url")
        return text, (*found, *secrets)

    def headers(self, headers: HeaderPairs) -> tuple[HeaderPairs, tuple[Secret, ...]]:
        """Return headers with Authorization, cookies, tokens and anything of JWT shape replaced."""
        clean: list[tuple[str, str]] = []
        found: list[Secret] = []
        for name, value in headers:
            payload = value.encode("latin-1", "replace")
            spans = self._settled(self._in_header(name.lower(), payload))
            clean.append((name, apply(payload, spans).decode("latin-1")))
            found += _secrets(spans)
        return tuple(clean), tuple(found)

    def _in_header(self, name: str, value: bytes) -> Iterator[Span]:
        where = f"header {name}"
        if name in ("authorization", "proxy-authorization"):
            scheme, space, _ = value.partition(b" ")
            start = len(scheme) + 1 if space else 0
            yield self._span(value, start, len(value), where=where, name=name)
        elif name in ("cookie", "set-cookie"):
            # Of Set-Cookie only the first pair is the cookie; the rest are its attributes.
            stop = len(value) if name == "cookie" else (value + b";").index(b";")
            for match in re.finditer(rb"([^=;\s]+)=([^;]+)", value[:stop]):
                cookie = f"cookie {match[1].decode('latin-1')}"
                yield self._span(value, *match.span(2), where=cookie, kind="cookie")
        elif name == "sec-websocket-protocol":
            yield from self._in_subprotocols(value, where)
        elif _is_name(name) or _normal(name).endswith(("token", "secret", "apikey", "password")):
            yield self._span(value, 0, len(value), where=where, name=name)
        yield from self._in_message(value, where, is_first=False)

    def _in_subprotocols(self, value: bytes, where: str) -> Iterator[Span]:
        previous = ""
        for match in re.finditer(rb"[^,\s]+", value):
            item, start = match[0], match.start()
            yield from self._wrapped_jwts(value, match.span(), where)
            # Kubernetes' way: a name that ends in the token.
            marked = item.startswith(b"base64url.bearer.")
            if _is_name(previous) or marked or _looks_random(item):
                start += item.rindex(b".") + 1 if marked else 0
                yield self._span(value, start, match.end(), where=where, name="token")
            previous = item.decode("latin-1")

    def _wrapped_jwts(self, value: bytes, within: tuple[int, int], where: str) -> Iterator[Span]:
        """Find JWTs that are base64url-encoded once more, as subprotocols need it."""
        for match in _BASE64URL.finditer(value, *within):
            inner = _unbase64(match[0])
            if inner is not None and _JWT.fullmatch(inner):
                yield self._span(value, *match.span(), where=where, inner=inner)

    def _in_message(self, payload: bytes, where: str, *, is_first: bool) -> Iterator[Span]:
        if b"ey" in payload:
            for match in _JWT.finditer(payload):
                yield self._span(payload, *match.span(), where=where)
        for value, secret in self._known.items():
            at = payload.find(value)
            while at >= 0:
                yield Span(at, at + len(value), secret)
                at = payload.find(value, at + len(value))
        yield from self._named(payload, where, is_first=is_first)

    def _named(self, payload: bytes, where: str, *, is_first: bool) -> Iterator[Span]:
        for match in _BEARER.finditer(payload):
            yield self._span(payload, *match.span(1), where=where, name="bearer")
        for match in _JSON_PAIR.finditer(payload):
            name, value = match[1].decode(), match[2]
            if value and _names_a_secret(name, value, any_value=is_first):
                yield self._span(payload, *match.span(2), where=f"{where} {name}", name=name)
        if is_first and payload[:1] not in (b"{", b"["):
            for match in _PLAIN_PAIR.finditer(payload):
                name = match[1].decode()
                if _names_a_secret(name, match[2], any_value=True):
                    yield self._span(payload, *match.span(2), where=f"{where} {name}", name=name)

    def _span(  # noqa: PLR0913  the span, and how to describe what is in it
        self,
        payload: bytes,
        start: int,
        end: int,
        *,
        where: str,
        name: str = "",
        kind: str = "",
        inner: bytes | None = None,
    ) -> Span:
        secret = self._secret(payload[start:end], where=where, name=name, kind=kind, inner=inner)
        return Span(start, end, secret)

    def _secret(
        self,
        value: bytes,
        *,
        where: str,
        name: str = "",
        kind: str = "",
        inner: bytes | None = None,
    ) -> Secret:
        known = self._known.get(value)
        if known is not None:
            return known
        jwt = inner if inner is not None else value
        if not kind:
            kind = "password" if _normal(name) in _PASSWORDS else "token"
        self._count += 1
        secret = Secret(
            id=f"s{self._count}",
            where=where,
            encoding="base64url" if inner is not None else "",
            **(_describe_jwt(jwt) if _JWT.fullmatch(jwt) else {"kind": kind}),
        )
        if len(value) >= _LONG_ENOUGH_TO_SEARCH and len(self._known) < _MOST_REMEMBERED:
            self._known[value] = secret
        return secret

    @staticmethod
    def _settled(spans: Iterable[Span]) -> tuple[Span, ...]:
        """Put spans in order; of overlapping ones keep the first, the longest where they tie."""
        settled: list[Span] = []
        for span in sorted(spans, key=lambda span: (span.start, -span.end)):
            if not settled or span.start >= settled[-1].end:
                settled.append(span)
        return tuple(settled)


def _secrets(spans: Iterable[Span]) -> tuple[Secret, ...]:
    return tuple({span.secret.id: span.secret for span in spans}.values())


def _normal(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _is_name(name: str) -> bool:
    return _normal(name) in _NAMES or _normal(name) in _PASSWORDS


def _names_a_secret(name: str, value: bytes, *, any_value: bool) -> bool:
    if not _is_name(name) or PLACEHOLDER.fullmatch(value.decode("latin-1")):
        return False
    # Later messages stream words under "token", so there the value itself must look like a secret.
    return any_value or _normal(name) in _PASSWORDS or (len(value) >= 16 and b" " not in value)


def _looks_random(item: bytes) -> bool:
    return len(item) >= 24 and bool(re.search(rb"\d", item)) and bool(re.search(rb"[A-Za-z]", item))


def _unbase64(value: bytes) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(value + b"=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        return None


def _describe_jwt(jwt: bytes) -> dict[str, Any]:
    header, claims = (_json_part(part) for part in jwt.split(b".")[:2])
    times = [claims.get(name) for name in _TIME_CLAIMS]
    expires, issued = times[0], times[1] if times[1] is not None else times[2]
    lifetime_s = None
    if isinstance(expires, int | float) and isinstance(issued, int | float):
        lifetime_s = int(expires - issued)
    kept = {name: "" if _is_name(name) else value for name, value in claims.items()}
    algorithm = str(header.get("alg", ""))
    return {
        "kind": "jwt",
        "algorithm": algorithm,
        "header": {name: value for name, value in header.items() if name != "alg"},
        "claims": kept,
        "lifetime_s": lifetime_s,
    }


def _json_part(part: bytes) -> dict[str, Any]:
    decoded = _unbase64(part)
    try:
        value = json.loads(decoded) if decoded is not None else {}
    except ValueError:
        # An encrypted token's second part is no JSON: then only its header is known.
        return {}
    return value if isinstance(value, dict) else {}

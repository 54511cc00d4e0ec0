"""Where secrets stand in messages, headers and URLs. Bytes in, places out; nothing is remembered.

No message may make a search slow: repetition here is bounded, or possessive (`++`, `*+`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from capture.redaction.hints import may_hold_a_secret
from capture.redaction.jwt_shape import find_escaped_jwts, find_jwts, is_jwt, unbase64
from capture.redaction.names import (
    Expect,
    announces_a_secret,
    is_password,
    is_secret,
    looks_random,
    looks_secret,
    normal,
)

# What the end of the payload cuts off counts as well: refusal bodies are recorded in part.
_JSON_PAIR = re.compile(
    rb'"([^"\\]{2,40})"\s*+:\s*+(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)|(-?[0-9][0-9.]*+))', re.DOTALL
)
# JSON within a JSON text, at any depth: the closing quote is escaped as the opening one was.
_ESCAPED_JSON_PAIR = re.compile(
    rb'(\\(?<!\\\\)\\{0,6})"([^"\\]{2,40})\1"\s*+:\s*+\1"(.*?)(?:(?<!\\)\1"|\Z)', re.DOTALL
)
_JSON_LIST_PAIR = re.compile(rb'\[\s*+"([^"\\]{2,40})"\s*+,\s*+"([^"\\]*+)')
_PLAIN_NAME = re.compile(
    rb"(?<![A-Za-z0-9_.-])([A-Za-z][A-Za-z0-9_.-]{1,40}+)(?:[ \t]*+([:=])[ \t]*+|[ \t]++)"
)
_PLAIN_VALUE = re.compile(rb"[^\s\"'{}&;,\\<>()\[\]]++")
_COMMAND = re.compile(
    rb"(?im)^(auth|authenticate|authorization|login|identify|pass|password|token|bearer)"
    rb"((?:[ \t]+[^\s\"\x00]+){1,2})[ \t]*(?:[\r\x00]|$)"
)
_BINARY_PAIR = re.compile(
    rb"(?is)(token|secret|password|passwd|jwt|api_?key|auth).{1,3}?([A-Za-z0-9._~+/=|:-]{8,})"
)
_BEARER = re.compile(rb"(?i)\bbearer(?:[ :=+]|%20){1,9}([^\s\"'\\,;<>{}()&]++)")
_ATTRIBUTE = re.compile(rb"[a-z_]+=")
_USERINFO = re.compile(rb"(?<=://)([^\s/?#@\"'\\<>:]*+)(:?+)([^\s/?#@\"'\\<>]*+)@")
_QUERY_PAIR = re.compile(rb"(?<=[?&;#])([^=&;#]{1,100})=([^&;#]++)")
_PATH_PAIR = re.compile(rb"/([^/?#]{2,40})(?=/([^/?#]+))")
_BASE64 = re.compile(rb"[A-Za-z0-9_/+-]{24,}+={0,2}")
# Two searches for a literal beat one for an alternation, by far.
_BASE64_OF_JSON = re.compile(rb"eyJ[A-Za-z0-9_/+-]{16,}+={0,2}")
_BASE64_OF_JWT = re.compile(rb"ZXlK[A-Za-z0-9_/+-]{16,}+={0,2}")
# What GitHub, GitLab, Slack, Stripe, OpenAI, Anthropic, Google and AWS issue tells itself.
_KEY_OF_A_SERVICE = re.compile(
    rb"\b(?:sk[-_][A-Za-z0-9_-]{16,}|[pr]k_(?:live|test)_[A-Za-z0-9]{16,}|gh[oprsu]_[A-Za-z0-9]{20,}"
    rb"|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|ya29\.[\w-]{16,}"
    rb"|AKIA[0-9A-Z]{16}\b|AIza[\w-]{30,})"
)
_SCHEME = re.compile(rb"(?i)(?:bearer|basic|digest|negotiate|token|jwt|api-?key)(?:[ :+]|%20){1,9}")
_WORD = re.compile(rb"\S+")
_COOKIE = re.compile(rb"[^;]+")
_ITEM = re.compile(rb"[^,\s]+")
_KUBERNETES = b"base64url.bearer."
_PREFIXED = re.compile(rb"([A-Za-z_]+)[-.:=|](.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Found:
    """A secret from `start` to `end`; `inner` is what it stands for, where it is encoded."""

    start: int
    end: int
    where: str
    kind: str = "token"
    inner: bytes = b""
    encoding: str = ""


def in_message(payload: bytes, where: str, expect: Expect) -> Iterator[Found]:
    """Find the secrets of a message; those of the most telling rule first."""
    yield from _in_json(payload, where, expect)
    if expect is not Expect.ANYTHING:
        yield from _in_commands(payload, where, expect)
    yield from _in_plain_pairs(payload, where, expect)
    for match in _BEARER.finditer(payload):
        if looks_secret(match[1], 6) and not _ATTRIBUTE.fullmatch(match[1]):
            yield _credential(payload, *match.span(1), where)
    for match in _USERINFO.finditer(payload):
        if match[2] and match[3]:
            yield Found(*match.span(3), f"{where} userinfo", "password")
        elif looks_secret(match[1]):
            yield Found(*match.span(1), f"{where} userinfo")
    yield from _by_shape(payload, where)


def _by_shape(payload: bytes, where: str) -> Iterator[Found]:
    """Find what is a secret whatever it is called."""
    for wrapped in (_BASE64_OF_JSON, _BASE64_OF_JWT):
        for match in wrapped.finditer(payload):
            yield from _encoded(match, where)
    for start, end in find_jwts(payload):
        yield Found(start, end, where)
    for start, end in find_escaped_jwts(payload):
        yield Found(start, end, where, inner=unquote_to_bytes(payload[start:end]))
    for match in _KEY_OF_A_SERVICE.finditer(payload):
        if looks_secret(match[0]):
            yield Found(*match.span(), where)


def in_first_message(payload: bytes, where: str) -> Iterator[Found]:
    """Find what counts in a client's first message only: lists, and names in binary."""
    for match in _JSON_LIST_PAIR.finditer(payload):
        yield from _in_data(match, 2, where, Expect.CREDENTIALS)
    if not _is_text(payload):
        for match in _BINARY_PAIR.finditer(payload):
            yield from _in_data(match, 2, where, Expect.CREDENTIALS)


def in_url(url: bytes) -> Iterator[Found]:
    """Find the secrets of a URL: in its query and fragment, its userinfo, its path."""
    for match in _QUERY_PAIR.finditer(url):
        name = unquote_to_bytes(match[1]).decode("latin-1")
        yield from _in_query_value(match, name)
    for match in _PATH_PAIR.finditer(url):
        if announces_a_secret(match[1].decode("latin-1")) and looks_secret(match[2], 16):
            yield _credential(url, *match.span(2), "url path")
    yield from in_message(url, "url", Expect.ANYTHING)


def in_header(name: str, value: bytes) -> Iterator[Found]:
    """Find the secrets of a header; `name` is in lower case."""
    where = f"header {name}"
    if name in ("cookie", "set-cookie"):
        yield from _in_cookies(value, is_set=name == "set-cookie")
    elif name == "sec-websocket-protocol":
        yield from _in_subprotocols(value, where)
    elif name in ("authorization", "proxy-authorization"):
        scheme, space, _ = value.partition(b" ")
        yield _credential(value, len(scheme) + 1 if space else 0, len(value), where)
    elif announces_a_secret(name):
        yield _credential(
            value, _after_scheme(value, 0, len(value)), len(value), where, _kind(name)
        )
    for match in _BASE64.finditer(value):
        yield from _encoded(match, where)
    yield from in_message(value, where, Expect.CREDENTIALS)


def _in_json(payload: bytes, where: str, expect: Expect) -> Iterator[Found]:
    for match in _JSON_PAIR.finditer(payload):
        name = match[1].decode("latin-1")
        if not announces_a_secret(name):
            continue
        if match[2] is not None:
            yield from _in_data(match, 2, where, expect)
        elif is_password(name) and normal(name) != "pass":
            # "pass": 12 counts tests; "passcode": 1234 lets someone in.
            yield Found(*match.span(3), f"{where} {name}", "password")
    if b"\\" in payload:
        for match in _ESCAPED_JSON_PAIR.finditer(payload):
            yield from _in_data(match, 3, where, expect)


def _in_data(match: re.Match[bytes], group: int, where: str, expect: Expect) -> Iterator[Found]:
    """Yield the value in `group` of data, named by the group before it."""
    name = match[group - 1].decode("latin-1")
    if announces_a_secret(name):
        # Nothing but a password stands under the name of one in data.
        expect = Expect.CREDENTIALS if is_password(name) else expect
        yield from _named(match.string, name, match.span(group), where, expect)


def _in_commands(payload: bytes, where: str, expect: Expect) -> Iterator[Found]:
    for match in _COMMAND.finditer(payload):
        command = match[1].decode()
        for word in _WORD.finditer(payload, *match.span(2)):
            if announces_a_secret(word[0].decode("latin-1")):
                continue
            if expect is Expect.CREDENTIALS or looks_secret(word[0], 6):
                yield _credential(payload, *word.span(), f"{where} {command}", _kind(command))


def _in_plain_pairs(payload: bytes, where: str, expect: Expect) -> Iterator[Found]:
    done = 0
    for match in _PLAIN_NAME.finditer(payload):
        name = match[1].decode()
        if match.start() < done or not announces_a_secret(name):
            continue
        value = _PLAIN_VALUE.match(payload, match.end())
        if value is None or announces_a_secret(value[0].decode("latin-1")):
            continue
        if match[2] is None:
            # Two words beside each other: the second must look like a secret.
            if expect is not Expect.CREDENTIALS or not looks_secret(value[0], 6):
                continue
        elif expect is not Expect.CREDENTIALS and not looks_secret(value[0], 6):
            continue
        for found in _named(payload, name, value.span(), where, expect):
            done = found.end
            yield found


def _named(
    payload: bytes, name: str, span: tuple[int, int], where: str, expect: Expect
) -> Iterator[Found]:
    """Yield the value of a name when it is to be taken for a secret."""
    start, end = span
    start = _after_scheme(payload, start, end)
    if is_secret(name, payload[start:end], expect):
        yield _credential(payload, start, end, f"{where} {name}", _kind(name))


def _in_query_value(match: re.Match[bytes], name: str) -> Iterator[Found]:
    where = f"query {name}"
    if announces_a_secret(name) or normal(name) == "key":
        start, end = match.span(2)
        start = _after_scheme(match.string, start, end)
        yield _credential(match.string, start, end, where, _kind(name))
        return
    plain = unquote_to_bytes(match[2])
    if plain != match[2] and next(_hidden(plain), None):
        yield Found(*match.span(2), where, inner=plain)
    for run in _BASE64.finditer(match.string, *match.span(2)):
        yield from _encoded(run, where)


def _in_cookies(value: bytes, *, is_set: bool) -> Iterator[Found]:
    # Of Set-Cookie only the first pair is the cookie; the rest are its attributes.
    stop = (value + b";").index(b";") if is_set else len(value)
    for match in _COOKIE.finditer(value, 0, stop):
        name, equals, _ = match[0].partition(b"=")
        start = match.start() + (len(name) + 1 if equals else 0)
        secret = match.string[start : match.end()].strip()
        if secret:
            start = value.index(secret, start)
            where = f"cookie {name.strip().decode('latin-1')}" if equals else "cookie"
            yield Found(start, start + len(secret), where, "cookie")


def _in_subprotocols(value: bytes, where: str) -> Iterator[Found]:
    previous = ""
    for match in _ITEM.finditer(value):
        item, start = match[0], match.start()
        prefixed = _PREFIXED.fullmatch(item)
        if item.startswith(_KUBERNETES):
            # Kubernetes' way: a name that ends in the token, wrapped.
            yield _wrapped(value, start + item.rindex(b".") + 1, match.end(), where)
        elif announces_a_secret(previous):
            yield _credential(value, start, match.end(), where)
        elif prefixed and is_secret(prefixed[1].decode(), prefixed[2], Expect.CLIENT):
            yield _credential(value, start + prefixed.start(2), match.end(), where)
        elif looks_random(item):
            yield _credential(value, start, match.end(), where)
        previous = item.decode("latin-1")


def _after_scheme(payload: bytes, start: int, end: int) -> int:
    """Return where a value begins after a scheme such as Bearer, if it has one."""
    scheme = _SCHEME.match(payload, start, end)
    return start if scheme is None or scheme.end() == end else scheme.end()


def _credential(payload: bytes, start: int, end: int, where: str, kind: str = "token") -> Found:
    """Return a credential, with what it stands for if it is wrapped or percent-encoded."""
    wrapped = _wrapped(payload, start, end, where)
    if is_jwt(wrapped.inner):
        return wrapped
    plain = unquote_to_bytes(payload[start:end])
    return Found(start, end, where, kind, plain if plain != payload[start:end] else b"")


def _wrapped(payload: bytes, start: int, end: int, where: str) -> Found:
    """Return a token that is base64url-encoded once more, as subprotocols need it."""
    inner = unbase64(payload[start:end]) or b""
    return Found(start, end, where, inner=inner, encoding="base64url" if inner else "")


def _encoded(match: re.Match[bytes], where: str) -> Iterator[Found]:
    """Yield a run of base64 that has a secret under it."""
    inner = unbase64(match[0])
    if inner is None or not inner.isascii():
        return
    if is_jwt(inner):
        yield _wrapped(match.string, *match.span(), where)
    elif next(_hidden(inner), None):
        yield Found(*match.span(), where, inner=inner)


def _hidden(inner: bytes) -> Iterator[Found]:
    if may_hold_a_secret(inner):
        yield from in_message(inner, "", Expect.CLIENT)


def _kind(name: str) -> str:
    return "password" if is_password(name) else "token"


def _is_text(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True

"""What a JWT looks like in bytes, and what its readable parts say. Nothing here checks a signature.

Redaction keeps algorithm, header, claims and lifetime, so that a replay can mint a like token.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import msgspec

# `{` and a quote or white space begin the header. Three parts, or five for an encrypted token.
BEGINS = (*(b"ey%c" % c for c in b"ABCDIJKL"), *(b"ew%c" % c for c in b"klmnopqr0123"))
_BEGIN = rb"(?:" + b"|".join(BEGINS) + rb")"
_PARTS = (
    _BEGIN + rb"[A-Za-z0-9_-]{7,}+\.[A-Za-z0-9_-]*+\.[A-Za-z0-9_-]*+"
    rb"(?:\.[A-Za-z0-9_-]++\.[A-Za-z0-9_-]++)?"
)
_JWT = re.compile(_PARTS)
_MAY_BEGIN = re.compile(_BEGIN + rb"[A-Za-z0-9_-]{7}")
# Looked for once in each word that two dots follow: a long word must not be searched from each of
# its letters.
_IN_WORD = re.compile(
    rb"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]++\.[A-Za-z0-9_-]*+\.)[A-Za-z0-9_-]*?(" + _PARTS + rb")"
)
_ESCAPED = re.compile(_BEGIN + rb"[A-Za-z0-9_-]{7,}+%2[Ee][A-Za-z0-9_-]*+%2[Ee][A-Za-z0-9_-]*+")
_MAY_BEGIN_ANYWHERE = re.compile(rb"(?=" + _BEGIN + rb")")
_MOST_BEGINS = 16
_TIME_CLAIMS = ("exp", "iat", "nbf")
_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")


def is_jwt(value: bytes) -> bool:
    """Whether a value is a JWT and nothing else."""
    return _JWT.fullmatch(value) is not None


def may_hold_jwt(payload: bytes) -> bool:
    """Answer no, fast, when there is no JWT in a payload."""
    return _MAY_BEGIN.search(payload) is not None


def find_jwts(payload: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the JWTs are."""
    if not may_hold_jwt(payload):
        return
    for match in _IN_WORD.finditer(payload):
        start, end = match.span(1)
        if start == match.start() and payload.startswith(b"eyJ", start):
            yield start, end
            continue
        # `this.keyListener.is.on` has the shape too, but no JSON under it.
        header_end = payload.index(b".", start)
        begins = islice(_MAY_BEGIN_ANYWHERE.finditer(payload, start, header_end), _MOST_BEGINS)
        for begin in begins:
            if _is_json(payload[begin.start() : header_end]):
                yield begin.start(), end
                break


def find_escaped_jwts(payload: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the JWTs are whose dots are percent-encoded."""
    if b"%2" in payload:
        yield from (match.span() for match in _ESCAPED.finditer(payload))


def unbase64(value: bytes) -> bytes | None:
    """Return what base64 or base64url text, padded or not, stands for; None if it is neither."""
    value = value.translate(_URL_ALPHABET).rstrip(b"=")
    try:
        return base64.b64decode(value + b"=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def describe_jwt(jwt: bytes, clean: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the fields of a `Secret` for a JWT; `clean` takes the secrets out of its parts."""
    header, claims = (_json_part(part) for part in jwt.split(b".")[:2])
    algorithm = header.pop("alg", "")
    return {
        "kind": "jwt",
        "algorithm": algorithm if isinstance(algorithm, str) else "",
        "header": clean(header),
        "claims": clean(claims),
        "lifetime_s": _lifetime_s(claims),
    }


def _lifetime_s(claims: dict[str, Any]) -> int | None:
    expires, issued, not_before = (claims.get(name) for name in _TIME_CLAIMS)
    began = not_before if issued is None else issued
    if not isinstance(expires, int | float) or not isinstance(began, int | float):
        return None
    return int(expires - began)


def _is_json(part: bytes) -> bool:
    decoded = unbase64(part)
    return decoded is not None and decoded.isascii() and decoded.rstrip().endswith(b"}")


def _json_part(part: bytes) -> dict[str, Any]:
    # msgspec, not json: it refuses NaN and lone surrogates, which could not be written later.
    try:
        value = msgspec.json.decode(unbase64(part) or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # An encrypted token's second part is no JSON: then only its header is known.
        return {}
    return value if isinstance(value, dict) else {}

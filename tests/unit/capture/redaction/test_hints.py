"""Whether a payload needs the slow search: no for most, never a wrong no."""

import base64

import pytest

from capture.redaction import hints
from capture.redaction.hints import LONGEST_KEPT, MOST_KEPT, may_hold_a_secret

JWT = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "payload",
    [
        b'{"Token":"a1b2c3d4"}',
        b"X-API-KEY: 1",
        b"PASS x",
        b"redis://user:pw@host",
        b"use ghp_0123456789abcdefghijABCDEFGHIJ",
        b"AKIA0123456789ABCDEF",
        JWT,
        b"\x00\xff" + JWT,
        base64.b64encode(JWT),
        base64.b64encode(b'{"session":"a1b2c3d4e5"}'),
    ],
)
def test_what_may_be_secret_is_looked_at(payload: bytes) -> None:
    assert may_hold_a_secret(payload)


@pytest.mark.parametrize(
    "payload", [b"", b'{"type":"chat","text":"How much is 6 * 7?"}', b"they knew eyJ", bytes(256)]
)
def test_most_messages_are_not(payload: bytes) -> None:
    assert not may_hold_a_secret(payload)


def test_only_what_is_harmless_is_kept_and_not_without_end() -> None:
    hints._HARMLESS.clear()
    harmless, secret = b'{"n": 1}', b'{"password": "x"}'
    for _ in range(2):
        assert not may_hold_a_secret(harmless)
        assert may_hold_a_secret(secret)
    assert {harmless} == hints._HARMLESS
    assert not may_hold_a_secret(b"n" * (LONGEST_KEPT + 1))
    for number in range(2 * MOST_KEPT):
        may_hold_a_secret(b"%d" % number)
    assert len(hints._HARMLESS) <= MOST_KEPT

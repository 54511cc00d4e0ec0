"""Every place where clients put secrets is found, and what only looks alike is left."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.redaction.names import Expect
from capture.redaction.rules import (
    Found,
    in_first_message,
    in_header,
    in_message,
    in_url,
    may_hold_a_secret,
)
from tests.unit.capture.wire import base64url, jwt

OPAQUE = "op4que/tok+en=="
JWT = jwt()
WRAPPED = base64url(JWT.encode())
APPSYNC = base64url(b'{"Authorization":"da2-abcdefgh"}')


def covered(payload: bytes, found: list[Found]) -> bytes:
    """Return a payload with every byte that was found as `#`."""
    marked = bytearray(payload)
    for each in found:
        marked[each.start : each.end] = b"#" * (each.end - each.start)
    return bytes(marked)


def left_of_message(payload: str | bytes, expect: Expect = Expect.ANYTHING) -> str:
    raw = payload.encode() if isinstance(payload, str) else payload
    return covered(raw, [*in_message(raw, "message", expect)]).decode("latin-1")


def left_of_first(payload: str | bytes) -> str:
    raw = payload.encode() if isinstance(payload, str) else payload
    found = [*in_message(raw, "message", Expect.CREDENTIALS), *in_first_message(raw, "message")]
    return covered(raw, found).decode("latin-1")


def left_of_header(name: str, value: str) -> str:
    return covered(value.encode(), [*in_header(name, value.encode())]).decode()


def left_of_url(url: str) -> str:
    return covered(url.encode(), [*in_url(url.encode())]).decode()


@pytest.mark.parametrize(
    ("message", "secrets"),
    [
        ('{"type":"auth","token":"x"}', ["x"]),
        ('{"token": "Bearer abc"}', ["abc"]),
        ('{"user_token" : "with \\"quote\\" in it"}', ['with \\"quote\\" in it']),
        ('["auth","tok1"]', ["tok1"]),
        ('42["authenticate",{"token":"abc"}]', ["abc"]),
        ('["{\\"token\\":\\"a\\\\\\"b\\",\\"x\\":\\"y\\"}"]', ['a\\\\\\"b']),
        ('{"a":"{\\\\\\"secret\\\\\\":\\\\\\"deep1\\\\\\"}"}', ["deep1"]),
        ("AUTH abc123", ["abc123"]),
        ("AUTH user s3cret", ["user", "s3cret"]),
        ("auth token abc123", ["abc123"]),
        ("PASS x\r\nNICK ada", ["x"]),
        ("Authorization: Bearer abc123", ["abc123"]),
        ("CONNECT\nlogin:bob\npasscode:pw\n\n\0", ["pw"]),
        ('["CONNECT\\nlogin:bob\\npasscode:pw\\n\\n\\u0000"]', ["pw"]),
        ("hello token=abc", ["abc"]),
        ('{"passcode": 1234, "pass": 12}', ["1234"]),
        ('{"token":"cut off abc', ["cut off abc"]),
    ],
)
def test_first_messages(message: str, secrets: list[str]) -> None:
    expected = message
    for secret in secrets:
        expected = expected.replace(secret, "#" * len(secret), 1)
    assert left_of_first(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        b"\x82\xa4type\xa4auth\xa5token\xd9\x20" + b"0123456789abcdef" * 2,
        b"\xa2dtypedauthetokenx\x20" + b"0123456789abcdef" * 2,
        b"\x81\xa5token\xa9abcdefgh1",
    ],
)
def test_names_in_a_binary_first_message(message: bytes) -> None:
    left = left_of_first(message)
    assert "0123456789abcdef" not in left
    assert "abcdefgh1" not in left
    assert "token" in left


@pytest.mark.parametrize(
    "message",
    [
        "Pass me the salt, please",
        '{"text": "hi", "id": "u-1"}',
        '["message","auth is broken"]',
        "hello",
    ],
)
def test_first_messages_without_a_secret(message: str) -> None:
    assert left_of_first(message) == message


@pytest.mark.parametrize(
    ("message", "secret"),
    [
        (f"see {JWT}.", JWT),
        (f'{{"data":"{WRAPPED}"}}', WRAPPED),
        (f'{{"data":"{APPSYNC}"}}', APPSYNC),
        ('{"token":"a1b2c3d4e5"}', "a1b2c3d4e5"),
        ('{"access_token":"abcdefgh"}', "abcdefgh"),
        ('{"password":"any word"}', "any word"),
        ('{"go":"wss://h/ws?token=abcdef123456&x=1"}', "abcdef123456"),
        ("bearer abcdef-123456", "abcdef-123456"),
        ("Authorization: Bearer 12|abcdefgh1234", "12|abcdefgh1234"),
        ("postgres://bob:hunter2@db/x", "hunter2"),
        ("https://abcdef123456@git.test/x", "abcdef123456"),
    ],
)
def test_later_messages(message: str, secret: str) -> None:
    assert left_of_message(message) == message.replace(secret, "#" * len(secret))


@pytest.mark.parametrize(
    "message",
    [
        '{"token": "Hello"}',
        '{"token": " internationalization"}',
        '{"tokens": 12, "max_tokens": 4096}',
        '{"pass": 12, "fail": 0}',
        "Bearer authentication failed, the bearer certificate is old",
        'Bearer error_description="x", scope="y"',
        "password: required",
        "please reset my password today",
        "see https://example.test/keys#sig and ssh://git@example.test",
        "this.keyListener.is.on",
        base64url(b'{"text":"just some base64 of JSON"}'),
        "{{deadheat",
    ],
)
def test_harmless_messages(message: str) -> None:
    assert left_of_message(message) == message


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-0123456789abcdefABCD",
        "ghp_0123456789abcdefghijABCDEF",
        "xoxb-0123456789-abcdef",
        "AKIA0123456789ABCDEF",
        "glpat-0123456789abcdefghij",
    ],
)
def test_keys_of_known_services_tell_themselves(secret: str) -> None:
    assert left_of_message(f"I use {secret} here") == f"I use {'#' * len(secret)} here"


def test_a_jwt_with_escaped_dots_is_found() -> None:
    escaped = JWT.replace(".", "%2E")
    (found,) = (each for each in in_message(escaped.encode(), "m", Expect.ANYTHING) if each.inner)
    assert found.inner == JWT.encode()
    assert JWT.rpartition(".")[2] not in left_of_message(f"next: {escaped}")


@pytest.mark.parametrize("name", ["graphql-transport-ws", "v12.stomp", "actioncable-v1-json"])
def test_subprotocols_have_names(name: str) -> None:
    assert not list(in_header("sec-websocket-protocol", name.encode()))


def test_an_opaque_token_among_subprotocols_is_found() -> None:
    (found,) = in_header("sec-websocket-protocol", b"chat, LEAK30opaquetoken")
    assert (found.start, found.end) == (6, 23)


def test_a_command_counts_in_a_later_message_of_a_client_too() -> None:
    message = "PASS oauth:0123456789abcdef\r\n"
    assert left_of_message(message) == message
    assert left_of_message(message, Expect.CLIENT) == "PASS " + "#" * 22 + "\r\n"
    assert left_of_message("PASS abc", Expect.CLIENT) == "PASS abc"


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        ("authorization", f"Bearer {OPAQUE}", "Bearer ###############"),
        ("authorization", OPAQUE, "###############"),
        ("proxy-authorization", "Basic Ym9iOnB3", "Basic ########"),
        ("cookie", "sid=abc; theme=dark; lone;a=", "sid=###; theme=####; ####;a="),
        ("set-cookie", "s=abc; Path=/; HttpOnly", "s=###; Path=/; HttpOnly"),
        ("x-api-key", "k", "#"),
        ("x-amz-security-token", "abc", "###"),
        ("x-auth-token", "Token abc", "Token ###"),
        ("referer", "https://x.test/?token=abc&b=1", "https://x.test/?token=###&b=1"),
        ("x-config", APPSYNC, "#" * len(APPSYNC)),
        ("x-any", f"a {JWT} b", "a " + "#" * len(JWT) + " b"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("vary", "Authorization, X-Token", "Authorization, X-Token"),
        ("www-authenticate", 'Bearer realm="x", error="bad"', 'Bearer realm="x", error="bad"'),
    ],
)
def test_headers(name: str, value: str, left: str) -> None:
    assert left_of_header(name, value) == left


@pytest.mark.parametrize(
    ("offered", "secret"),
    [
        (f"bearer, {JWT}", JWT),
        (f"chat.v2, access_token, {OPAQUE}", OPAQUE),
        (f"base64url.bearer.authorization.k8s.io.{WRAPPED}, base64.binary.k8s.io", WRAPPED),
        (f"jwt.{WRAPPED}, chat", WRAPPED),
        ("token-abc123def, chat", "abc123def"),
        ("chat, a1b2c3d4-e5f6-7890-abcd-ef1234567890", "a1b2c3d4-e5f6-7890-abcd-ef1234567890"),
        (f"header-{APPSYNC}, aws", None),
        ("graphql-transport-ws, com.example.service.v2.protocol.name", ""),
    ],
)
def test_subprotocols(offered: str, secret: str | None) -> None:
    left = left_of_header("sec-websocket-protocol", offered)
    if secret is None:
        assert "eyJ" not in left
    else:
        assert left == (offered.replace(secret, "#" * len(secret)) if secret else offered)


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("ws://h/ws?a=1&token=abc&b=2", ["abc"]),
        ("ws://h/ws?%74oken=hidden", ["hidden"]),
        ("ws://h/ws?key=k1", ["k1"]),
        ("ws://h/ws?authorization=Bearer%20xyz", ["xyz"]),
        (f"ws://h/ws?p={JWT.replace('.', '%2E')}", [JWT.replace(".", "%2E")]),
        (f"ws://h/ws?header={WRAPPED}", [WRAPPED]),
        ("ws://h/ws#id_token=abc", ["abc"]),
        ("ws://h/ws;token=abc", ["abc"]),
        ("ws://bob:pa55@h/ws", ["pa55"]),
        (f"ws://h/{JWT}/ws", [JWT]),
        ("ws://h/token/abcdef0123456789ab", ["abcdef0123456789ab"]),
        ("ws://h/auth/callback?room=general&since=2024-01-02T03%3A04%3A05Z", []),
    ],
)
def test_urls(url: str, secrets: list[str]) -> None:
    expected = url
    for secret in secrets:
        expected = expected.replace(secret, "#" * len(secret))
    assert left_of_url(url) == expected


def test_says_where_it_was() -> None:
    assert next(in_url(b"ws://h/?access_token=a")).where == "query access_token"
    assert next(in_header("cookie", b"sid=a")).where == "cookie sid"
    message = b'{"password":"x"}'
    (found,) = in_message(message, "message", Expect.ANYTHING)
    assert (found.where, found.kind) == ("message password", "password")


def test_a_wrapped_jwt_says_what_it_stands_for() -> None:
    (found,) = {
        each.inner: each for each in in_header("sec-websocket-protocol", f"jwt.{WRAPPED}".encode())
    }.values()
    assert (found.inner, found.encoding) == (JWT.encode(), "base64url")


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_jwt_is_found_in_any_text(before: str, after: str) -> None:
    payload = f"{before}{JWT}{after}".encode()
    assert may_hold_a_secret(payload)
    assert JWT.rpartition(".")[2] not in left_of_message(payload)


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_a_jwt_is_found_in_any_binary(before: bytes, after: bytes) -> None:
    left = left_of_message(before + JWT.encode() + after)
    assert JWT.rpartition(".")[2] not in left


@pytest.mark.parametrize("wrap", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_jwt_is_found_in_either_base64(wrap: type) -> None:
    wrapped = wrap(JWT.encode())
    assert wrapped.decode().rstrip("=") not in left_of_message(b'{"a":"' + wrapped + b'"}')


@pytest.mark.parametrize(
    "unit",
    [
        "\\",
        '"',
        '\\"token\\":\\"',
        '"token":"',
        "token=",
        "bearer ",
        "eyJ",
        "a.",
        "://",
        "[",
        " x",
        "AUTH ",
    ],
)
def test_no_message_makes_the_search_slow(unit: str) -> None:
    payload = (unit * (60_000 // len(unit))).encode()
    payload += b".x.y"
    began = time.process_time()
    [*in_message(payload, "message", Expect.CREDENTIALS)]
    [*in_first_message(payload, "message")]
    assert time.process_time() - began < 2

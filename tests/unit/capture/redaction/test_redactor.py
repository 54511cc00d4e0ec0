"""No secret comes out, everything else does, and the same secret has the same placeholder."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.format.model import Secret
from capture.redaction import PLACEHOLDER, Redactor, Span, apply, placeholder
from tests.unit.capture.wire import SIGNATURE, base64url, jwt

JWT = jwt()
OPAQUE = "opq-31-abcdefgh"


def clean(redactor: Redactor, payload: str | bytes, **how: bool) -> str:
    raw = payload.encode() if isinstance(payload, str) else payload
    return apply(raw, redactor.message(raw, where="message", **how)).decode("latin-1")


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_jwt_in_any_text_becomes_a_placeholder(before: str, after: str) -> None:
    text, secrets = Redactor().text(f"{before} {JWT} {after}", where="note")
    assert SIGNATURE not in text
    assert [secret.kind for secret in secrets][:1] == ["jwt"]


@given(st.text(st.characters(codec="utf-8", exclude_characters="=:\\/"), max_size=60))
def test_text_without_a_secret_comes_out_identical(text: str) -> None:
    assert Redactor().text(text, where="note") == (text, ())


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    assert Redactor().text("a\ud800b", where="note") == ("a?b", ())


@given(st.binary(max_size=80))
def test_bytes_without_a_secret_come_out_identical(payload: bytes) -> None:
    spans = Redactor().message(payload, where="message")
    if not spans:
        assert apply(payload, spans) == payload


@given(st.integers(0, 40), st.lists(st.integers(0, 400), max_size=5))
def test_fragments_of_a_message_are_clean_and_join_to_the_clean_message(
    pad: int, cuts: list[int]
) -> None:
    message = b"x" * pad + b" " + JWT.encode() + b" tail"
    spans = Redactor().message(message, where="message")
    places = [0, *sorted({min(cut, len(message)) for cut in cuts}), len(message)]
    parts = [apply(message, spans, start=start, end=end) for start, end in pairwise(places)]
    assert b"".join(parts) == apply(message, spans)
    assert all(SIGNATURE.encode()[:8] not in part for part in parts)


def test_the_same_secret_has_the_same_placeholder_everywhere() -> None:
    redactor = Redactor()
    headers, in_headers = redactor.headers((("Authorization", f"Bearer {JWT}"),))
    url, in_url = redactor.url(f"ws://h/?token={JWT}")
    assert headers == (("Authorization", "Bearer {{deadheat:jwt:s1}}"),)
    assert url == "ws://h/?token={{deadheat:jwt:s1}}"
    assert clean(redactor, f'{{"token":"{JWT}"}}') == '{"token":"{{deadheat:jwt:s1}}"}'
    assert in_headers == in_url


def test_percent_encoded_it_is_the_same_secret() -> None:
    redactor = Redactor()
    url, _ = redactor.url(f"ws://h/?a={JWT.replace('.', '%2E')}&token={JWT}")
    assert url == "ws://h/?a={{deadheat:jwt:s1}}&token={{deadheat:jwt:s1}}"


def test_a_short_secret_keeps_its_placeholder_too() -> None:
    redactor = Redactor()
    assert clean(redactor, "AUTH abc123", is_first=True) == "AUTH {{deadheat:token:s1}}"
    assert clean(redactor, "AUTH abc123", is_first=True) == "AUTH {{deadheat:token:s1}}"


def test_an_opaque_token_that_comes_again_is_found_by_its_value() -> None:
    redactor = Redactor()
    redactor.headers((("Authorization", f"Bearer {OPAQUE}"),))
    assert clean(redactor, f"you are <{OPAQUE}>") == "you are <{{deadheat:token:s1}}>"
    assert redactor.text(f"bad {OPAQUE}", where="reason")[0] == "bad {{deadheat:token:s1}}"


def test_a_wrapped_token_is_known_unwrapped_too_but_as_another_secret() -> None:
    redactor = Redactor()
    wrapped = base64url(OPAQUE.encode())
    headers, (secret,) = redactor.headers(
        (("Sec-WebSocket-Protocol", f"base64url.bearer.authorization.k8s.io.{wrapped}"),)
    )
    assert headers[0][1].endswith("k8s.io.{{deadheat:token:s1}}")
    assert secret.encoding == "base64url"
    assert clean(redactor, f"hello {OPAQUE}") == "hello {{deadheat:token:s2}}"


def test_a_word_in_a_cookie_does_not_redact_the_word_elsewhere() -> None:
    redactor = Redactor()
    headers, _ = redactor.headers((("Cookie", "consent=accepted; sid=0123456789abcdef"),))
    assert "accepted" not in headers[0][1]
    assert clean(redactor, '{"status":"accepted"}') == '{"status":"accepted"}'
    assert "0123456789abcdef" not in clean(redactor, '{"session":"0123456789abcdef"}')


def test_a_secret_is_described_but_never_there() -> None:
    _, (secret,) = Redactor().headers((("Authorization", f"Bearer {jwt(role='admin')}"),))
    assert (secret.kind, secret.algorithm, secret.lifetime_s) == ("jwt", "HS256", 3600)
    assert secret.claims["role"] == "admin"
    assert secret.where == "header authorization"
    assert SIGNATURE not in repr(secret)


def test_secrets_within_claims_are_left_out_at_any_depth() -> None:
    inner = jwt(signature="inner_" + "z" * 20)
    token = jwt(access_token="abc-1", act={"password": "pw"}, list=[{"secret": "s"}], quoted=inner)
    _, (secret,) = Redactor().headers((("Authorization", f"Bearer {token}"),))
    assert secret.claims["access_token"] == ""
    assert secret.claims["act"] == {"password": ""}
    assert secret.claims["list"] == [{"secret": ""}]
    assert "inner_" not in repr(secret)


def test_a_wrapped_jwt_is_described_with_its_encoding() -> None:
    _, (secret,) = Redactor().headers(
        (("Sec-WebSocket-Protocol", "jwt." + base64url(JWT.encode())),)
    )
    assert (secret.kind, secret.encoding, secret.lifetime_s) == ("jwt", "base64url", 3600)


def test_nothing_of_overlapping_secrets_stays() -> None:
    redactor = Redactor()
    redactor.headers((("X-Token", "abcdef-1234567"), ("X-Secret", "1234567-zyxwvu")))
    assert clean(redactor, "abcdef-1234567-zyxwvu") == "{{deadheat:token:s1}}{{deadheat:token:s3}}"


def test_a_placeholder_is_not_redacted_again() -> None:
    text = '{"password":"{{deadheat:password:s7}}"}'
    assert Redactor().text(text, where="note") == (text, ())


def test_a_value_learnt_from_bytes_cannot_break_a_text() -> None:
    redactor = Redactor()
    redactor.message(b'{"password":"\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"}', where="message")
    text, _ = redactor.text("é" * 9, where="note")
    assert "{{deadheat:password:s1}}" in text


def test_a_name_without_a_colon_is_cleaned_like_a_value() -> None:
    headers, (secret,) = Redactor().headers(((JWT, ""),))
    assert headers == (("{{deadheat:jwt:s1}}", ""),)
    assert secret.where == "header name"


def test_headers_that_are_not_ascii_come_out_identical() -> None:
    headers = (("X-Name", "Zoë \N{SNOWMAN}"), ("X-Empty", ""))
    assert Redactor().headers(headers) == (headers, ())


def test_many_secrets_are_all_remembered() -> None:
    redactor = Redactor()
    for number in range(1000):
        redactor.headers((("Authorization", f"Bearer opaque-token-{number:04}"),))
    assert clean(redactor, "it was opaque-token-0003") == "it was {{deadheat:token:s4}}"


def test_a_redactor_does_not_show_what_it_knows() -> None:
    redactor = Redactor()
    redactor.headers((("Authorization", f"Bearer {OPAQUE}"),))
    assert OPAQUE not in repr(redactor)


def test_a_placeholder_names_kind_and_id() -> None:
    _, (secret,) = Redactor().headers((("Cookie", "a=b"),))
    assert placeholder(secret) == "{{deadheat:cookie:s1}}"
    match = PLACEHOLDER.fullmatch(placeholder(secret))
    assert match is not None
    assert match.groupdict() == {"kind": "cookie", "id": "s1"}


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 10, b"ab{}ij"),
        (0, 4, b"ab{}"),
        (4, 10, b"ij"),
        (3, 5, b""),
        (0, 2, b"ab"),
        (8, 10, b"ij"),
    ],
)
def test_a_span_is_replaced_where_it_begins(start: int, end: int, expected: bytes) -> None:
    _, (secret,) = Redactor().headers((("Cookie", "a=b"),))
    span = Span(2, 8, secret)
    expected = expected.replace(b"{}", span.placeholder)
    assert apply(b"abcdefghij", [span], start=start, end=end) == expected


def test_a_value_can_be_taught_whatever_it_looks_like() -> None:
    redactor = Redactor()
    secret = Secret(id="s7", kind="token")
    redactor.remember("plainword", secret)
    redactor.remember("", secret)
    assert redactor.text("so plainword it is", where="note")[0] == "so {{deadheat:token:s7}} it is"


def recorded(redactor: Redactor, payload: bytes, *, from_client: bool = False) -> bytes:
    """Return a message of a connection as a capture has it."""
    return apply(payload, redactor.message(payload, where="message", from_client=from_client))


def test_what_the_server_said_in_clear_is_left_where_the_client_sends_it_back() -> None:
    redactor = Redactor()
    said = b'{"resume": "r_dfDhBgBlMG1KYOH5"}'
    assert recorded(redactor, said) == said
    back = "ws://h/two?token=r_dfDhBgBlMG1KYOH5"
    assert redactor.url(back) == (back, ())
    assert recorded(redactor, b'{"token": "r_dfDhBgBlMG1KYOH5"}', from_client=True).count(b"r_df")


@pytest.mark.parametrize(
    "said",
    [
        b'{"token": "r_dfDhBgBlMG1KYOH5"}',
        b'{"resume": "xr_dfDhBgBlMG1KYOH5"}',
        b'{"resume": "r_dfDhBgBlMG1KYOH5-2"}',
        b'{"hello": "world"}',
    ],
)
def test_what_was_a_secret_there_or_another_value_is_none_to_leave(said: bytes) -> None:
    redactor = Redactor()
    recorded(redactor, said)
    assert "r_df" not in redactor.url("ws://h/two?token=r_dfDhBgBlMG1KYOH5")[0]


def test_a_password_is_never_left_nor_what_the_client_said_first() -> None:
    redactor = Redactor()
    recorded(redactor, b'{"motto": "correct-h0rse-battery"}')
    sent = recorded(redactor, b'{"password": "correct-h0rse-battery"}', from_client=True)
    assert b"h0rse" not in sent
    assert "r_df" not in redactor.url("ws://h/?token=r_dfDhBgBlMG1KYOH5")[0]
    assert b"r_df" not in recorded(redactor, b'{"resume": "r_dfDhBgBlMG1KYOH5"}')


def test_what_every_handshake_has_is_no_secret_and_what_only_seems_so_is_looked_at() -> None:
    made = (
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    )
    assert Redactor().headers(made) == (made, ())
    headers, (secret,) = Redactor().headers((("Sec-WebSocket-Key", JWT),))
    assert (secret.kind, headers[0][1]) == ("jwt", "{{deadheat:jwt:s1}}")


def test_what_was_harmless_is_taken_out_once_it_is_known_to_be_a_secret() -> None:
    headers, url = (("X-Trace", "violet-otter-77"),), "ws://h/violet-otter-77"
    for _ in range(2):
        assert Redactor().headers(headers) == (headers, ())
        assert Redactor().url(url) == (url, ())
    redactor = Redactor()
    redactor.remember("violet-otter-77", Secret(id="s9", kind="token"))
    assert redactor.headers(headers)[0] == (("X-Trace", "{{deadheat:token:s9}}"),)
    assert redactor.url(url)[0] == "ws://h/{{deadheat:token:s9}}"

"""Names announce secrets; how strictly the value is judged depends on where it stands."""

import pytest

from capture.redaction.names import (
    HINTS,
    Expect,
    announces_a_secret,
    is_password,
    is_secret,
    looks_random,
    looks_secret,
    normal,
)

ANNOUNCING = [
    "token access_token accessToken X-Amz-Security-Token user-token password new_password pwd",
    "apiKey x-api-key client_secret Authorization X-Authorization jwt bearer auth credentials",
    "passcode passphrase pass sig X-Amz-Signature ticket Ocp-Apim-Subscription-Key private_key",
]
OTHER = ["tokens", "max_tokens", "keyboard", "Sec-WebSocket-Key", "compass", "bypass", "author"]


@pytest.mark.parametrize("name", " ".join(ANNOUNCING).split())
def test_announces_and_has_a_hint(name: str) -> None:
    assert announces_a_secret(name)
    assert any(hint in name.lower() for hint in HINTS)


@pytest.mark.parametrize("name", [*OTHER, "Access-Control-Allow-Credentials", "", "é"])
def test_other_names_announce_nothing(name: str) -> None:
    assert not announces_a_secret(name)


def test_names_are_compared_by_their_letters() -> None:
    assert normal("X-Api_Key 2") == "xapikey"


def test_passwords_are_told_from_tokens() -> None:
    assert is_password("newPassword")
    assert not is_password("token")


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [
        ("token", b"x", Expect.CREDENTIALS),
        ("token", b"short1", Expect.ANYTHING),
        ("token", b"tiny1", Expect.CREDENTIALS),
        ("token", b"a1b2c3d4", Expect.ANYTHING),
        ("token", b"opaque-session-token-value", Expect.ANYTHING),
        ("access_token", b"abcdefgh", Expect.ANYTHING),
    ],
)
def test_a_secret_counts_where_at_least_so_much_is_expected(
    name: str, value: bytes, least: Expect
) -> None:
    order = [Expect.ANYTHING, Expect.CLIENT, Expect.CREDENTIALS]
    counted = [is_secret(name, value, expect) for expect in order]
    assert counted == [order.index(expect) >= order.index(least) for expect in order]


@pytest.mark.parametrize(
    "value", [b"Hello", b" the", b"internationalization", b"", b"two words 12"]
)
def test_streamed_words_are_no_secrets(value: bytes) -> None:
    assert not is_secret("token", value, Expect.ANYTHING)


def test_without_a_name_nothing_is_a_secret() -> None:
    assert not is_secret("id", b"a1b2c3d4e5f6a7b8", Expect.CREDENTIALS)
    assert not is_secret("token", b"", Expect.CREDENTIALS)


def test_looks_secret_wants_letters_and_digits_or_length() -> None:
    assert looks_secret(b"abc12345")
    assert looks_secret(b"long-words-with-hyphens")
    assert not looks_secret(b"abc123")
    assert not looks_secret(b"12345678")
    assert not looks_secret(b"abc 12345")


@pytest.mark.parametrize(
    ("item", "random"),
    [
        (b"a1b2c3d4-e5f6-7890-abcd-ef1234567890", True),
        (b"graphql-transport-ws", False),
        (b"com.example.service.v2.protocol.name", False),
        (b"v12.stomp", False),
    ],
)
def test_a_random_item_is_told_from_the_name_of_a_protocol(item: bytes, random: bool) -> None:
    assert looks_random(item) is random

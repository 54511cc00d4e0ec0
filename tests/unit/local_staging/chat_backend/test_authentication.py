from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from local_staging.chat_backend.authentication import Credentials, credentials_of
from local_staging.tokens import InvalidToken


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_token_in_the_header(scheme: str) -> None:
    headers = Headers({"authorization": f"{scheme} abc"})
    assert credentials_of(headers, []) == Credentials("abc")


def test_token_as_a_subprotocol() -> None:
    assert credentials_of(Headers(), ["bearer", "abc"]) == Credentials("abc", "bearer")


@pytest.mark.parametrize("subprotocols", [[], ["bearer"], ["chat", "abc"], ["bearer", "a", "b"]])
def test_no_token(subprotocols: list[str]) -> None:
    with pytest.raises(InvalidToken):
        credentials_of(Headers({"authorization": "Basic abc"}), subprotocols)


def test_token_is_not_in_the_representation() -> None:
    assert "abc" not in repr(Credentials("abc"))

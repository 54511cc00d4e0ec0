from typing import Any

import pytest

from replay.errors import CheckError
from replay.oracles.checks.selector import ALL, Selector
from tests.unit.replay.oracles.checks.test_field import said


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("all", "anything"),
        ("type=chat", {"type": "chat"}),
        ("chat", {"type": "chat"}),
        ("op=ping", {"op": "ping", "n": 1}),
        ("level=3", {"type": "x", "level": 3}),
        ("$.user.id=7", {"user": {"id": 7}}),
        ("user.id=7", {"user": {"id": 7}}),
        ("/a,b/", "a,b"),
        ("/^ping/", "ping 3"),
        ("ping #", "ping 3"),
        ("binary", b"\x00"),
    ],
)
def test_what_matches(text: str, payload: Any) -> None:  # noqa: ANN401  any JSON
    assert Selector(text).matches(said(payload))


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("type=chat", {"type": "ping"}),
        ("chat", {"type": "chats"}),
        ("chat", {"text": "chat"}),
        ("$.user.id=7", {"user": {"id": 8}}),
        ("/^ping/", "a ping"),
    ],
)
def test_what_does_not(text: str, payload: Any) -> None:  # noqa: ANN401  any JSON
    assert not Selector(text).matches(said(payload))


@pytest.mark.parametrize("text", ["", "=chat", "a,b", "by=$.id", "a b=3", "$.=3"])
def test_what_selects_nothing_is_refused(text: str) -> None:
    with pytest.raises(CheckError, match="expected"):
        Selector(text)


def test_all_is_all() -> None:
    assert str(ALL) == "all"

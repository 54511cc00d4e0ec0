from typing import Any

import pytest

from replay.errors import CheckError
from replay.oracles.checks.field import Field
from replay.oracles.checks.observed import Observed, Said
from tests.unit.replay.captures import Connection, capture_of


def said(payload: Any) -> Said:  # noqa: ANN401  any JSON
    (talk,) = Observed.of(capture_of(Connection().said(1, payload))).talks
    return talk.messages[0]


@pytest.mark.parametrize(
    ("field", "payload", "values"),
    [
        ("$.id", {"id": 7}, [7]),
        ("$.user.id", {"user": {"id": "ann"}}, ["ann"]),
        ("$.items[1]", {"items": ["a", "b"]}, ["b"]),
        ("$.items[*].id", {"items": [{"id": 1}, {"id": 2}, {}]}, [1, 2]),
        ("$[0]", ["a"], ["a"]),
        ("$", "hello", ["hello"]),
        ("$", {"b": 1, "a": 2}, ['{"a": 2, "b": 1}']),
        ("$.user", {"user": {"id": 1}}, ['{"id": 1}']),
        ("$[1].id", '42["message",{"id":3}]', [3]),
        ("/seq (\\d+)/", "seq 12 and seq 13", ["12", "13"]),
        ("/seq \\d+/", "seq 12", ["seq 12"]),
        ("$.id", {"id": None}, []),
        ("$.id", {"other": 1}, []),
        ("$.id", "no json", []),
        ("$.items[3]", {"items": [1]}, []),
        ("$.id[0]", {"id": {"0": 1}}, []),
        ("/x/", b"x", []),
        ("$", b"\x01\x02", ["0102"]),
    ],
)
def test_what_stands_at_a_place(field: str, payload: Any, values: list[Any]) -> None:  # noqa: ANN401  any JSON
    assert Field(field).values(said(payload)) == values


def test_a_key_is_the_same_as_number_and_as_digits() -> None:
    assert Field("$.id").keys(said({"id": 7})) == Field("$.id").keys(said({"id": "7"})) == ["7"]
    assert Field("$.on").keys(said({"on": True})) == ["true"]


@pytest.mark.parametrize("text", ["id", "", "$id", "$.", "$.a,b", "$.a[x]", "/", "//", "$.a=3"])
def test_what_is_no_field(text: str) -> None:
    with pytest.raises(CheckError, match="is no field, expected"):
        Field(text)


def test_a_regular_expression_that_is_none() -> None:
    with pytest.raises(CheckError, match="is no regular expression"):
        Field("/(/")

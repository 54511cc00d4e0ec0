"""A value is found again at its place, and replaced there and nowhere else."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.correlation.places import (
    Written,
    check_place,
    found_at,
    replaced_at,
    values_in,
)
from replay.errors import PlanError

JSON = '{"a":{"b":[1,"x y=abc123"]},"d":"{\\"id\\":\\"q\\"}","u":"/ws/r1?x=%20a","n":null}'
EXAMPLES = [
    (JSON, Written.MESSAGE),
    ("SESSION abc-1 t=YWJj== room:1/2", Written.MESSAGE),
    ("CONNECTED\nsession:s-1\n\n", Written.MESSAGE),
    ("ws://h:1/a/b?c=d&e={{deadheat:token:s1}}", Written.URL),
    ("sid=a; lang=b; Path=/", Written.COOKIES),
    ("Bearer {{deadheat:token:s2}}", Written.HEADER),
]


@pytest.mark.parametrize(("text", "written"), EXAMPLES)
def test_every_value_is_found_at_its_place_and_put_back_without_a_change(
    text: str, written: Written
) -> None:
    values = list(values_in(text, written))
    assert len({value.place for value in values}) == len(values) > 0
    for value in values:
        check_place(value.place)
        assert found_at(text, value.place) == value.text
        assert replaced_at(text, value.place, value.text) == text


@given(st.text(min_size=1, max_size=60))
def test_any_value_of_any_text_is_found_again_after_it_was_replaced(text: str) -> None:
    for value in values_in(text, Written.MESSAGE):
        assert found_at(text, value.place) == value.text
        assert found_at(replaced_at(text, value.place, value.text), value.place) == value.text


@given(st.text(max_size=20))
def test_another_value_is_read_back_from_json(new: str) -> None:
    for place in ("$.a.b[0]", "$.a.b[1]", "$.d > $.id", "$.u > query x"):
        assert found_at(replaced_at(JSON, place, new), place) == new
    changed = json.loads(replaced_at(JSON, "$.d > $.id", new))
    assert json.loads(changed["d"]) == {"id": new}
    assert {**changed, "d": ""} == {**json.loads(JSON), "d": ""}


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_another_value_is_escaped_in_a_query(new: str) -> None:
    url = replaced_at("ws://h/a?session=old&x=1", "query session", new)
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert query == {"session": [new], "x": ["1"]}


@pytest.mark.parametrize(
    ("text", "place", "new", "changed"),
    [
        ('{"seq": 7, "s": "7"}', "$.seq", "9", '{"seq": 9, "s": "7"}'),
        ('{"seq": 7, "s": "7"}', "$.s", "9", '{"seq": 7, "s": "9"}'),
        ('{"seq": 7}', "$.seq", "now", '{"seq": "now"}'),
        ("RESUME abc/d+x== now", "word 2", "q1", "RESUME q1 now"),
        ("ACK=41 ok", "word 2", "42", "ACK=42 ok"),
        ("room:a1.b2 in", "word 1 > part 2", "c3", "room:c3.b2 in"),
        ("/rooms/a%2Fb/ws?x=1", "path 2", "c/d", "/rooms/c%2Fd/ws?x=1"),
        ("theme=dark;  sid=old ; x=1", "cookie sid", "new", "theme=dark;  sid=new ; x=1"),
        ('42["join",{"id":"old"}]', "$[1].id", "new", '42["join",{"id":"new"}]'),
    ],
)
def test_only_the_place_changes(text: str, place: str, new: str, changed: str) -> None:
    assert replaced_at(text, place, new) == changed


def test_a_place_that_is_not_there() -> None:
    for place in ("$.z", "word 99", "query z", "cookie z", "path 7", "$.a > $.b"):
        assert found_at(JSON, place) is None
        assert replaced_at(JSON, place, "new") == JSON


def test_names_are_what_a_value_stands_under() -> None:
    names = {
        value.text: value.name for value in values_in("RESUME k1 seq=5 id:q7", Written.MESSAGE)
    }
    assert (names["k1"], names["5"], names["q7"]) == ("RESUME", "seq", "id")


@pytest.mark.parametrize("place", ["", "word", "word 0", "word x", "query", "a > b", "$", "$.a > "])
def test_refuses_what_is_no_place(place: str) -> None:
    with pytest.raises(PlanError, match="place is"):
        check_place(place)

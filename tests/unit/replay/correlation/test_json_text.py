"""Every leaf of a JSON text has a path of its own, and the characters that are it."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from replay.correlation.json_text import json_leaves

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=6), v, max_size=4)
)
CONTAINERS = st.lists(VALUES, max_size=4) | st.dictionaries(st.text(max_size=6), VALUES, max_size=4)


def strings_and_numbers(value: Any) -> list[str]:  # noqa: ANN401  any JSON
    if isinstance(value, dict):
        return [leaf for child in value.values() for leaf in strings_and_numbers(child)]
    if isinstance(value, list):
        return [leaf for child in value for leaf in strings_and_numbers(child)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


@given(CONTAINERS, st.booleans(), st.sampled_from([None, 1]))
def test_finds_every_leaf_and_where_it_is_written(
    value: Any,  # noqa: ANN401  any JSON
    escaped: bool,
    indent: int | None,
) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    leaves = json_leaves(text)
    assert leaves is not None
    assert [leaf.value for leaf in leaves] == strings_and_numbers(value)
    for leaf in leaves:
        written = text[leaf.start : leaf.end]
        assert json.loads(written if leaf.is_number else f'"{written}"') == (
            json.loads(leaf.value) if leaf.is_number else leaf.value
        )


@given(CONTAINERS)
def test_no_two_leaves_have_one_path(value: Any) -> None:  # noqa: ANN401  any JSON
    paths = [leaf.path for leaf in json_leaves(json.dumps(value)) or ()]
    assert len(set(paths)) == len(paths)


def test_paths_read_like_code() -> None:
    text = '{"a": {"b.c": [1, {"x > y": "z"}]}, "_d": "e"}'
    assert [(leaf.path, leaf.value) for leaf in json_leaves(text) or ()] == [
        ('$.a["b.c"][0]', "1"),
        ('$.a["b.c"][1]["x \\u003e y"]', "z"),
        ("$._d", "e"),
    ]


def test_socket_io_has_digits_before_its_json() -> None:
    assert [(leaf.path, leaf.value) for leaf in json_leaves('42["ev",{"id":"q"}]') or ()] == [
        ("$[0]", "ev"),
        ("$[1].id", "q"),
    ]


def test_what_is_no_json_has_no_leaves() -> None:
    for text in ("", "SESSION abc", '{"a": ', "17", '"only a string"', "[" * 100_000):
        assert json_leaves(text) is None

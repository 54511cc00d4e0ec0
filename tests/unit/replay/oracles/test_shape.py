import json

import pytest

from capture.format.model import Direction
from capture.messages import Message, messages
from replay.oracles.shape import Normaliser, Shape, describe, shape_of
from tests.unit.replay.captures import Connection

C1 = Connection("c1")


def message(payload: object) -> Message:
    (only,) = messages([C1.frame(0, Direction.SERVER_TO_CLIENT, payload)])
    return only


def shape(payload: object) -> Shape:
    return shape_of(message(payload))


def test_json_is_its_paths_and_its_values() -> None:
    taken_apart = shape({"type": "ack", "of": {"n": 1}, "tags": ["a", "b"]})
    assert taken_apart.skeleton == "json $.of.n:number $.tags[]:str $.type:str"
    assert taken_apart.leaves == (
        ("$.type", '"ack"'),
        ("$.of.n", "1"),
        ("$.tags[]", '"a"'),
        ("$.tags[]", '"b"'),
    )


def test_the_order_of_fields_and_the_length_of_lists_make_no_other_structure() -> None:
    assert shape({"a": 1, "b": [1]}).skeleton == shape({"b": [1, 2], "a": 1.5}).skeleton


@pytest.mark.parametrize(
    "other", [{"a": "1"}, {"a": None}, {"a": True}, {"b": 1}, {"a": 1, "b": 1}]
)
def test_types_and_names_make_another_structure(other: object) -> None:
    assert shape({"a": 1}).skeleton != shape(other).skeleton


def test_text_is_its_words_and_its_numbers() -> None:
    assert shape("user 42 joined at 10:30") == Shape(
        "text user # joined at #", (("#0", "42"), ("#1", "10:30"))
    )


def test_binary_is_one_value() -> None:
    assert shape(b"\x01\xff") == Shape("binary", (("", "01ff"),))


def test_values_that_vary_are_left_out_of_templates() -> None:
    normaliser = Normaliser.learned([[shape({"a": 1, "n": n})] for n in (1, 2)])
    assert normaliser.template(shape({"a": 1, "n": 7}))[1] == (("$.a", "1"),)


def test_a_value_is_stable_only_within_its_structure() -> None:
    runs = [[shape({"a": 1}), shape({"a": n, "b": 0})] for n in (1, 2)]
    normaliser = Normaliser.learned(runs)
    assert normaliser.is_stable(shape({"a": 1}), "$.a")
    assert not normaliser.is_stable(shape({"a": 1, "b": 0}), "$.a")


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-01T10:00:00Z",
        "2026-01-01 10:00:00.123",
        1_767_225_600,
        1_767_225_600.123,
        0.1234,
        "2f1c9a04-5d0e-4f5e-8b1c-0b6f7b0a7e11",
        "9f86d081884c7d65",
        "V1StGXR8_Z5jdHi6B-myT",
    ],
)
def test_ids_and_times_vary_even_where_a_few_runs_agreed(value: object) -> None:
    normaliser = Normaliser.learned([[shape({"v": value})]] * 3)
    assert not normaliser.is_stable(shape({"v": value}), "$.v")


@pytest.mark.parametrize("value", ["ok", "a-rather-long-word-without-digits", 42, 1.5, True, None])
def test_other_values_that_agree_are_stable(value: object) -> None:
    normaliser = Normaliser.learned([[shape({"v": value})]] * 3)
    assert normaliser.is_stable(shape({"v": value}), "$.v")


def test_how_often_a_value_came_does_not_matter() -> None:
    runs = [[shape({"t": "tick"})] * count for count in (1, 3)]
    assert Normaliser.learned(runs).is_stable(shape({"t": "tick"}), "$.t")


def test_what_one_run_lacks_is_not_stable() -> None:
    normaliser = Normaliser.learned([[shape({"t": "tick"})], []])
    assert not normaliser.is_stable(shape({"t": "tick"}), "$.t")


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"type": "ack", "n": 1}, 'the type="ack" message'),
        ({"event": "joined"}, 'the event="joined" message'),
        ({"x": 1, "y": 2}, "the message with x=1, y=2"),
        ("user 42 joined", "text 'user # joined'"),
        (b"\x01\xff", "a binary message 01ff"),
    ],
)
def test_a_template_is_described_for_people(payload: object, text: str) -> None:
    normaliser = Normaliser.learned([[shape(payload)]])
    assert describe(normaliser.template(shape(payload))) == text


def test_where_no_value_is_stable_the_fields_describe_it() -> None:
    varying = [[shape({"n": 1, "m": 2})], [shape({"n": 3, "m": 4})]]
    template = Normaliser.learned(varying).template(shape({"n": 5, "m": 6}))
    assert describe(template) == "the message with m, n"
    binary = Normaliser.learned([[shape(b"a")], [shape(b"b")]]).template(shape(b"c"))
    assert describe(binary) == "a binary message"


def test_any_json_value_is_a_message() -> None:
    for value in (3, "x", None, [], {}):
        assert shape(json.dumps(value)).skeleton.startswith("json ")


@pytest.mark.parametrize(
    ("text", "skeleton", "leaves"),
    [
        ('40{"sid":"aB3"}', "json 40 $.sid:str", (("$number", ""), ("$.sid", '"aB3"'))),
        ('42["stored",1]', "json 42 $[]:number $[]:str", (("$number", ""),)),
        ('431["ack"]', "json 43 $[]:str", (("$number", "1"), ("$[]", '"ack"'))),
    ],
)
def test_digits_before_json_are_apart_from_it(
    text: str, skeleton: str, leaves: tuple[tuple[str, str], ...]
) -> None:
    taken_apart = shape(text)
    assert taken_apart.leaves[: len(leaves)] == leaves
    assert taken_apart.skeleton == skeleton


def test_the_number_of_a_secret_varies() -> None:
    tickets = [shape({"ticket": f"{{{{deadheat:token:s{number}}}}}"}) for number in (1, 2)]
    normaliser = Normaliser.learned([tickets[:1]] * 3)
    assert normaliser.template(tickets[0]) == normaliser.template(tickets[1])


def test_a_session_id_of_socket_io_varies() -> None:
    runs = [[shape(f'40{{"sid":"{sid}"}}')] for sid in ("IcmWkaCGALvKRhAAAI", "Qw3jkaLLe_Rh-AAAD")]
    normaliser = Normaliser.learned(runs)
    assert len({normaliser.template(run[0]) for run in runs}) == 1


def test_a_text_that_no_two_runs_share_varies() -> None:
    runs = [[shape("hello you"), shape(word)] for word in ("kRwqpt", "zzuiow", "plmokn")]
    normaliser = Normaliser.learned(runs)
    assert normaliser.template(shape("uhbygv")) == normaliser.template(runs[0][1])
    assert normaliser.template(shape("hello you")) != normaliser.template(runs[0][1])
    assert describe(normaliser.template(shape("x"))) == "a text that is another one each time"


def test_where_all_runs_have_the_same_texts_another_one_is_another() -> None:
    normaliser = Normaliser.learned([[shape("hello you")]] * 3)
    assert normaliser.template(shape("bye")) != normaliser.template(shape("hello you"))


def test_what_may_come_beside_has_no_value_that_stays() -> None:
    tick, board = shape({"type": "tick", "n": 1}), shape({"type": "board", "moves": "e4 g1"})
    once = [tick, board]
    normaliser = Normaliser.learned([once, once], [tick, shape({"type": "tick", "n": 2})])
    assert not normaliser.is_stable(tick, "$.n")
    assert normaliser.is_stable(tick, "$.type")
    assert normaliser.is_stable(board, "$.moves")

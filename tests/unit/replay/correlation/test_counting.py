"""Small numbers and short ids need names, or a course of their own, to be the server's."""

from typing import Any

from replay.correlation.counting import Followed, followed
from replay.correlation.sayings import all_said
from tests.unit.replay.captures import Connection, Events, capture_of

C1 = Connection("c1")


def found(*said: tuple[str, Any]) -> list[Followed]:
    events: list[Events] = [C1.opened(0)]
    for number, (side, payload) in enumerate(said, start=1):
        events.append((C1.said if side == "<" else C1.sent)(number, payload))
    return list(followed(list(all_said(capture_of(events)))))


def turns(server: str, client: str, values: list[int]) -> list[tuple[str, Any]]:
    return [
        each
        for value in values
        for each in (("<", {"type": "s", server: value}), (">", {"type": "c", client: value}))
    ]


def test_an_acknowledgement_follows_the_latest_number() -> None:
    (each,) = found(*turns("seq", "ack", [1, 2, 3]))
    assert each.is_sure
    assert not each.is_each
    assert [(use.text, issue.saying.nth) for use, issue in each.pairs] == [
        ("1", 1),
        ("2", 2),
        ("3", 3),
    ]


def test_a_number_of_the_same_name_follows_unless_the_client_could_count_so_itself() -> None:
    (irregular,) = found(*turns("n", "n", [4, 9, 11]))
    (regular,) = found(*turns("n", "n", [1, 2, 3]))
    assert (irregular.is_sure, regular.is_sure) == (True, False)


def test_one_small_number_alone_is_no_evidence() -> None:
    (zero,) = found(*turns("seq", "seq", [0]))
    (seven,) = found(*turns("seq", "seq", [7]))
    (other,) = found(*turns("price", "amount", [7]))
    assert (zero.is_sure, seven.is_sure, other.is_sure) == (False, True, False)


def test_one_that_differs_once_follows_nothing() -> None:
    assert (
        found(*turns("seq", "ack", [4, 9]), ("<", {"seq": 12}), (">", {"type": "c", "ack": 13}))
        == []
    )


def test_answers_in_the_order_of_what_they_answer() -> None:
    said = [("<", {"type": "s", "seq": n}) for n in (5, 8, 3)]
    replies = [(">", {"type": "c", "ack": n}) for n in (5, 8, 3)]
    (each,) = found(*said, *replies)
    assert each.is_each
    assert [issue.saying.nth for _, issue in each.pairs] == [1, 2, 3]


def test_a_number_that_counts_over_all_kinds() -> None:
    said = [
        each
        for n, kind in ((21, "a"), (22, "b"), (25, "a"))
        for each in (("<", {"type": kind, "seq": n}), (">", {"type": "c", "ack": n}))
    ]
    (each,) = found(*said)
    assert each.source.called == ""


def test_the_name_that_is_kin_comes_first() -> None:
    said = [
        each
        for n in (21, 22, 25)
        for each in (("<", {"type": "s", "size": n, "event_id": n}), (">", {"type": "c", "id": n}))
    ]
    assert [each.source.place for each in found(*said)] == ["$.event_id", "$.size"]


def test_what_the_client_said_under_that_name_before_is_its_own() -> None:
    assert found((">", {"id": 7}), ("<", {"id": 7}), (">", {"type": "again", "id": 7})) == []

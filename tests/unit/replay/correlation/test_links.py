"""Links are data: written, read back, and refused when they make no sense."""

from typing import Any

import pytest

from replay.correlation.links import Correlation, Link, Sink, Source
from replay.errors import PlanError
from replay.events import After, Kind

WELCOME = After(Kind.MESSAGE, "c1", 1, "type=welcome")
TICK = After(Kind.MESSAGE, "c1", 4, "type=tick")
OPEN = After(Kind.OPEN, "c1")
LINKS = Correlation(
    (
        Link(
            Source(WELCOME, "$.session"),
            (
                Sink("c1", 1, "payload", "$.session", "s-1"),
                Sink("c2", 0, "url", "query session", "s-1"),
            ),
        ),
        Link(Source(TICK, "$.seq", latest=True), (Sink("c1", 2, "payload", "$.ack", "7"),)),
        Link(
            Source(OPEN, "cookie sid", "set-cookie"),
            (Sink("c2", 0, "header cookie", "cookie sid", "{{deadheat:cookie:s3}}"),),
        ),
    )
)
ONE = LINKS.links[0].to_json()


def test_round_trip() -> None:
    assert Correlation.from_json(LINKS.to_json()) == LINKS


def test_a_step_needs_what_its_values_come_from() -> None:
    assert LINKS.needs() == {
        ("c1", 1): (WELCOME,),
        ("c2", 0): (WELCOME, OPEN),
        ("c1", 2): (After(Kind.MESSAGE, "c1", 1, "type=tick"),),
    }


def test_secrets_that_the_server_issues_are_known() -> None:
    assert LINKS.issued() == {"s3"}


def test_links_of_a_copy() -> None:
    copied = LINKS.renamed(lambda name: f"{name}~1")
    assert copied.needs()["c2~1", 0] == (
        After(Kind.MESSAGE, "c1~1", 1, "type=welcome"),
        After(Kind.OPEN, "c1~1"),
    )
    assert LINKS.and_also(LINKS) == LINKS
    assert len(LINKS.and_also(copied).links) == 6


def test_links_among_some_connections() -> None:
    assert list(LINKS.among(["c1"]).needs()) == [("c1", 1), ("c1", 2)]
    assert LINKS.among(["c2"]) == Correlation()


def test_people_read_them() -> None:
    said = [(str(link.source), str(link.sinks[-1])) for link in LINKS.links]
    assert said == [
        ("$.session of c1 message 1: type=welcome", "c2 step 0 url: query session"),
        ("$.seq of the latest type=tick on c1", "c1 step 2: $.ack"),
        (
            "cookie sid of set-cookie in the handshake of c1",
            "c2 step 0 header cookie: cookie sid",
        ),
    ]


SINK = ONE["to"][0]


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ({}, "expected from, place and to"),
        (ONE | {"from": "c1 massage 1"}, "after is 'c1 massage 1'"),
        (ONE | {"from": "c1 step 2"}, "correlation is from c1 step 2"),
        (ONE | {"from": "c1 open"}, "correlation is from c1 open"),
        (ONE | {"place": "session"}, "place is 'session'"),
        (ONE | {"place": 3}, "place is 3"),
        (ONE | {"to": "c1"}, "expected from, place and to"),
        (ONE | {"to": [SINK | {"step": "1"}]}, "step is '1'"),
        (ONE | {"to": [SINK | {"part": "body"}]}, "part is 'body'"),
        (ONE | {"to": [{"step": 1}]}, "expected from, place and to"),
    ],
)
def test_refuses_what_is_no_link(link: dict[str, Any], complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        Correlation.from_json([link])


def test_refuses_what_is_no_list() -> None:
    with pytest.raises(PlanError, match="no list of links"):
        Correlation.from_json({"from": "c1 open"})

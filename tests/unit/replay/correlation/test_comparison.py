"""Another recording confirms that a value follows, or says that it does not."""

from collections.abc import Sequence
from typing import Any

import pytest

from capture.format.model import Capture, Vantage
from replay.correlation.comparison import Other, Told
from replay.correlation.links import Source
from replay.correlation.sayings import Said, all_said
from replay.events import After, Kind
from tests.unit.replay.captures import HEADER, Connection, capture_of

LATEST = Source(After(Kind.MESSAGE, "c1", 1, "type=tick"), "$.id", latest=True)
FIRST = Source(After(Kind.MESSAGE, "c1", 1, "type=tick"), "$.id")
OF_ALL = Source(After(Kind.MESSAGE, "c1", 2), "$.id")


def session(ids: Sequence[Any], sent: object, name: str = "c1") -> Capture:
    connection = Connection(name)
    ticks = [connection.said(5 + n, {"type": "tick", "id": each}) for n, each in enumerate(ids)]
    return capture_of(connection.opened(0), ticks, connection.sent(50, {"of": sent}))


RECORDED = session(["a-1111", "b-2222"], "b-2222")


def use() -> Said:
    return next(each for each in all_said(RECORDED) if each.value.name == "of")


def told(source: Source, capture: Capture, *, vantage: Vantage = Vantage.EDGE) -> Told:
    fields = {name: getattr(HEADER, name) for name in HEADER.__struct_fields__}
    header = type(HEADER)(**fields | {"vantage": vantage})
    return Other.of(Capture(header=header, events=capture.events), RECORDED).tells_of(source, use())


@pytest.mark.parametrize(
    ("source", "ids", "sent", "expected"),
    [
        (LATEST, ["c-3333", "d-4444"], "d-4444", Told.FOLLOWS),
        (LATEST, ["c-3333", "d-4444"], "c-3333", Told.COINCIDENCE),
        (LATEST, ["c-3333"], "c-3333", Told.FOLLOWS),
        (LATEST, ["b-2222"], "b-2222", Told.CONSTANT),
        (LATEST, [], "b-2222", Told.COINCIDENCE),
        (FIRST, ["c-3333", "d-4444"], "c-3333", Told.FOLLOWS),
        (OF_ALL, ["c-3333", "d-4444"], "d-4444", Told.FOLLOWS),
        (OF_ALL, ["c-3333"], "c-3333", Told.COINCIDENCE),
    ],
)
def test_a_real_client(source: Source, ids: list[str], sent: str, expected: Told) -> None:
    assert told(source, session(ids, sent)) is expected


def test_a_run_tells_only_what_the_server_says() -> None:
    varied, same = session(["c-3333"], "b-2222"), session(["b-2222"], "b-2222")
    assert told(LATEST, varied, vantage=Vantage.CLIENT) is Told.FOLLOWS
    assert told(LATEST, same, vantage=Vantage.CLIENT) is Told.CONSTANT
    assert told(LATEST, session([], "b-2222"), vantage=Vantage.CLIENT) is Told.NOTHING


def test_connections_are_matched_by_their_order() -> None:
    assert told(LATEST, session(["c-3333"], "c-3333", name="ws-7")) is Told.FOLLOWS


def test_who_did_not_send_it_says_nothing() -> None:
    silent = capture_of(Connection("c1").opened(0))
    assert told(LATEST, silent) is Told.NOTHING
    assert told(LATEST, capture_of()) is Told.NOTHING


def test_a_secret_is_another_one_in_each_session() -> None:
    secret = "{{deadheat:token:s1}}"
    recorded = session([secret], secret)
    (sent,) = (each for each in all_said(recorded) if each.value.name == "of")
    assert Other.of(recorded, recorded).tells_of(LATEST, sent) is Told.FOLLOWS

import pytest

from capture.format.model import CloseHow, Direction, Gap, Side
from replay.oracles.checks.observed import Observed, OwedUntil
from tests.unit.replay.captures import MS, Connection, capture_of, ns

C1, C2 = Connection("c1"), Connection("c2")


def test_a_message_is_named_as_show_names_it() -> None:
    run = capture_of(C1.opened(100), C1.sent(150, {"type": "chat"}), C1.said(160, "ok"))
    (talk,) = Observed.of(run).talks
    assert [str(said) for said in talk.messages] == [
        "message 1 of the client (type=chat) at 50.0 ms",
        "message 1 of the server (ok) at 60.0 ms",
    ]
    assert (len(talk.sent), len(talk.heard)) == (1, 1)


@pytest.mark.parametrize(
    ("events", "owed"),
    [
        (C1.left(50), OwedUntil(50 * MS)),
        (C1.dismissed(50), OwedUntil(50 * MS, server_ended=True)),
        (C1.tcp_close(50, Side.CLIENT, CloseHow.FIN), OwedUntil(50 * MS)),
        (C1.tcp_close(50, Side.SERVER, CloseHow.RESET), OwedUntil(50 * MS, server_ended=True)),
    ],
)
def test_what_is_owed_follows_from_who_ended_it(events: object, owed: OwedUntil) -> None:
    run = capture_of(C1.opened(0), events, C2.opened(90))  # type: ignore[arg-type]
    assert Observed.of(run).talks[0].owed == owed


def test_a_connection_that_nobody_ended_is_owed_until_the_record_ends() -> None:
    run = capture_of(C1.opened(0), C1.said(20, "x"), C2.opened(70, 90))
    assert Observed.of(run).talks[0].owed == OwedUntil(90 * MS)


def test_the_caller_may_know_better() -> None:
    known = {"c2": OwedUntil(5)}
    run = capture_of(C1.opened(0), C2.opened(10), C1.left(40), C2.left(50))
    talks = Observed.of(run, owed=known).talks
    assert [talk.owed for talk in talks] == [OwedUntil(40 * MS), OwedUntil(5)]


@pytest.mark.parametrize(
    ("owed", "asked_ms", "is_owed"),
    [
        (OwedUntil(ns(100)), 10, True),
        (OwedUntil(ns(100)), 50, True),
        (OwedUntil(ns(100)), 51, False),
        (OwedUntil(ns(100)), 101, False),
        (OwedUntil(ns(100), server_ended=True), 99, True),
        (OwedUntil(ns(100), server_ended=True), 101, False),
    ],
)
def test_what_takes_longer_than_the_client_stayed_is_not_owed(
    owed: OwedUntil, asked_ms: float, is_owed: bool
) -> None:
    assert owed.covers(ns(asked_ms), takes_ns=ns(50)) is is_owed


def test_lost_bytes_of_the_server_are_remembered() -> None:
    def lost(direction: Direction) -> bool:
        gap = Gap(at_ns=5, connection="c1", direction=direction, missing_bytes=3)
        return Observed.of(capture_of(C1.opened(0), gap)).talks[0].has_gap

    assert lost(Direction.SERVER_TO_CLIENT)
    assert not lost(Direction.CLIENT_TO_SERVER)


def test_nothing_at_all_is_a_run_too() -> None:
    assert Observed.of(capture_of()).talks == ()

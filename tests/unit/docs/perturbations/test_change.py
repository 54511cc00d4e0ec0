import pytest

from docs.perturbations.change import Wait
from docs.perturbations.timeline import Mark
from replay.plan import Pieces
from tests.unit.docs.perturbations.sessions import SECTIONS, change_of, shown

WHERE = {"connection": "c1", "step": 2}


def test_what_only_follows_is_not_changed() -> None:
    change = change_of({"perturbation": "delay", **WHERE, "by_ms": 120})
    assert change.steps == {("c1", 2)}
    assert change.connections == ("c1",)
    assert not change.lost


def test_a_cut_takes_the_later_steps_away() -> None:
    change = change_of({"perturbation": "reset", "connection": "c1", "step": 4})
    assert change.steps == {("c1", 4)}
    assert change.lost == {("c1", 4), ("c1", 5)}


def test_who_followed_a_step_that_is_lost_follows_another_one() -> None:
    change = change_of({"perturbation": "reset", **WHERE})
    assert change.steps == {("c1", 2), ("c2", 0)}


def test_a_copy_is_shown_beside_what_it_copies() -> None:
    change = change_of({"perturbation": "storm", "connection": "c1", "copies": 2})
    assert change.connections == ("c1", "c1~1", "c1~2")
    assert {connection for connection, _ in change.steps} == {"c1~1", "c1~2"}


@pytest.mark.parametrize(
    ("edit", "connections"),
    [
        ({"perturbation": "slow_reader", "connection": "c2"}, ("c2",)),
        ({"perturbation": "stalled_pong", "connection": "c1"}, ("c1",)),
        ({"perturbation": "restart_server", "after": "c1 open"}, ("c1", "c2")),
        (
            {
                "perturbation": "fault",
                "proxy": "store",
                "after": "start",
                "fault": {"name": "blackhole"},
            },
            ("c1", "c2"),
        ),
        ({"perturbation": "align", "steps": [["c1", 1], ["c2", 1]]}, ("c1", "c2")),
    ],
)
def test_what_is_around_a_connection_concerns_it(
    edit: dict[str, object], connections: tuple[str, ...]
) -> None:
    assert change_of(edit).connections == connections


@pytest.mark.parametrize(
    ("name", "waits"),
    [
        ("gap", [("c1", 5.0)]),
        ("delay", [("c1", 120.0)]),
        ("handshake_delay", [("c1", 100.0)]),
        ("stalled_pong", [("c1", 100.0)]),
        ("reconnect", [("c1", 10.0), ("c1~again", 60.0)]),
        ("align", [("c1", None), ("c2", None)]),
        ("fragment", []),
    ],
)
def test_a_wait_is_as_long_as_the_edit_says(
    name: str, waits: list[tuple[str, float | None]]
) -> None:
    change, seen = shown(SECTIONS[name])
    found = list(change.waits(seen))
    assert [(wait.connection, wait.by_ms) for wait in found] == waits
    for wait in found:
        assert wait.by_ms is None or wait.to_ms - wait.from_ms == pytest.approx(wait.by_ms, abs=9)


def test_aligned_steps_wait_from_when_they_could_have_gone() -> None:
    change, seen = shown(SECTIONS["align"])
    first, last = change.waits(seen)
    assert first.to_ms - first.from_ms == pytest.approx(80, abs=20)
    assert last == Wait("c2", last.from_ms, last.to_ms)
    assert last.to_ms - last.from_ms == pytest.approx(0, abs=9)


def test_a_late_pong_is_changed_and_the_ping_is_not() -> None:
    change = change_of({"perturbation": "stalled_pong", "connection": "c1", "by_ms": 9})
    marks = [
        Mark("c1", "client", "pong", 9.0),
        Mark("c2", "client", "pong", 9.0),
        Mark("c1", "server", "ping", 0.0),
    ]
    assert [change.is_changed(mark) for mark in marks] == [True, False, False]


def test_a_dribbled_step_is_in_segments() -> None:
    change = change_of({"perturbation": "dribble", **WHERE, "pieces": 3, "every_ms": 1})
    assert change.segments(Mark("c1", "client", "text", 1.0, step=2)) == Pieces(3, 1_000_000)
    assert change.segments(Mark("c1", "client", "text", 1.0, step=3)) == Pieces()
    assert change.segments(Mark("c1", "server", "text", 1.0)) == Pieces()

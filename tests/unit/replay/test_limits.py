"""A shared server is asked no more than it may bear."""

from __future__ import annotations

import pytest

from replay.errors import ReplayError, TooMuch
from replay.limits import Guard, Limits, limits_from
from replay.perturbations import Storm
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN


def test_what_a_plan_asks_is_known_before_anything_is_sent() -> None:
    Limits(2, 10).check(PLAN)
    with pytest.raises(TooMuch, match="opens 2 connections at once, the limit is 1"):
        Limits(connections=1).check(PLAN)
    with pytest.raises(TooMuch, match="sends 10 times within a second, the limit is 9"):
        Limits(sends_per_s=9).check(PLAN)
    with pytest.raises(TooMuch, match="opens 13 connections at once, the limit is 12"):
        Limits(12, 1_000).check(Storm(50).apply(PLAN))


def test_a_run_counts_what_it_does() -> None:
    guard = Guard(Limits(2, 3))
    for name in ("c1", "c2"):
        guard.opened(name)
    guard.closed("c1")
    guard.opened("c3")
    for at_ms in (0, 400, 800, 1_001, 1_401):
        guard.sent(at_ms * MS)
    with pytest.raises(TooMuch, match="sends 4 times within a second"):
        guard.sent(1_402 * MS)
    with pytest.raises(TooMuch, match="opens 3 connections"):
        guard.opened("c4")


@pytest.mark.parametrize(
    ("configured", "is_shared", "given", "expected"),
    [
        ({}, False, (None, None), Limits()),
        ({}, True, (None, None), Limits(50, 500)),
        ({"max_connections": 7}, True, (None, None), Limits(7, 500)),
        ({"max_connections": 7}, False, (9, None), Limits(9)),
    ],
)
def test_what_is_given_comes_before_what_is_configured(
    configured: dict[str, int],
    is_shared: bool,
    given: tuple[int | None, int | None],
    expected: Limits,
) -> None:
    chosen = limits_from(
        configured, is_shared=is_shared, connections=given[0], sends_per_s=given[1]
    )
    assert chosen == expected


def test_what_is_no_limit_is_refused() -> None:
    with pytest.raises(ReplayError, match="the limit of connections is 0, expected 1 or more"):
        Limits(0)
    with pytest.raises(ReplayError, match="max_sends_per_s is 'few', expected a whole number"):
        limits_from({"max_sends_per_s": "few"}, is_shared=False)

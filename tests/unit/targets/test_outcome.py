"""Hunts on targets are held against the window that is known."""

from __future__ import annotations

from typing import Any

import pytest

from replay.planning import plan_from_capture
from tests.targets.catalogue import Target, orders
from tests.targets.outcome import Outcome, outcome_of, table
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
PLAN = plan_from_capture(
    capture_of(
        C1.opened(0),
        C1.sent(100, {"do": "order"}),
        C1.said(110, {"type": "confirmed"}),
        C1.sent(500, {"do": "cancel"}),
        C1.said(503, {"type": "cancelled"}),
        C1.left(600),
    )
)
TARGET = Target("aiohttp_orders.py", "aiohttp", orders, "c1", 2, "c1 step 1", 0, 120)


def outcome(*findings: dict[str, Any], build: str = "racy") -> Outcome:
    verdict = "reproduced" if findings else "not reproduced"
    answer = {"verdict": verdict, "findings": list(findings), "runs": 60}
    return outcome_of(TARGET, build, 0, PLAN, answer, 12.3)


def finding(
    low_ms: float | None, high_ms: float | None, after: str = "c1 step 1", **more: object
) -> dict[str, Any]:
    window = {"connection": "c1", "step": 2, "after": after, "low_ms": low_ms, "high_ms": high_ms}
    return {
        "edits": [{"perturbation": "gap"}],
        "window": window | more,
        "symptom": {"detail": "changed"},
    }


@pytest.mark.parametrize(
    ("low_ms", "high_ms", "is_right"),
    [(0, 120, True), (0, 97, True), (0, 95, False), (0, 145, False), (20, 120, False)],
)
def test_edges_may_be_off_by_a_fifth(low_ms: float, high_ms: float, is_right: bool) -> None:
    assert outcome(finding(low_ms, high_ms)).is_right is is_right


def test_an_edge_that_was_not_found_is_wrong() -> None:
    assert not outcome(finding(0, None)).is_right


def test_the_window_may_be_counted_from_another_event() -> None:
    counted = outcome(finding(0, 110, after="c1 message 1: type=confirmed"))
    assert counted.known_ms == (0, 110)
    assert counted.is_right


def test_another_step_or_another_change_is_another_race() -> None:
    elsewhere = finding(0, 120, step=1)
    reset = finding(0, 120) | {"edits": [{"perturbation": "reset"}]}
    assert not outcome(elsewhere, reset).is_right
    assert outcome(elsewhere, finding(0, 120)).is_right


def test_a_healthy_build_is_not_to_be_accused() -> None:
    assert outcome(build="healthy").is_right
    assert not outcome(finding(0, 120), build="healthy").is_right


def test_the_table_has_a_line_for_each_target_and_build() -> None:
    lines = list(table([outcome(finding(0, 120)), outcome(), outcome(build="healthy")]))
    assert len(lines) == 4
    assert "| racy | found in 1 of 2 | 0 to 120 | 0 to 120 | 60 to 60 | 12 to 12 |" in lines[2]
    assert "| healthy | not accused in 1 of 1 |" in lines[3]

"""What a hunt's answer comes to, beside the known window."""

from __future__ import annotations

from typing import Any

import pytest

from tests.targets.outcome import edges_of, error_percent, outcome_of
from tests.targets.target import KnownWindow, Target


async def nothing(url: str) -> None:
    """Play nothing."""


def target(*windows: KnownWindow) -> Target:
    return Target(
        "t", "make", "talks", "races", "t.py", (), nothing, windows, frozenset({"missing"})
    )


def finding(low_ms: float | None, high_ms: float | None, **changed: str) -> dict[str, Any]:
    window = {"connection": "c1", "step": 2, "after": "c1 step 1"} | changed
    return {
        "edits": [{"perturbation": "gap"}],
        "window": window | {"low_ms": low_ms, "high_ms": high_ms},
        "symptom": {"kind": "missing", "detail": "c1: the answer did not come"},
        "rate": {"failures": 19, "runs": 20},
    }


def answer(found: dict[str, Any] | None, verdict: str = "reproduced") -> dict[str, Any]:
    return {
        "verdict": verdict,
        "runs": 60,
        "finding": found,
        "control": {"failures": 0, "runs": 30},
    }


KNOWN = KnownWindow("c1", 2, "c1 step 1", 0, 100)


@pytest.mark.parametrize(
    ("found_ms", "known_ms", "width_ms", "percent"),
    [
        (88, 80, 100, 10),
        (72, 80, 100, 10),
        (5, 0, 50, 10),
        (0, 0, 50, 0),
        (None, 80, 100, None),
        (None, None, 0, 0),
        (80, None, 0, None),
    ],
)
def test_an_edge_is_off_by_a_share_of_itself_or_of_a_window_that_begins_at_0(
    found_ms: float | None, known_ms: float | None, width_ms: float, percent: float | None
) -> None:
    assert error_percent(found_ms, known_ms, width_ms) == percent


def test_edges_are_compared_with_the_nearest_window_told_in_the_same_terms() -> None:
    later = KnownWindow("c1", 2, "c1 step 1", 300, 420)
    edges = edges_of(finding(303, 399), (KNOWN, later))
    assert edges is not None
    assert (edges.known_low_ms, edges.known_high_ms) == (300, 420)
    assert (edges.low_error_percent, edges.high_error_percent) == (1, 5)
    assert edges.are_right


@pytest.mark.parametrize(
    "found",
    [
        finding(0, 100, after="c1 open"),
        finding(0, 100, connection="c2"),
        finding(0, 100) | {"edits": [{"perturbation": "reset"}]},
    ],
)
def test_a_race_told_otherwise_has_no_edges_to_compare(found: dict[str, Any]) -> None:
    assert edges_of(found, (KNOWN,)) is None
    assert not outcome_of(target(KNOWN), "racy", (0, 200), answer(found), 1).is_right


@pytest.mark.parametrize(
    ("found", "is_right"),
    [
        (finding(0, 119), True),
        (finding(0, 121), False),
        (finding(0, None), False),
        (finding(None, 100), False),
        (finding(0, 100) | {"symptom": {"kind": "refused", "detail": ""}}, False),
        (None, False),
    ],
)
def test_a_racy_build_is_to_be_found_with_both_edges(
    found: dict[str, Any] | None, is_right: bool
) -> None:
    assert outcome_of(target(KNOWN), "racy", (0, 200), answer(found), 1).is_right is is_right


@pytest.mark.parametrize(
    ("verdict", "is_right"),
    [("not reproduced", True), ("reproduced", False), ("inconclusive", False)],
)
def test_a_healthy_build_is_not_to_be_accused(verdict: str, is_right: bool) -> None:
    found = finding(0, 100) if verdict == "reproduced" else None
    outcome = outcome_of(target(KNOWN), "healthy", (0, 200), answer(found, verdict), 1)
    assert (outcome.is_right, outcome.edges) == (is_right, None)

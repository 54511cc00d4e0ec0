"""The table that `python -m tests.targets` writes."""

from __future__ import annotations

from tests.targets.outcome import outcome_of
from tests.targets.table import table
from tests.unit.targets.test_outcome import KNOWN, answer, finding, target


def test_a_target_has_a_line_for_each_build_over_all_seeds() -> None:
    one = target(KNOWN)
    outcomes = [
        outcome_of(one, "racy", (0, 200), answer(finding(0, 90)), 31.2),
        outcome_of(one, "racy", (1, 200), answer(finding(0, None)), 44.8),
        outcome_of(one, "healthy", (0, 200), answer(None, "not reproduced"), 99.6),
    ]
    _, _, racy, healthy, _, summary = table([one], outcomes)
    told = "missing: c1: the answer did not come (gap of c1 step 2 after c1 step 1, 0.0 to"
    assert racy == (
        "| t (make) | racy | found in 1 of 2 | 60 | 31 to 45 | 0 to 100 ms | "
        "0.0 to 90.0 ms; 0.0 to ? ms | 0 %, 10 %; 0 %, ? | 19 of 20; 19 of 20 | "
        f"{told} 90.0 ms); {told} ? ms) |"
    )
    assert healthy == (
        "| t (make) | healthy | not accused in 1 of 1 | 60 | 100 "
        "| none | none | none | none | nothing |"
    )
    assert summary == ("At the reported points 38 of 40 runs failed (95.0 %); unperturbed 0 of 90.")


def test_what_was_not_hunted_has_no_line() -> None:
    assert len([line for line in table([target(KNOWN)], []) if line.startswith("|")]) == 2

"""What would be sent is told in the words of the plan, and nothing is sent."""

from __future__ import annotations

import pytest

from replay.dry_run import dry_run, line_of
from replay.perturbations import Delay, Reset, SlowReader
from replay.plan import Pace
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN


def told(pace: Pace) -> list[str]:
    return [step["when"] for step in dry_run(PLAN.at_pace(pace)) if step["connection"] == "c1"]


def test_each_step_is_told_in_recorded_order() -> None:
    steps = list(dry_run(PLAN))
    assert [(step["connection"], step["step"]) for step in steps][:4] == [
        ("c1", 0),
        ("c2", 0),
        ("c1", 1),
        ("c1", 2),
    ]
    assert [step["kind"] for step in steps].count("text") == 6
    assert steps[2]["what"] == "send a"


@pytest.mark.parametrize(
    ("pace", "second"),
    [
        (Pace.CAUSAL, "18.0 ms after c1 message 1: ack a"),
        (Pace.HYBRID, "18.0 ms after c1 message 1: ack a"),
        (Pace.RECORDED, "at 40.0 ms"),
        (Pace.BURST, "as soon as it is legal"),
    ],
)
def test_when_is_told_by_the_pace(pace: Pace, second: str) -> None:
    assert told(pace)[2] == second


def test_changes_show() -> None:
    plan = Delay("c1", 2, 5 * MS).apply(Reset("c2", 1, gap_ns=3 * MS).apply(PLAN))
    lines = [line_of(step) for step in dry_run(SlowReader("c1", 7 * MS).apply(plan))]
    assert any("after c1 message 1: ack a + 5.0 ms late" in line for line in lines)
    assert any("3.0 ms after c2 step 0" in line and "end: reset" in line for line in lines)
    assert any("7.0 ms after c1 open" in line and "paused=False" in line for line in lines)

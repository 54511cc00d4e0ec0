"""Every kind of edit as JSON, and what is no edit."""

from __future__ import annotations

from typing import Any

import pytest

from replay.errors import PlanError
from replay.perturbations import KINDS, from_json

HERE = {"connection": "c1", "step": 2}
EXAMPLES: list[dict[str, Any]] = [
    {"perturbation": "gap", **HERE, "after": "c1 open", "gap_ms": 1.5},
    {"perturbation": "delay", **HERE, "by_ms": 0},
    {"perturbation": "scale", "factor": 2},
    {"perturbation": "jitter", "high_ms": 5, "steps": [["c1", 1]]},
    {"perturbation": "hold", **HERE, "for_ms": 10},
    {"perturbation": "handshake_delay", "connection": "c1", "by_ms": 3, "before": "first_frame"},
    {"perturbation": "burst", **HERE, "last": 4},
    {"perturbation": "dribble", **HERE, "pieces": 3},
    {"perturbation": "fragment", **HERE, "pieces": 3, "every_ms": 1},
    {"perturbation": "slow_reader", "connection": "c1", "for_ms": None},
    {"perturbation": "stalled_pong", "connection": "c1", "by_ms": 20},
    {"perturbation": "reset", **HERE, "after": "c1 step 1", "gap_ms": 4},
    {"perturbation": "half_close", **HERE},
    {"perturbation": "early_close", **HERE, "code": None},
    {"perturbation": "reconnect", **HERE, "down_ms": 9, "repeat": 1, "how": "fin"},
    {"perturbation": "storm", "copies": 3, "within_ms": 10},
    {"perturbation": "align", "steps": [["c1", 1], ["c2", 1]], "apart_ms": 0.25},
    {"perturbation": "starve", **HERE, "for_ms": 60_000},
    {"perturbation": "restart_server", "after": "start", "gap_ms": 10},
    {
        "perturbation": "fault",
        "proxy": "redis",
        "after": "c1 open",
        "for_ms": 20,
        "fault": {"name": "latency", "delay_ms": 100},
    },
]


@pytest.mark.parametrize("edit", EXAMPLES, ids=lambda edit: str(edit["perturbation"]))
def test_what_is_written_reads_back(edit: dict[str, Any]) -> None:
    read = from_json(edit)
    written = read.to_json()
    assert from_json(written) == read
    assert {"perturbation", "connection", "step"} <= written.keys()
    assert {name: written[name] for name in edit if edit[name] is not None} == {
        name: value for name, value in edit.items() if value is not None
    }


def test_the_examples_have_every_kind() -> None:
    assert [edit["perturbation"] for edit in EXAMPLES] == [kind.name for kind in KINDS]


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        ({"perturbation": "lag"}, "expected one of: gap, delay"),
        ({}, "perturbation is None, expected one of"),
        ({"perturbation": "delay", "connection": "c1", "step": 1}, "has no 'by_ms'"),
        ({"perturbation": "delay", **HERE, "by_ms": 1, "by": 2}, "has 'by', expected only"),
        ({"perturbation": "delay", **HERE, "by_ms": "soon"}, "expected a number of milliseconds"),
        ({"perturbation": "delay", **HERE, "by_ms": float("nan")}, "expected a number of"),
        ({"perturbation": "delay", **HERE, "by_ms": True}, "expected a number of milliseconds"),
        ({"perturbation": "delay", **HERE, "by_ms": -1}, "expected a by_ms of 0 or more"),
        (
            {"perturbation": "delay", "connection": 1, "step": 1, "by_ms": 1},
            "connection 1, expected a text",
        ),
        (
            {"perturbation": "delay", "connection": "c1", "step": 1.5, "by_ms": 1},
            "step 1.5, expected a whole number",
        ),
        ({"perturbation": "gap", **HERE, "after": "noon", "gap_ms": 1}, "after is 'noon'"),
        ({"perturbation": "scale", "factor": "2"}, "factor '2', expected a number"),
        ({"perturbation": "align", "steps": "c1"}, "expected a list of steps such as"),
        ({"perturbation": "align", "steps": [["c1", True]]}, "expected a list of steps such as"),
    ],
)
def test_what_is_no_edit_is_explained(edit: dict[str, Any], complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        from_json(edit)

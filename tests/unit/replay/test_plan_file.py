import json
from pathlib import Path
from typing import Any

import pytest

from capture.errors import UnwritableOutput
from replay.errors import PlanError
from replay.perturbations import Gap, HandshakeDelay
from replay.plan import After, Kind, Plan
from replay.plan_file import (
    plan_file_json,
    read_edits,
    read_plan_file,
    read_rate,
    write_plan_file,
)
from replay.planning import plan_from_capture
from replay.statistics import rate
from tests.unit.replay.captures import Connection, capture_of

EDITS = (
    Gap("c1", 2, After(Kind.MESSAGE, "c1", 1, "type=ack"), 5_500_000),
    HandshakeDelay("c1", 100_000_000),
)


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("wrap", [lambda edits: edits, lambda edits: {"finding": edits}])
def test_edits_of_a_plan_and_of_a_finding(tmp_path: Path, wrap: object) -> None:
    assert callable(wrap)
    content = wrap({"edits": [edit.to_json() for edit in EDITS]})
    assert read_edits(written(tmp_path, content)) == EDITS


def test_a_plan_may_be_empty(tmp_path: Path) -> None:
    assert read_edits(written(tmp_path, {"edits": []})) == ()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "is no JSON"),
        ([], 'has no "edits"'),
        ({}, 'has no "edits"'),
        ({"edits": 3}, 'has no "edits"'),
        ({"edits": [3]}, 'has no "edits"'),
        ({"finding": None}, 'has no "edits"'),
        ({"edits": [{"perturbation": "lag"}]}, "expected one of: gap, delay"),
        ({"edits": [{"perturbation": "gap"}]}, "has no 'connection'"),
    ],
)
def test_what_is_no_plan_is_explained(tmp_path: Path, content: object, complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        read_edits(written(tmp_path, content))


def test_a_missing_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"cannot read .*absent\.json: No such file"):
        read_edits(tmp_path / "absent.json")


def test_bytes_that_are_no_text_are_no_plan(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(PlanError, match="is no JSON"):
        read_edits(path)


C1, C2 = Connection("c1"), Connection("c2")
WELCOME = "c1 message 1: type=welcome"
PLAN = plan_from_capture(
    capture_of(
        C1.opened(0),
        C1.said(5, {"type": "welcome", "session": "s-1f2e"}),
        C1.sent(20, {"type": "ask", "session": "s-1f2e"}),
        C2.request(40, "ws://h/ws?session=s-1f2e"),
        C2.response(41),
        C2.left(60),
        C1.left(80),
    )
)


def amended(tmp_path: Path, **changes: Any) -> Plan:  # noqa: ANN401  any JSON
    content = plan_file_json(PLAN) | changes
    return read_plan_file(written(tmp_path, content)).amended(PLAN)


def test_the_file_that_is_written_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan_file(PLAN, path)
    assert read_plan_file(path).amended(PLAN) == PLAN
    assert read_plan_file(path).applied_to(PLAN) == PLAN


def test_an_earlier_file_is_not_lost(tmp_path: Path) -> None:
    path = written(tmp_path, "mine")
    with pytest.raises(UnwritableOutput, match="pass --overwrite"):
        write_plan_file(PLAN, path)
    assert path.read_text() == "mine"
    write_plan_file(PLAN, path, overwrite=True)
    assert read_plan_file(path).amended(PLAN) == PLAN
    with pytest.raises(UnwritableOutput, match="cannot write"):
        write_plan_file(PLAN, tmp_path / "absent" / "plan.json")


def test_a_file_of_edits_alone_leaves_the_inference(tmp_path: Path) -> None:
    plan_file = read_plan_file(written(tmp_path, {"edits": [EDITS[1].to_json()]}))
    assert plan_file.amended(PLAN) == PLAN
    assert plan_file.applied_to(PLAN) == EDITS[1].apply(PLAN)


def test_a_removed_link_is_obeyed(tmp_path: Path) -> None:
    plan = amended(tmp_path, correlation=[], causality=[])
    assert plan.correlation.links == ()
    assert [step.needs for step in plan.steps() if step.needs] == []


def test_an_added_link_brings_its_need(tmp_path: Path) -> None:
    sink = {"connection": "c1", "step": 1, "part": "payload", "place": "$.type"}
    link = {"from": WELCOME, "place": "$.type", "to": [sink]}
    plan = amended(tmp_path, correlation=[link], causality=[])
    assert [str(source) for source, _ in plan.correlation] == [f"$.type of {WELCOME}"]
    assert [step.name for step in plan.steps() if step.needs] == ["c1 step 1 (message)"]


def test_a_changed_after_is_obeyed(tmp_path: Path) -> None:
    waits = {"connection": "c2", "step": 0, "after": "c1 open", "gap_ms": 3}
    step = amended(tmp_path, causality=[waits]).step("c2", 0)
    assert (str(step.after), step.gap_ns) == ("c1 open", 3_000_000)
    assert [str(event) for event in step.needs] == [WELCOME]


LINK = PLAN.correlation.to_json()[0]


def moved(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  any JSON
    return {"correlation": [LINK | {"to": [LINK["to"][0] | changes]}]}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"causality": 3}, "causality"),
        ({"causality": [3]}, "causality"),
        ({"correlation": {}}, "no list of links"),
        ({"correlation": [LINK | {"from": "c1 message 1: type=wellcome"}]}, "has no c1 message 1"),
        ({"correlation": [LINK | {"from": "c9 message 1"}]}, "no connection 'c9'"),
        ({"correlation": [LINK | {"from": "c1 message 7"}]}, "has no c1 message 7"),
        (moved(connection="c7"), "no connection 'c7'"),
        (moved(step=9), "steps 0 to 2"),
        (moved(step=0), "that step has no payload"),
        (moved(part="url"), "that step has no url"),
        (moved(step=0, part="url"), "comes only after it"),
        (
            {"causality": [{"connection": "c1", "step": 1, "after": "c1 message 2: type=welcome"}]},
            "has no c1 message 2",
        ),
        (
            {"causality": [{"connection": "c1", "step": 1, "after": "c1 step 2"}]},
            "cannot follow c1 step 2",
        ),
        (
            {"causality": [{"connection": "c1", "step": 0, "after": "c2 step 1"}]},
            "waits for what comes only after it",
        ),
    ],
)
def test_an_illegal_plan_is_refused(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(PlanError, match=complaint):
        amended(tmp_path, **changes)


@pytest.mark.parametrize("wrap", [lambda finding: finding, lambda finding: {"finding": finding}])
def test_the_rate_of_a_finding(tmp_path: Path, wrap: object) -> None:
    assert callable(wrap)
    content = wrap({"edits": [], "rate": rate(4, 5).to_json()})
    assert read_rate(written(tmp_path, content)) == rate(4, 5)


@pytest.mark.parametrize("content", [{"edits": []}, {"finding": None}, [], {"finding": {}}])
def test_a_plan_has_no_rate(tmp_path: Path, content: object) -> None:
    assert read_rate(written(tmp_path, content)) is None


@pytest.mark.parametrize("found", [{}, 3, {"failures": 6, "runs": 5}, {"failures": "x", "runs": 5}])
def test_a_rate_that_is_none(tmp_path: Path, found: object) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        read_rate(written(tmp_path, {"edits": [], "rate": found}))


def test_what_a_link_needs_cannot_be_left_out(tmp_path: Path) -> None:
    waits = {"connection": "c1", "step": 1, "after": "c1 open", "needs": []}
    step = amended(tmp_path, causality=[waits]).step("c1", 1)
    assert [str(event) for event in step.needs] == [WELCOME]


def test_edits_after_what_the_recording_does_not_have_are_refused(tmp_path: Path) -> None:
    c1, c2 = Connection("c1"), Connection("c2")
    plan = plan_from_capture(
        capture_of(
            *(c1.opened(0), c1.sent(5, "1"), c1.said(9, {"type": "ack"}), c1.left(20)),
            *(c2.opened(50), c2.sent(55, "2"), c2.left(70)),
        )
    )

    def applied(**edit: object) -> Plan:
        edits = {"edits": [{"perturbation": "gap", "gap_ms": 5, **edit}]}
        return read_plan_file(written(tmp_path, edits)).applied_to(plan)

    assert applied(connection="c2", step=1, after="c1 message 1").step("c2", 1).pinned
    with pytest.raises(PlanError, match="the recording has no c1 message 9"):
        applied(connection="c2", step=1, after="c1 message 9")
    with pytest.raises(PlanError, match="waits for what comes only after it"):
        applied(connection="c1", step=0, after="c2 closed")

from collections.abc import Sequence
from typing import Any

import pytest

from replay.perturbations import Burst, Gap
from replay.plan import After
from replay.planning import plan_from_capture
from replay.tables import (
    AS_RECORDED,
    CHANGED,
    change_text,
    dose_table,
    finding_signatures,
    gap_of,
    judged_trials,
    lateness_table,
    moved_edit,
    rate_of,
    recorded_gap_ns,
    shows,
    trials_table,
)
from tests.unit.replay.captures import MS, Connection, capture_of
from tests.unit.replay.test_fields_json import EXAMPLES

REFUSED = {"kind": "refused", "detail": "c2: answered 500", "connection": "c2"}
OTHER = {"kind": "missing", "detail": "c1: no ack", "connection": "c1"}


def gap(ms: float, step: int = 0, connection: str = "c2") -> dict[str, Any]:
    return Gap(connection, step, After.parse("c1 closed"), round(ms * MS)).to_json()


def trial(
    edits: Sequence[dict[str, Any]] = (),
    verdict: str = "pass",
    purpose: str = "sweep",
    symptom: dict[str, Any] | None = REFUSED,
    **fields: Any,  # noqa: ANN401  any column
) -> dict[str, Any]:
    line = {
        "run": 1,
        "purpose": purpose,
        "edits": list(edits),
        "verdict": verdict,
        "symptoms": [symptom] if verdict == "fail" else [],
        "reason": "",
        "log": [],
        "lateness": {"sends": 3, "median_ns": 10, "p99_ns": 20, "worst_ns": 30},
        "capture": "runs/0001.capture.jsonl",
    }
    return line | fields


def answer(
    *trials: dict[str, Any], edits: Sequence[dict[str, Any]] | None = None
) -> dict[str, Any]:
    edits = [gap(200)] if edits is None else edits
    window = {"connection": "c2", "step": 0, "after": "c1 closed", "low_ms": 0, "high_ms": 400}
    return {"trials": list(trials), "finding": {"edits": edits, "window": window}}


def test_trials_have_a_row_each_with_change_symptom_and_lateness() -> None:
    (row,) = trials_table([trial([gap(200)], "fail")]).to_dict("records")
    assert row["change"] == "c2 step 0 200.0 ms after c1 closed"
    assert row["symptom"] == "refused: c2: answered 500"
    assert row["worst_lateness_ns"] == 30


def test_an_unknown_run_shows_its_reason_and_may_have_sent_nothing() -> None:
    unknown = trial(verdict="unknown", reason="too busy", lateness=None)
    (row,) = trials_table([unknown]).to_dict("records")
    assert row["symptom"] == "too busy"
    assert trials_table([unknown])["median_lateness_ns"].isna().all()


def test_no_trials_make_a_table_with_the_same_types() -> None:
    assert trials_table([]).dtypes.equals(trials_table([trial()]).dtypes)


def test_doses_count_failures_at_each_gap_with_their_interval() -> None:
    table = dose_table(
        answer(
            trial([gap(0)], "fail"),
            trial([gap(200)], "fail", "rate"),
            trial([gap(200)], "pass", "rate"),
            trial([gap(500)], "pass", "window"),
        ),
        None,
    )
    assert table["gap_ns"].tolist() == [0, 200 * MS, 500 * MS]
    assert table["failures"].tolist() == [1, 1, 0]
    assert table["runs"].tolist() == [1, 2, 1]
    assert table["low"].tolist()[1] == pytest.approx(0.0126, abs=1e-4)
    assert set(table["how"]) == {CHANGED}


def test_controls_stand_at_the_recorded_gap_where_that_is_known() -> None:
    runs = answer(trial([gap(0)], "fail"), trial(purpose="control"), trial(purpose="baseline"))
    table = dose_table(runs, 900 * MS)
    assert table[table["how"] == AS_RECORDED]["runs"].tolist() == [1]
    assert set(dose_table(runs, None)["how"]) == {CHANGED}


def test_unknown_runs_count_for_nothing() -> None:
    runs = [trial([gap(0)], "fail"), trial([gap(0)], "unknown")]
    assert len(judged_trials(runs)) == 1
    assert dose_table(answer(*runs), None)["runs"].tolist() == [1]


def test_another_failure_at_the_same_gap_is_not_the_finding() -> None:
    runs = answer(trial([gap(0)], "fail"), trial([gap(200)], "fail", "rate", OTHER))
    known = finding_signatures(runs)
    assert known == {("refused", "", "answered 500")}
    assert [shows(each, known) for each in runs["trials"]] == [True, False]


def test_a_named_check_that_fails_is_a_failure_of_its_own() -> None:
    named = {**REFUSED, "check": "handshake_within:2s"}
    runs = answer(trial([gap(0)], "fail"), trial([gap(200)], "fail", "rate", named))
    assert [shows(each, finding_signatures(runs)) for each in runs["trials"]] == [True, False]


def test_the_last_failing_run_of_the_sweep_says_what_the_finding_looks_like() -> None:
    given_up, taken_up = trial([gap(0)], "fail", symptom=OTHER), trial([gap(10)], "fail")
    assert finding_signatures(answer(given_up, taken_up)) == {("refused", "", "answered 500")}


def test_without_a_sweep_the_first_failing_run_does() -> None:
    assert finding_signatures(answer(trial([gap(200)], "fail", "rate"))) == {
        ("refused", "", "answered 500")
    }
    assert finding_signatures(answer()) == frozenset()


def test_the_gap_of_a_run_that_changes_something_else_is_none() -> None:
    finding = answer()["finding"]
    assert gap_of(trial([gap(50)]), finding) == 50 * MS
    assert gap_of(trial([gap(50, step=1)]), finding) is None
    assert gap_of(trial([gap(50), gap(5, 1)]), finding) is None
    assert gap_of(trial(), finding) is None


def test_of_several_edits_the_window_names_the_one_that_moves() -> None:
    finding = answer(edits=[gap(5, 1), gap(200)])["finding"]
    moved = moved_edit(finding)
    assert (moved.step, moved.value_ns) == (0, 200 * MS)
    assert gap_of(trial([gap(5, 1), gap(60)]), finding) == 60 * MS
    assert gap_of(trial([gap(6, 1), gap(60)]), finding) is None


def test_the_recorded_gap_comes_from_the_plan() -> None:
    first, second = Connection("c1"), Connection("c2")
    plan = plan_from_capture(capture_of(first.opened(0), first.left(10), second.opened(100)))
    assert recorded_gap_ns(plan, answer()["finding"]) == 88 * MS


def test_lateness_is_binned_and_no_send_is_lost() -> None:
    late_ns = [0, 500, 140_000, 150_000, 9_000_000]
    table = lateness_table(late_ns)
    assert table["sends"].sum() == len(late_ns)
    assert table.dtypes.astype(str).tolist() == ["int64"] * 3
    assert lateness_table([]).empty


def test_equal_latenesses_are_one_bin() -> None:
    assert lateness_table([120_000] * 4)["sends"].tolist() == [4]


def test_rates_and_changes_read_well() -> None:
    assert (rate_of([True, False]).failures, rate_of([]).runs) == (1, 0)
    delay = {"perturbation": "handshake_delay", "connection": "c1", "step": 0, "by_ms": 300}
    assert change_text(delay) == "handshake_delay c1 step 0 300.0 ms after c1 TCP connect"
    assert change_text(gap(200)) == "c2 step 0 200.0 ms after c1 closed"
    assert change_text(Burst("c1", 1, 2).to_json()) == "burst c1 step 1"


@pytest.mark.parametrize("edit", EXAMPLES, ids=lambda edit: edit["perturbation"])
def test_a_change_of_any_kind_can_be_read(edit: dict[str, Any]) -> None:
    assert str(edit.get("connection", "")) in change_text(edit)


def test_edits_without_a_value_are_compared_whole() -> None:
    burst = Burst("c1", 1, 2)
    finding = {
        "edits": [burst.to_json()],
        "window": {"connection": "c1", "step": 1, "after": burst.anchor},
    }
    assert gap_of(trial([burst.to_json()]), finding) == 0
    for other in ([Burst("c1", 1, 3).to_json()], [gap(200)], []):
        assert gap_of(trial(other), finding) is None
        assert gap_of(trial([burst.to_json()]), answer()["finding"]) is None


def test_of_several_edits_the_one_of_the_window_varies() -> None:
    def edits(gap_ms: float) -> list[dict[str, Any]]:
        return [Burst("c2", 1, 2).to_json(), gap(gap_ms)]

    finding = {**answer()["finding"], "edits": edits(200)}
    assert gap_of(trial(edits(300)), finding) == 300 * MS
    assert gap_of(trial([gap(300)]), finding) is None

from dataclasses import replace

import pytest

from evidence.hunt_record import HuntRecord
from evidence.measured import (
    Measured,
    change_words,
    edges_of,
    measured,
    milliseconds,
    step_words,
    window_words,
)
from replay.perturbations import (
    Burst,
    EarlyClose,
    Gap,
    Hold,
    Perturbation,
    Reset,
    RestartServer,
)
from replay.plan import After
from tests.unit.evidence.synthetic_hunt import MS, RECORDED_GAP_MS


@pytest.fixture
def seen(raced: HuntRecord) -> Measured:
    return measured(raced)


def test_runs_are_counted_anew_from_the_table(seen: Measured) -> None:
    assert (seen.rate.failures, seen.rate.runs) == (12, 12)
    assert (seen.control.failures, seen.control.runs) == (0, 14)
    assert seen.counted(seen.inside).failures == len(seen.inside) == len(seen.failing)
    assert seen.counted(seen.outside).failures == 0


def test_the_recorded_gap_is_known(seen: Measured) -> None:
    assert seen.recorded_ns == round(RECORDED_GAP_MS * MS)


def test_edges_are_the_last_failing_and_the_first_passing_gap(seen: Measured) -> None:
    failed_ns, passed_ns = edges_of(seen)
    assert failed_ns is not None
    assert passed_ns is not None
    assert failed_ns < 400 * MS <= passed_ns
    assert seen.high_ns is not None
    assert failed_ns < seen.high_ns < passed_ns


def test_a_run_that_fails_sometimes_is_no_certain_failure(flaky: HuntRecord) -> None:
    seen = measured(flaky)
    assert 0 < seen.rate.failures < seen.rate.runs


@pytest.mark.parametrize(
    ("low_ms", "high_ms", "words"),
    [
        (0, 400, "within 400.0 ms after"),
        (10, 400, "10.0 ms to 400.0 ms after"),
        (None, 400, "up to 400.0 ms after"),
        (10, None, "10.0 ms or more after"),
        (0, None, "0.0 ms or more after"),
        (None, None, "near "),
    ],
)
def test_a_window_reads_well(
    seen: Measured, low_ms: int | None, high_ms: int | None, words: str
) -> None:
    low_ns, high_ns = (None if ms is None else ms * MS for ms in (low_ms, high_ms))
    assert window_words(replace(seen, low_ns=low_ns, high_ns=high_ns)).startswith(words)


def test_steps_are_named_by_what_they_do(raced: HuntRecord) -> None:
    def words(step: int) -> str:
        return step_words(raced.plan, Gap("c1", step, After.parse("c1 open"), 0))

    assert words(0) == "the opening of c1 (c1 step 0)"
    assert words(1) == 'the message {"type": "say"} (c1 step 1)'
    assert words(2) == "the client's goodbye (c1 step 2)"


def test_an_unknown_time_is_a_question_mark() -> None:
    assert (milliseconds(None), milliseconds(1_500_000)) == ("?", "1.5 ms")


OPEN = After.parse("c1 open")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            Reset("c1", 1, OPEN, 5 * MS),
            "c1 is reset in place of STEP, 2.0 ms to 9.0 ms after c1 open",
        ),
        (
            EarlyClose("c1", 1, OPEN, 5 * MS),
            "c1 is closed in place of STEP, 2.0 ms to 9.0 ms after",
        ),
        (RestartServer(OPEN, 5 * MS), "the server is restarted 2.0 ms to 9.0 ms after c1 open"),
        (
            Hold("c1", 1, 5 * MS),
            "this is done: hold: connection c1, step 1, for_ms 5 (with for from 2.0 ms to 9.0 ms)",
        ),
    ],
)
def test_other_changes_than_gaps_are_told_as_what_they_are(
    seen: Measured, edit: Perturbation, words: str
) -> None:
    changed = replace(seen, edit=edit, step="STEP", low_ns=2 * MS, high_ns=9 * MS)
    assert change_words(changed).startswith(words)
    assert not changed.is_gap


def test_what_has_no_value_is_told_without_a_time(seen: Measured) -> None:
    burst = replace(seen, edit=Burst("c1", 1, 2), low_ns=None, high_ns=None)
    assert change_words(burst) == "this is done: burst: connection c1, step 1, last 2"


def test_the_other_edits_are_told_too(seen: Measured) -> None:
    both = replace(seen, others=[Burst("c1", 1, 2)])
    assert change_words(both).endswith("; and burst: connection c1, step 1, last 2")
    assert seen.is_gap
    assert not both.is_gap

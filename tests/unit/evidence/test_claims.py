from dataclasses import replace
from pathlib import Path

import pytest

from evidence.claims import (
    nothing_found_why,
    server_why,
    symptom_why,
    timing_why,
    unseen_why,
    whys_of,
    window_why,
)
from evidence.hunt_record import HuntRecord, read_record
from evidence.measured import measured
from evidence.whys import Status, statuses, walk
from replay.perturbations import Reset
from replay.plan import After
from tests.unit.evidence.synthetic_hunt import COMPLAINT, MS


def test_a_found_race_answers_all_questions(raced: HuntRecord, fixed: HuntRecord) -> None:
    assert statuses(whys_of(raced, fixed)) == {
        "What do users see?": "supported",
        "What makes it happen?": "supported",
        "What does the server do then?": "supported",
        "Why does the time matter?": "supported",
        "Does a change of the server remove it?": "supported",
        "Why was it not seen before?": "supported",
    }


def test_each_answer_leads_to_the_next_question(raced: HuntRecord) -> None:
    assert [depth for depth, _ in walk(whys_of(raced))] == [0, 1, 2, 3, 4, 2]


def test_users_see_the_symptom_in_so_many_runs(raced: HuntRecord) -> None:
    why = symptom_why(raced, measured(raced), ())
    assert why.answer.startswith(
        "A client that connects is refused. c2: the handshake was answered"
    )
    assert "12 of 12 runs" in why.answer
    assert why.evidence[0].count == 12


def test_a_detail_that_ends_a_sentence_ends_it_once(raced: HuntRecord) -> None:
    symptom = {"kind": "log", "detail": COMPLAINT}
    answer = {**raced.answer, "finding": {**raced.finding, "symptom": symptom}}
    why = symptom_why(replace(raced, answer=answer), measured(raced), ())
    assert 'call "accept" first. This is so' in why.answer


def test_without_a_failing_run_no_symptom_is_claimed(raced: HuntRecord) -> None:
    why = symptom_why(raced, replace(measured(raced), at_point=[]), ())
    assert why.status is Status.OPEN


def test_the_timing_is_proven_against_unperturbed_runs(raced: HuntRecord) -> None:
    why = timing_why(raced, measured(raced), ())
    assert why.status is Status.SUPPORTED
    assert "within 400.8 ms after c1 closed; in the recording it came 900.0 ms" in why.answer
    assert [each.count for each in why.evidence] == [12, 14]


def test_two_runs_prove_no_timing(raced: HuntRecord) -> None:
    seen = measured(raced)
    why = timing_why(raced, replace(seen, at_point=seen.at_point[:1], controls=[]), ())
    assert why.status is Status.OPEN
    assert "may be chance" in why.answer


def test_the_servers_own_line_is_tied_to_failing_runs(raced: HuntRecord) -> None:
    why = server_why(raced, measured(raced), ())
    assert why.status is Status.SUPPORTED
    assert COMPLAINT in why.answer


def test_without_a_log_the_server_is_an_open_question(silent: HuntRecord) -> None:
    why = server_why(silent, measured(silent), ())
    assert why.status is Status.OPEN
    assert "--log FILE" in why.to_answer


def test_a_log_that_tells_nothing_is_an_open_question(raced: HuntRecord) -> None:
    trials = [{**trial, "log": ["ERROR: always"]} for trial in raced.trials]
    same = replace(raced, answer={**raced.answer, "trials": trials})
    why = server_why(same, measured(same), ())
    assert why.status is Status.OPEN
    assert "log level" in why.to_answer


def test_the_window_is_counted_inside_and_outside(raced: HuntRecord) -> None:
    seen = measured(raced)
    why = window_why(raced, seen, ())
    assert why.status is Status.SUPPORTED
    inside, outside = len(seen.inside), len(seen.outside) + len(seen.controls)
    assert f"Of {inside} runs in the window {inside} fail, of {outside} outside it" in why.answer
    assert "c1 closed leaves something unfinished in the server for about 400.8 ms" in why.answer
    assert "likely, not certain" not in why.answer


def test_a_race_that_shows_sometimes_is_likely_and_not_certain(flaky: HuntRecord) -> None:
    why = window_why(flaky, measured(flaky), ())
    assert why.status is Status.SUPPORTED
    assert "likely, not certain" in why.answer


@pytest.mark.parametrize(
    ("low_ms", "high_ms", "said"),
    [(0, None, "Where it ends was not found"), (20, 400, "vulnerable between 20.0 ms and 400.0")],
)
def test_no_more_is_said_of_the_state_than_was_measured(
    raced: HuntRecord, low_ms: int, high_ms: int | None, said: str
) -> None:
    high_ns = None if high_ms is None else high_ms * MS
    seen = replace(measured(raced), low_ns=low_ms * MS, high_ns=high_ns)
    assert said in window_why(raced, seen, ()).answer


def test_a_recorded_gap_outside_the_window_says_why_nobody_saw_it(raced: HuntRecord) -> None:
    why = unseen_why(raced, measured(raced))
    assert why.status is Status.SUPPORTED
    assert "900.0 ms after c1 closed: 499.2 ms above the window" in why.answer


def test_a_recorded_gap_below_the_window_is_as_good(raced: HuntRecord) -> None:
    seen = replace(measured(raced), low_ns=950 * MS, high_ns=1_200 * MS)
    assert "50.0 ms below the window" in unseen_why(raced, seen).answer


@pytest.mark.parametrize("recorded_ms", [None, 200])
def test_a_recorded_gap_in_the_window_or_unknown_is_open(
    raced: HuntRecord, recorded_ms: int | None
) -> None:
    recorded_ns = None if recorded_ms is None else recorded_ms * MS
    why = unseen_why(raced, replace(measured(raced), recorded_ns=recorded_ns))
    assert why.status is Status.OPEN


@pytest.mark.parametrize("name", ["fixed", "drifting"])
def test_where_nothing_was_found_no_why_is_supported(hunts: Path, name: str) -> None:
    whys = whys_of(read_record(hunts / name))
    assert {why.status for _, why in walk(whys)} == {Status.OPEN}


def test_nothing_found_says_what_was_tried_and_what_is_left(fixed: HuntRecord) -> None:
    why = nothing_found_why(fixed)
    swept = fixed.answer["swept"]
    assert why.answer.startswith("Nothing was found.")
    assert f"{swept['tried']} changes of timing were tried" in why.answer
    assert f"{swept['left']} changes are untried: raise --budget" in why.to_answer


def test_nothing_left_to_try_asks_for_another_recording(fixed: HuntRecord) -> None:
    done = replace(fixed, answer={**fixed.answer, "swept": {"tried": 30, "left": 0}})
    assert nothing_found_why(done).to_answer.startswith("record a session that does more")


def test_an_inconclusive_hunt_gives_its_reasons(drifting: HuntRecord) -> None:
    why = nothing_found_why(drifting)
    assert why.answer.startswith("That cannot be told from this hunt. Unperturbed runs fail.")
    assert "did not hold up" in why.answer


def test_a_change_that_is_no_gap_is_not_told_as_one(raced: HuntRecord) -> None:
    reset = replace(measured(raced), edit=Reset("c1", 2, After.parse("c1 open"), 5_000_000))
    why = timing_why(raced, reset, ())
    assert "c1 is reset in place of" in why.answer
    assert "in the recording nothing of that happens." in why.answer
    unseen = unseen_why(raced, reset)
    assert "In the recording nothing of that happens" in unseen.answer
    assert unseen.status is Status.SUPPORTED

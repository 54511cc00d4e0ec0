from dataclasses import replace

from replay.events import START
from replay.fault_proxy import parse_fault
from replay.finding import Answer, FailingWindow, Finding, HuntResult, headline, sentences
from replay.oracles.verdict import Symptom, SymptomKind
from replay.perturbations import Gap, RestartServer, ServiceFault
from replay.plan import After, Kind
from replay.statistics import rate
from tests.unit.replay.captures import MS

WINDOW = FailingWindow("c1", 2, "c1 step 1", 20 * MS, 61_234_567, 5 * MS)
FINDING = Finding(
    edits=(Gap("c1", 2, After(Kind.STEP, "c1", 1), 40 * MS),),
    window=WINDOW,
    rate=rate(20, 20),
    symptom=Symptom(SymptomKind.MISSING, "c1: the ack did not come", "c1"),
)
FOUND = HuntResult(Answer.REPRODUCED, 77, rate(0, 20), (FINDING,), tried=5, left=30)
NOTHING = HuntResult(Answer.NOT_REPRODUCED, 40, rate(0, 5), (), ("spent",), tried=30, left=2)


def test_the_line_of_json_has_the_promised_keys() -> None:
    answer = FOUND.to_json()
    assert answer["verdict"] == "reproduced"
    assert answer["runs"] == 77
    assert set(answer["control"]) == {"failures", "runs", "low", "high"}
    finding = answer["finding"]
    assert set(finding) == {"edits", "window", "rate", "symptom"}
    assert finding["edits"][0]["perturbation"] == "gap"
    assert {"connection", "step", "after", "low_ms", "high_ms"} <= set(finding["window"])
    assert set(finding["rate"]) == {"failures", "runs", "low", "high"}
    assert finding["symptom"] == {"kind": "missing", "detail": "c1: the ack did not come"}


def test_a_failure_of_a_named_check_says_which() -> None:
    symptom = replace(FINDING.symptom, check="no_lost_message")
    content = replace(FINDING, symptom=symptom).to_json()
    assert content["symptom"]["check"] == "no_lost_message"


def test_edges_are_in_milliseconds_and_unknown_ones_null() -> None:
    assert (WINDOW.to_json()["low_ms"], WINDOW.to_json()["high_ms"]) == (20, 61.235)
    unknown = replace(WINDOW, low_ns=0, high_ns=None).to_json()
    assert (unknown["low_ms"], unknown["high_ms"]) == (0, None)


def test_nothing_found_is_null() -> None:
    assert NOTHING.to_json()["finding"] is None
    assert NOTHING.to_json()["verdict"] == "not reproduced"
    assert NOTHING.to_json()["reasons"] == ["spent"]


def test_a_person_reads_what_when_and_how_often() -> None:
    text = "\n".join(sentences(FOUND))
    assert "the ack did not come" in text
    assert "c1 step 2 comes 20.0 to 61.2 ms after c1 step 1 (recorded: 5.0 ms)" in text
    assert "20 of 20 runs" in text
    assert "unperturbed" in text
    assert "0 of 20 runs" in text


def test_a_person_reads_what_was_tried_in_vain_and_why_it_ended() -> None:
    text = "\n".join(sentences(NOTHING))
    assert "not reproduced in 40 runs" in text
    assert "30 changes" in text
    assert "spent" in text


def test_an_open_edge_is_a_question_mark() -> None:
    open_ended = replace(FINDING, window=replace(WINDOW, high_ns=None, recorded_ns=None))
    assert "20.0 to ? ms after c1 step 1" in headline(replace(FOUND, findings=(open_ended,)))


def test_without_any_edge_it_says_so_in_words() -> None:
    vague = replace(FINDING, window=replace(WINDOW, low_ns=None, high_ns=None))
    assert "is moved closer to or further from" in headline(replace(FOUND, findings=(vague,)))


def test_edits_that_were_given_and_not_searched_are_told() -> None:
    late = parse_fault("latency:delay_ms=150")
    fault = ServiceFault("redis", START, 0, 8_000_000_000, fault=late)
    edits = (RestartServer(After(Kind.CLOSED, "c1"), 1_700_000_000), fault)
    given = replace(FINDING, edits=edits, window=replace(WINDOW, low_ns=None, high_ns=None))
    assert (
        "with restart_server: connection c1, after c1 closed, gap_ms 1700, and "
        "fault: proxy redis, after start, for_ms 8000, fault latency:delay_ms=150"
    ) in "\n".join(sentences(replace(FOUND, findings=(given,))))


def test_the_headline_is_one_line() -> None:
    for result in (FOUND, NOTHING):
        assert "\n" not in headline(result)

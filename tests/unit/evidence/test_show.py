import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evidence import show
from evidence.case import Case, open_case
from evidence.whys import Status, Why
from replay.correlation import CORRELATED
from tests.unit.evidence.test_case import with_note

EVIL = '<script src="http://evil.example/x.js"></script>'


@pytest.fixture
def case(hunts: Path) -> Case:
    return open_case(hunts / "raced", hunts / "fixed")


def text(part: show.Html) -> str:
    return part._repr_html_()


def test_the_headline_differs_for_found_and_nothing(case: Case, hunts: Path) -> None:
    assert 'class="headline found"' in text(show.headline(case, "Five whys"))
    assert 'class="headline nothing"' in text(show.headline(open_case(hunts / "fixed"), "x"))


def test_every_why_is_numbered_with_badge_and_evidence(case: Case) -> None:
    shown = text(show.whys(case))
    assert "<h3>1. What do users see?" in shown
    assert "<h3>6. Why was it not seen before?" in shown
    assert shown.count('class="badge supported"') == 6
    assert "raced/runs.jsonl" in shown
    assert case.record.digests["runs.jsonl"][:12] in shown


def test_an_open_why_says_how_to_answer_it(hunts: Path) -> None:
    shown = text(show.whys(open_case(hunts / "silent")))
    assert 'class="badge open"' in shown
    assert "To answer it: hunt again with --log FILE" in shown


def test_what_a_server_said_cannot_become_part_of_the_page(case: Case) -> None:
    why = Why(EVIL, EVIL, Status.OPEN, to_answer=EVIL)
    trials = [{**each, "reason": EVIL, "symptoms": []} for each in case.record.trials]
    answer = {**case.record.answer, "trials": trials, "reasons": [EVIL], "target": EVIL}
    evil = replace(case, record=replace(case.record, answer=answer), whys=(why,))
    for part in (
        show.headline(evil, EVIL),
        show.summary(evil),
        show.whys(evil),
        show.runs(evil),
        show.provenance(evil),
    ):
        assert "<script" not in text(part)


def test_runs_are_counted_first_and_listed_where_unfolded(case: Case) -> None:
    shown = text(show.runs(case))
    counts, _, listed = shown.partition("<details>")
    assert "<td>control</td><td>pass</td><td>14</td>" in counts
    assert listed.count("<tr>") == len(case.record.trials) + 1


def test_a_long_list_of_runs_is_cut(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "MAX_ROWS", 5)
    rest = len(case.record.trials) - 5
    assert f"{rest} more runs are in the table of runs" in text(show.runs(case))


def test_the_provenance_has_digests_and_commands(case: Case) -> None:
    shown = text(show.provenance(case))
    assert case.record.digests["recorded.capture.jsonl"] in shown
    assert "deadheat hunt raced/recorded.capture.jsonl" in shown


def test_values_of_the_server_are_listed_with_the_runs(hunts: Path, tmp_path: Path) -> None:
    assert "of the server's own" not in text(show.runs(open_case(hunts / "fixed")))
    hunt = shutil.copytree(hunts / "fixed", tmp_path / "hunt")
    note = f"{CORRELATED}c1 step 1: $.id is the server's, from $.id of c1 message 1: {EVIL}"
    shown = text(show.runs(open_case(with_note(hunt, note))))
    assert "1 value of the server's own" in shown.replace("&#x27;", "'")
    assert "<td>c1 step 1: $.id</td>" in shown
    assert "<script" not in shown

import sys
from pathlib import Path

import pytest

from replay.errors import CheckError
from replay.oracles.checks import from_json, parse, text_of, to_json
from replay.oracles.checks.function import Function
from tests.unit.replay.captures import Connection, capture_of
from tests.unit.replay.oracles.checks.judging import outcome

RUN = capture_of(Connection().opened(0))


def function(tmp_path: Path, body: str) -> str:
    path = tmp_path / "checks.py"
    path.write_text(f"def check(run):\n    {body}\n")
    return f"{path}:check"


@pytest.mark.parametrize(
    "body", ["return True", "return None", "return ''", "assert len(run.connection_ids()) == 1"]
)
def test_a_function_that_is_content(tmp_path: Path, body: str) -> None:
    assert outcome(function(tmp_path, body), RUN).verdict == "pass"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("return False", "returned False"),
        ("return 'two users in one room'", "two users in one room"),
        ("assert run is None, 'there is a run'", "there is a run"),
        ("assert run is None", "the assertion in line 2 fails"),
    ],
)
def test_a_function_that_is_not(tmp_path: Path, body: str, what: str) -> None:
    target = function(tmp_path, body)
    (symptom,) = outcome(target, RUN).judgement.symptoms
    assert (symptom.kind, symptom.check) == ("check", target)
    assert symptom.detail == f"{target}: {what}"


def test_a_judgement_is_taken_as_it_is(tmp_path: Path) -> None:
    body = (
        "from replay.oracles.verdict import Symptom, SymptomKind, judged; "
        "return judged([Symptom(SymptomKind.CLOSED, 'c1 went', 'c1')])"
    )
    (symptom,) = outcome(function(tmp_path, body), RUN).judgement.symptoms
    assert (symptom.kind, symptom.detail, symptom.connection) == ("closed", "c1 went", "c1")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return {}['x']", "the oracle crashed: KeyError: 'x'"),
        ("return 7", "returned int, expected bool, str, None or Judgement"),
    ],
)
def test_a_function_that_breaks_knows_nothing(tmp_path: Path, body: str, reason: str) -> None:
    found = outcome(function(tmp_path, body), RUN)
    assert found.verdict == "unknown"
    assert found.detail.endswith(reason)


def test_a_function_of_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deadheat_checks_of_mine.py").write_text("def fine(run):\n    return True\n")
    monkeypatch.chdir(tmp_path)
    assert outcome("deadheat_checks_of_mine:fine", RUN).verdict == "pass"


def test_a_file_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "deadheat_neighbour.py").write_text("LIMIT = 1\n")
    path = tmp_path / "checks.py"
    path.write_text("from deadheat_neighbour import LIMIT\ndef f(run):\n    return LIMIT == 1\n")
    before = list(sys.path)
    assert outcome(f"{path}:f", RUN).verdict == "pass"
    assert sys.path == before


def test_it_is_known_by_its_target(tmp_path: Path) -> None:
    target = function(tmp_path, "return True")
    check = parse(f"function:{target}")
    assert check == parse(target) == from_json(to_json(check)) == Function(target)
    assert text_of(check) == target


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("absent.py:check", "cannot load absent.py for the check"),
        ("deadheat_no_such_module:check", "cannot load deadheat_no_such_module"),
        ("json:nothing", "json has no function nothing"),
        ("json:__name__", "json has no function __name__"),
        ("json", "is no function, expected file.py:function"),
    ],
)
def test_what_cannot_be_loaded_is_said_before_anything_is_sent(target: str, complaint: str) -> None:
    with pytest.raises(CheckError, match=complaint):
        Function(target)


def test_a_file_that_breaks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("1 / 0\n")
    with pytest.raises(CheckError, match="ZeroDivisionError"):
        parse(f"{path}:check")

import re
from typing import Any

import pytest

from replay.errors import PlanError, ReplayError
from replay.perturbations import Gap
from replay.plan import After, Kind, Pace
from replay.pytest_plugin.mark import case_from, usage

EDIT = Gap("c2", 0, After(Kind.CLOSED, "c1"), 50_000_000)


def test_a_capture_alone_is_enough() -> None:
    case = case_from(["a.capture.jsonl"], {})
    assert (case.capture, case.edits, case.finding) == ("a.capture.jsonl", (), None)
    assert (case.runs, case.pace, case.learns) == (None, Pace.CAUSAL, True)


@pytest.mark.parametrize("perturb", [EDIT, EDIT.to_json(), [EDIT.to_json()], (EDIT,)])
def test_edits_are_objects_or_data_one_or_many(perturb: object) -> None:
    assert case_from(["a"], {"perturb": perturb}).edits == (EDIT,)


@pytest.mark.parametrize(
    ("arguments", "options", "complaint"),
    [
        ([], {}, "missing a required argument: 'capture'"),
        (["a", "b"], {}, "too many positional arguments"),
        (["a"], {"preturb": EDIT}, "unexpected keyword argument 'preturb'"),
        ([7], {}, "capture is 7, expected the path"),
        (["a"], {"runs": 0}, "runs is 0, expected 1 or more"),
        (["a"], {"runs": True}, "runs is True"),
        (["a"], {"patience": -1}, "patience is -1, expected seconds"),
        (["a"], {"patience": "long"}, "patience is 'long', expected seconds"),
        (
            ["a"],
            {"pace": "fast"},
            "pace is 'fast', expected one of: recorded, causal, hybrid, burst",
        ),
        (["a"], {"perturb": "soon"}, "perturb has 'soon', expected edits as in a finding"),
        (["a"], {"record": "client"}, "record is 'client', expected a function"),
        (["a"], {"expect": "recodred"}, "expect is 'recodred', expected 'recorded'"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[Any], options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ReplayError, match=re.escape(complaint)):
        case_from(arguments, options)


def test_an_edit_that_is_none_is_refused() -> None:
    with pytest.raises(PlanError, match="perturbation is 'gapp'"):
        case_from(["a"], {"perturb": {"perturbation": "gapp"}})


def test_a_wrong_argument_shows_how_the_mark_is_written() -> None:
    assert usage().startswith("deadheat(capture, perturb=…, finding=…, expect=…")
    with pytest.raises(ReplayError, match=re.escape(usage())):
        case_from([], {})

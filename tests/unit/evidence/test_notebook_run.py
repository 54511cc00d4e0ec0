import sys
from pathlib import Path

import pytest

from evidence.errors import EvidenceError
from evidence.notebook_run import ROOT, check_parameters, without_paths
from evidence.report import NOTEBOOK


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(EvidenceError, match="has no parameter hunt_dir, only comparison_directory"):
        check_parameters(NOTEBOOK, {"hunt_dir": "x"})


def test_known_parameters_pass() -> None:
    check_parameters(NOTEBOOK, {"hunt_directory": "x", "comparison_directory": "", "title": "t"})


def test_no_path_of_this_machine_stays_anywhere_in_a_notebook() -> None:
    output = {"traceback": [f"File {ROOT}/evidence/case.py", f"{sys.prefix}/lib/x.py"]}
    cleaned = without_paths({"cells": [{"outputs": [output]}]}, {"/data/races/one": "one"})
    assert cleaned["cells"][0]["outputs"][0]["traceback"] == [
        "File deadheat/evidence/case.py",
        "python/lib/x.py",
    ]


def test_what_lies_within_another_place_has_its_own_name() -> None:
    inside = Path.home() / "hunts" / "one"
    assert without_paths(f"{inside}/runs", {str(inside): "one"}) == "one/runs"


def test_numbers_and_nothing_are_left_alone() -> None:
    assert without_paths([1, None, 2.5], {}) == [1, None, 2.5]

import json
import re

import pytest

from benchmarks.real_bugs.case import SERVERS, Case, Runtime
from benchmarks.real_bugs.cases import CASES
from replay.perturbations import from_json


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_has_a_bad_and_a_good_build(case: Case) -> None:
    assert {build.has_bug for build in case.builds} == {True, False}
    names = [build.name for build in case.builds]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_known_plan_of_a_case_can_be_read(case: Case) -> None:
    edits = json.loads(case.known_plan.read_text())["edits"]
    assert [from_json(edit) for edit in edits]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_package_is_pinned_and_every_server_exists(case: Case) -> None:
    pin = r"[\w.-]+@[\d.]+" if case.runtime is Runtime.NODE else r"[\w.-]+==[\d.]+"
    for build in case.builds:
        assert all(re.fullmatch(pin, package) for package in build.packages)
        assert sum("{port}" in argument for argument in build.arguments) == 1
        assert any(_is_server(argument) for argument in build.arguments)


def test_no_two_cases_share_a_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def _is_server(argument: str) -> bool:
    module = argument.split(":")[0]
    return any((SERVERS / name).is_file() for name in (module, f"{module}.py"))

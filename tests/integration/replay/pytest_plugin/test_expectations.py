"""What may be expected of the runs of a mark.

Each is a pytest of its own, against real servers.
"""

from __future__ import annotations

import pytest

from tests.integration.replay.pytest_plugin.runs import (
    BROKEN,
    EDIT,
    MENDED,
    Run,
)


@pytest.mark.parametrize(
    ("expect", "path", "outcome", "line"),
    [
        ("answered", BROKEN, "failed", "deadheat: answered: 1 answers"),
        ("answered", MENDED, "passed", None),
        ('["recorded", answered]', BROKEN, "failed", "deadheat: missing: c1: *"),
        ("crashes", MENDED, "failed", "*unknown: only 0 of 2 runs can be judged"),
        ('"fails: missing"', BROKEN, "passed", None),
        ('"fails: refused"', BROKEN, "failed", "*no run shows 'refused'"),
        ('"fails"', MENDED, "failed", "*of 2 runs no run fails"),
    ],
)
def test_what_is_expected_of_the_runs(
    run: Run, expect: str, path: str, outcome: str, line: str | None
) -> None:
    prefix = """
def answered(run):
    count = sum(getattr(event, "opcode", None) == "text" for event in run.events) - 2
    assert count == 2, f"{count} answers"

def crashes(run):
    return 1 / 0
"""
    source = f"""
@pytest.mark.deadheat(
    "captures/talk.capture.jsonl", perturb={EDIT!r}, expect={expect}, runs=2,
    patience=0.3,
)
def test_expectation(): pass
"""
    result = run(source, prefix=prefix, path=path)
    result.assert_outcomes(**{outcome: 1})
    if line is not None:
        result.stdout.fnmatch_lines([line])

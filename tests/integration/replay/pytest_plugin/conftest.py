"""A folder of tests, and a pytest that runs in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.replay.pytest_plugin.runs import BROKEN, EDIT, PLUGINS, Run, talk
from tests.integration.replay.sessions import saved


@pytest.fixture
def tree(pytester: pytest.Pytester) -> Path:
    """A folder of tests with a capture and a finding."""
    captures = pytester.mkdir("captures")
    saved(talk(), captures / "talk.capture.jsonl")
    finding = {"edits": [EDIT], "window": {"low_ms": 0.0, "high_ms": 60.0}}
    (captures / "talk.finding.json").write_text(json.dumps(finding))
    return pytester.path


@pytest.fixture
def run(pytester: pytest.Pytester, tree: Path, port: int) -> Run:
    """Return a function that runs a test module against the server, broken unless told."""

    def run_module(
        source: str, *arguments: str, path: str | None = BROKEN, prefix: str = ""
    ) -> pytest.RunResult:
        pytester.makepyfile(test_it=f"import pytest\n{prefix}\n{source}")
        target = () if path is None else ("--deadheat-target", f"ws://127.0.0.1:{port}{path}")
        return pytester.runpytest_subprocess(*PLUGINS, *target, *arguments)

    return run_module

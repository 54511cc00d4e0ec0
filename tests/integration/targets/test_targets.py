"""Two of the targets in short; `make targets` hunts on all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.targets.__main__ import hunted
from tests.targets.catalogue import ALL

TARGETS = {target.name: target for target in ALL}


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))


# These need nothing but what the tests have anyway.
@pytest.mark.parametrize("name", ["websockets_resume", "starlette_refresh"])
def test_a_race_is_found_with_its_window(name: str) -> None:
    few = ("--rate-runs", "5", "--stop-at-first")
    outcome = hunted(TARGETS[name], "racy", 0, 120, sys.executable, *few)
    assert outcome.is_right, outcome


def test_a_healthy_server_that_is_never_the_same_is_not_accused() -> None:
    outcome = hunted(TARGETS["websockets_resume"], "healthy", 0, 45, sys.executable)
    assert outcome.is_right, outcome

"""Targets that need nothing beyond what the tests need, hunted from outside."""

from __future__ import annotations

from pathlib import Path

from tests.targets.catalogue import named
from tests.targets.hunting import hunted


def test_a_race_is_found_with_its_window(tmp_path: Path) -> None:
    outcome = hunted(named("presence"), "racy", 0, 80, tmp_path / "kept", "--rate-runs", "5")
    assert outcome.is_right, outcome
    assert outcome.control_failures == 0


def test_a_healthy_server_that_is_never_the_same_is_not_accused(tmp_path: Path) -> None:
    outcome = hunted(named("seats"), "healthy", 0, 27, tmp_path / "kept")
    assert outcome.is_right, outcome
    assert outcome.control_failures == 0

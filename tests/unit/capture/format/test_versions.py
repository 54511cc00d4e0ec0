"""Every version from 1 to the current one can be read: one migration a step."""

import pytest

from capture.format import versions
from capture.format.model import VERSION


def test_there_is_a_migration_for_every_step() -> None:
    assert sorted(versions.MIGRATIONS) == list(range(1, VERSION))


def test_a_line_of_the_current_version_is_left_alone() -> None:
    assert versions.migrate({"event": "note"}, VERSION) == {"event": "note"}


def test_steps_are_taken_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "VERSION", 3)
    steps = {1: lambda line: line | {"one": 1}, 2: lambda line: line | {"two": len(line)}}
    monkeypatch.setattr(versions, "MIGRATIONS", steps)
    assert versions.migrate({}, 1) == {"one": 1, "two": 1}
    assert versions.migrate({}, 2) == {"two": 0}

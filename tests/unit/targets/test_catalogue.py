"""The targets are described rightly."""

from __future__ import annotations

import math

import pytest

from tests.targets.catalogue import ALL, named
from tests.targets.process import SERVERS
from tests.targets.target import Target


@pytest.mark.parametrize("target", ALL, ids=lambda target: target.name)
def test_a_target_has_a_server_and_a_window(target: Target) -> None:
    assert (SERVERS / target.server).is_file()
    assert target.windows
    assert all(0 <= each.low_ms < (each.high_ms or math.inf) for each in target.windows)
    assert target.symptoms


def test_names_are_told_apart() -> None:
    assert len({target.name for target in ALL}) == len(ALL)
    assert {path.name for path in SERVERS.glob("*.[pj][ys]")} == {each.server for each in ALL}


def test_an_unknown_name_is_one_clear_line() -> None:
    with pytest.raises(SystemExit, match="no target 'nobody', expected one of auction"):
        named("nobody")

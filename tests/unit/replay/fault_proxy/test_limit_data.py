from random import Random

import pytest

from replay.errors import PlanError
from replay.fault_proxy import LimitData
from replay.fault_proxy.fault import Ending


@pytest.mark.parametrize(
    ("how", "ending"), [("close", Ending.CLOSED_BY_FAULT), ("reset", Ending.RESET_BY_FAULT)]
)
def test_ends_when_so_many_bytes_have_passed(how: str, ending: Ending) -> None:
    stage = LimitData(5, how).stage(Random(0))
    assert stage.data(b"abc", 1) == [(b"abc", 1)]
    assert stage.data(b"defg", 2) == [(b"de", 2), (ending, 2)]


def test_exactly_so_many_are_enough() -> None:
    ended = [(b"abc", 1), (Ending.CLOSED_BY_FAULT, 1)]
    assert LimitData(3).stage(Random(0)).data(b"abc", 1) == ended


def test_none_at_all_ends_with_the_first_byte() -> None:
    assert LimitData(0).stage(Random(0)).data(b"a", 1) == [(Ending.CLOSED_BY_FAULT, 1)]


@pytest.mark.parametrize("settings", [(-1,), (1, "politely")])
def test_refuses_what_cannot_be(settings: tuple[int, str]) -> None:
    with pytest.raises(PlanError, match="the limit_data fault is"):
        LimitData(*settings)

from random import Random

import pytest

from replay.errors import PlanError
from replay.fault_proxy import Bandwidth, Down, Fault, Latency
from replay.fault_proxy.fault import BOTH, TO_CLIENT, TO_SERVER, Ending, Stage
from tests.unit.replay.fault_proxy.streams import MS


def test_a_stage_lets_everything_through() -> None:
    assert Stage().data(b"x", 5) == [(b"x", 5)]
    assert Stage().end(Ending.FIN, 5) == [(Ending.FIN, 5)]


@pytest.mark.parametrize(
    ("direction", "works"),
    [(BOTH, [TO_SERVER, TO_CLIENT]), (TO_SERVER, [TO_SERVER]), (TO_CLIENT, [TO_CLIENT])],
)
def test_works_on_its_direction(direction: str, works: list[str]) -> None:
    fault = Latency(1, direction=direction)
    assert [way for way in (TO_SERVER, TO_CLIENT) if fault.works(way)] == works


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"direction": "up"}, "expected a direction out of client_to_server"),
        ({"toxicity": 1.1}, "expected a toxicity from 0 to 1"),
        ({"toxicity": -0.1}, "expected a toxicity from 0 to 1"),
    ],
)
def test_refuses_what_no_fault_may_have(settings: dict[str, str], complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        Bandwidth(1, **settings)  # type: ignore[arg-type]


def test_ends_nothing_and_refuses_nobody_unless_it_says_so() -> None:
    fault: Fault = Latency(1)
    assert (fault.cut, fault.refuses) == (None, False)


def test_json_has_what_is_not_as_by_default_with_times_in_ms() -> None:
    fault = Latency(50 * MS, toxicity=0.5)
    assert fault.to_json() == {"name": "latency", "delay_ms": 50.0, "toxicity": 0.5}
    assert Latency.from_json(fault.to_json()) == fault
    assert fault.stage(Random(0)).data(b"x", 0) == [(b"x", 50 * MS)]


def test_is_written_as_a_shell_has_it() -> None:
    assert str(Latency(50 * MS, MS // 2)) == "latency:delay_ms=50,jitter_ms=0.5"
    assert str(Down()) == "down"

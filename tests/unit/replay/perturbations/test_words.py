from replay.events import START
from replay.fault_proxy import Blackhole
from replay.perturbations import EarlyClose, ServiceFault
from replay.perturbations.words import in_words


def test_what_says_nothing_is_left_out() -> None:
    assert in_words(ServiceFault("redis", START, fault=Blackhole())) == (
        "fault: proxy redis, after start, fault blackhole"
    )


def test_a_step_is_told() -> None:
    assert "connection c1, step 2" in in_words(EarlyClose("c1", 2))

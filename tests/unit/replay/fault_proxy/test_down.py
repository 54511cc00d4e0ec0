from random import Random

from replay.fault_proxy import Down
from replay.fault_proxy.fault import TO_CLIENT, TO_SERVER, Cut, Ending


def test_refuses_and_resets_at_once() -> None:
    assert Down().refuses
    assert Down().cut == Cut(0, Ending.RESET_BY_FAULT)
    assert Down().stage(Random(0)).data(b"x", 5) == [(b"x", 5)]


def test_takes_every_connection_both_ways() -> None:
    assert (Down().toxicity, Down().works(TO_CLIENT), Down().works(TO_SERVER)) == (1, True, True)

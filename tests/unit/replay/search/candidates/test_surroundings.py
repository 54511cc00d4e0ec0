from replay.perturbations import RestartServer, ServiceFault
from replay.search.candidates.surroundings import Changeable, surroundings
from tests.unit.replay.search.plans import TALK, TWO


def test_without_means_nothing_is_changed() -> None:
    assert list(surroundings(TWO, Changeable())) == []


def test_the_server_is_restarted_before_openings_and_messages() -> None:
    edits = [edit for _, edit in surroundings(TALK, Changeable(restarts=True))]
    assert all(isinstance(edit, RestartServer) for edit in edits)
    usual_ns = {
        TALK.recorded_ns[edit.after] + edit.gap_ns
        for edit in edits
        if isinstance(edit, RestartServer)
    }
    # As the second message is sent, and 30 ms before: between the first message and its answer.
    assert {40_000_000, 10_000_000} <= usual_ns
    assert min(usual_ns) >= 0


def test_each_service_is_slow_hangs_and_is_away() -> None:
    proxies = ("redis", "auth")
    edits = [edit for _, edit in surroundings(TALK, Changeable(proxies=proxies))]
    for proxy in proxies:
        own = [e.fault.name for e in edits if isinstance(e, ServiceFault) and e.proxy == proxy]
        assert {"latency", "blackhole", "down"} <= set(own)

from replay.perturbations import RestartServer, ServiceFault
from replay.plan import START
from replay.search.candidates.surroundings import Changeable, before_openings, surroundings
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


def test_no_service_is_away_for_good() -> None:
    for _, edit in surroundings(TWO, Changeable(proxies=("redis",))):
        assert isinstance(edit, ServiceFault)
        assert edit.fault.name == "latency" or edit.for_ns is not None


def test_a_service_goes_away_before_each_opening_and_after_what_was_before() -> None:
    assert list(before_openings(TALK)) == [(START, 0)]
    (first, _), (second, gap_ns) = before_openings(TWO)
    assert first == START
    assert second == TWO.of("c2")[0].after
    assert 0 <= gap_ns <= TWO.of("c2")[0].gap_ns

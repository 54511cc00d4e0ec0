"""The rules in virtual time: hours of an edge in milliseconds."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_staging.edge.decisions import (
    Answer,
    Cut,
    Decision,
    Kill,
    Route,
    StartInstance,
    Terminate,
)
from local_staging.edge.policy import CLOUD_RUN, PLAN, SECOND_NS, Policy
from local_staging.edge.rules import Edge


class Run:
    """An edge and a clock that is moved; keeps what was decided and when, in seconds."""

    def __init__(self, policy: Policy = CLOUD_RUN, **changes: Any) -> None:  # noqa: ANN401
        self.edge = Edge(replace(policy, **changes))
        self.now_s = 0.0
        self.decided: list[tuple[float, Decision]] = []
        self._note(self.edge.began(0))

    def at(self, s: float) -> "Run":
        """Move the clock, stopping wherever something is due."""
        while (due_ns := self.edge.next_due_ns()) is not None and due_ns <= round(s * SECOND_NS):
            self.now_s = max(self.now_s, due_ns / SECOND_NS)
            before = len(self.decided)
            self._note(self.edge.due(max(due_ns, self.now_ns)))
            # Whatever is due is decided, or it would be due for ever.
            assert len(self.decided) > before or self.edge.next_due_ns() != due_ns
        self.now_s = s
        return self

    @property
    def now_ns(self) -> int:
        return round(self.now_s * SECOND_NS)

    def arrives(self, request: int, wanted: int | None = None) -> "Run":
        self._note(self.edge.arrived(request, self.now_ns, wanted))
        return self

    def listens(self, instance: int) -> "Run":
        self._note(self.edge.listening(instance, self.now_ns))
        return self

    def upgrades(self, request: int) -> "Run":
        self._note(self.edge.answered(request, 101, self.now_ns))
        return self

    def ends(self, request: int) -> "Run":
        self._note(self.edge.ended(request, self.now_ns))
        return self

    def dies(self, instance: int) -> "Run":
        self._note(self.edge.instance_ended(instance, self.now_ns))
        return self

    def cycles(self) -> "Run":
        self._note(self.edge.cycle(self.now_ns))
        return self

    def _note(self, decisions: list[Decision]) -> None:
        self.decided += [(self.now_s, decision) for decision in decisions]


def serving(policy: Policy = CLOUD_RUN, **changes: Any) -> Run:  # noqa: ANN401
    """An edge whose first instance came up at once, and nothing noted yet."""
    run = Run(policy, min_instances=1, **changes).listens(1)
    run.decided.clear()
    return run


def test_a_cold_start_holds_the_request_until_the_instance_listens() -> None:
    run = Run().arrives(1).at(30).listens(1)
    assert run.decided == [(0, StartInstance(1)), (30, Route(1, 1))]


def test_an_instance_that_does_not_come_up() -> None:
    run = Run().arrives(1).at(2).dies(1)
    (start, (at_s, answer)) = run.decided
    assert start == (0, StartInstance(1))
    assert at_s == 2
    assert isinstance(answer, Answer)
    assert (answer.status, answer.text) == (
        500,
        "The request failed because the instance could not start successfully.",
    )


def test_an_instance_that_never_listens() -> None:
    run = Run(CLOUD_RUN, request_timeout_s=3600).arrives(1).at(239.9)
    assert len(run.decided) == 1
    assert run.at(240).decided[1] == (240, Kill(1))
    assert isinstance(run.decided[2][1], Answer)


def test_traffic_does_not_prolong_the_request() -> None:
    run = serving().arrives(1).upgrades(1)
    for s in range(1, 300):
        run.at(s)
        run.edge.passed(1, run.now_ns)
    assert run.decided == [(0, Route(1, 1))]
    run.at(300)
    assert run.decided[1:] == [(300, Cut(1, "the request timeout of 300 s"))]


def test_the_time_in_the_queue_counts() -> None:
    run = Run().arrives(1).at(100).listens(1).upgrades(1).at(299.9)
    assert len(run.decided) == 2
    assert isinstance(run.at(300).decided[2][1], Cut)


def test_a_request_that_is_not_answered_is_504() -> None:
    run = serving().arrives(1).at(300)
    assert run.decided[1:] == [(300, Answer(1, 504, "upstream request timeout"))]


def test_only_the_plan_gives_up_a_handshake_after_15_s() -> None:
    assert serving(PLAN).arrives(1).at(15).decided[1:] == [
        (15, Answer(1, 504, "upstream request timeout"))
    ]
    assert serving(CLOUD_RUN).arrives(1).at(15).decided[1:] == []
    assert serving(PLAN).arrives(1).at(14).upgrades(1).at(100).decided[1:] == []


def test_the_next_request_above_the_concurrency_has_a_new_instance() -> None:
    run = serving(concurrency=2).arrives(1).arrives(2).arrives(3)
    assert run.decided[2:] == [(0, StartInstance(2))]
    assert run.at(1).listens(2).decided[3:] == [(1, Route(3, 2))]


def test_above_all_instances_it_waits_and_is_refused() -> None:
    run = serving(concurrency=1, max_instances=1).arrives(1).upgrades(1).at(1).arrives(2).at(10.9)
    assert len(run.decided) == 1
    run.at(11)
    assert run.decided[1:] == [
        (11, Answer(2, 429, "The request was aborted because there was no available instance."))
    ]


def test_above_all_instances_it_has_the_place_of_one_that_ends() -> None:
    run = serving(concurrency=1, max_instances=1).arrives(1).arrives(2).at(3).ends(1)
    assert run.decided[1:] == [(3, Route(2, 1))]


def test_a_slow_start_lengthens_the_queue() -> None:
    run = Run(concurrency=1, max_instances=1).arrives(1).at(10).listens(1).upgrades(1).arrives(2)
    run.at(10 + 34.9)
    assert len(run.decided) == 2
    assert isinstance(run.at(10 + 35).decided[2][1], Answer)


def test_cycling_is_sigterm_ten_seconds_sigkill() -> None:
    run = serving().arrives(1).upgrades(1).at(5).cycles().at(5)
    run.arrives(2).at(6).listens(2).at(20)
    assert run.decided[1:] == [
        (5, Terminate(1)),
        # One is always there, so nobody has to arrive for it.
        (5, StartInstance(2)),
        (6, Route(2, 2)),
        (15, Kill(1)),
    ]
    assert run.dies(1).decided[5:] == [(20, Cut(1, "its instance ended"))]


def test_an_instance_that_ends_by_itself_is_not_killed() -> None:
    run = Run().arrives(1).listens(1).ends(1).cycles().at(2).dies(1).at(100)
    assert [decision for _, decision in run.decided[2:]] == [Terminate(1)]


def test_of_those_that_are_always_there_one_that_dies_is_replaced() -> None:
    assert serving().dies(1).decided == [(0, StartInstance(2))]
    assert Run(min_instances=1).dies(1).decided == [(0, StartInstance(1))]


def test_a_request_whose_instance_ends_before_the_answer_is_503() -> None:
    run = serving().arrives(1).at(1).dies(1)
    assert isinstance(run.decided[1][1], Answer)
    assert run.decided[1][1].status == 503


def test_affinity_holds_while_its_instance_has_room() -> None:
    run = serving(concurrency=2).arrives(1).arrives(2).arrives(3).at(1).listens(2).ends(1).ends(2)
    assert run.arrives(4, wanted=2).decided[-1] == (1, Route(4, 2))
    assert run.arrives(5, wanted=2).decided[-1] == (1, Route(5, 1))
    assert run.arrives(6, wanted=99).decided[-1] == (1, Route(6, 1))


def test_an_idle_instance_goes_but_those_that_always_are() -> None:
    run = Run().arrives(1).listens(1).upgrades(1).at(10).ends(1).at(909.9)
    assert len(run.decided) == 2
    assert run.at(910).decided[2:] == [(910, Terminate(1))]
    assert serving().arrives(1).ends(1).at(10_000).decided == [(0, Route(1, 1))]


def test_an_idle_connection_is_cut_when_no_byte_passes() -> None:
    run = serving(idle_connection_s=20.0).arrives(1).upgrades(1).at(15)
    run.edge.passed(1, run.now_ns)
    assert run.at(34.9).decided[1:] == []
    assert run.at(35).decided[1:] == [(35, Cut(1, "idle for 20 s"))]


def test_a_handshake_delay() -> None:
    run = serving(handshake_delay_s=0.4).arrives(1)
    assert run.decided == []
    assert run.at(0.4).decided == [(0.4, Route(1, 1))]


def test_nothing_passes_a_partition_until_it_heals() -> None:
    edge = Edge(CLOUD_RUN)
    assert edge.passes_at_ns("client", 5) == 5
    edge.partition("client", 10, now_ns=5)
    edge.partition("client", 1, now_ns=6)
    assert [edge.passes_at_ns("client", now) for now in (6, 15, 20)] == [15, 15, 20]
    assert edge.passes_at_ns("instance", 6) == 6


def test_the_state_says_who_is_where() -> None:
    run = serving(concurrency=1, max_instances=1).arrives(1).arrives(2)
    assert run.edge.state() == {
        "policy": "cloud-run",
        "instances": {1: {"state": "serving", "requests": 1}},
        "waiting": 1,
    }


EVENTS = st.lists(
    st.tuples(st.sampled_from("arrive upgrade end listen die cycle wait".split()), st.integers(0)),
    max_size=60,
)


@given(EVENTS)
@settings(max_examples=150, deadline=None)
def test_no_request_is_left_hanging_and_none_is_ended_twice(events: list[tuple[str, int]]) -> None:
    run = Run(concurrency=2, max_instances=3, idle_connection_s=40.0, request_timeout_s=60.0)
    arrived: set[int] = set()
    started: list[int] = []
    for kind, number in events:
        requests = sorted(arrived)
        started = [d.instance for _, d in run.decided if isinstance(d, StartInstance)]
        match kind:
            case "arrive":
                arrived.add(len(arrived) + 1)
                run.arrives(len(arrived))
            case "upgrade" if requests:
                run.upgrades(requests[number % len(requests)])
            case "end" if requests:
                run.ends(requests[number % len(requests)])
            case "listen" if started:
                instance = started[number % len(started)]
                stands = run.edge._instances.get(instance)
                if stands is not None and stands.stands.name == "STARTING":
                    run.listens(instance)
            case "die" if started:
                run.dies(started[number % len(started)])
            case "cycle":
                run.cycles()
            case "wait":
                run.at(run.now_s + number % 30)
        loads = [len(each.requests) for each in run.edge._instances.values()]
        assert all(load <= 2 for load in loads)
    run.at(run.now_s + 100)
    assert run.edge._requests == {}
    over = [d.request for _, d in run.decided if isinstance(d, Answer | Cut)]
    assert len(over) == len(set(over))


@pytest.mark.parametrize("hours", [24])
def test_a_day_of_reconnects_takes_no_time(hours: int) -> None:
    run, connection = serving(), 0
    while run.now_s < hours * 3_600:
        connection += 1
        run.arrives(connection).upgrades(connection).at(run.now_s + 300)
    cuts = sum(isinstance(decision, Cut) for _, decision in run.decided)
    assert cuts == hours * 12

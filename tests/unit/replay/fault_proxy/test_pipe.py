"""Whatever faults come and go, bytes keep their order and none is lost or made up."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from replay.fault_proxy import (
    Bandwidth,
    Blackhole,
    Fault,
    Latency,
    Slicer,
    SlowClose,
    Stall,
)
from replay.fault_proxy.pipe import Pipe
from tests.unit.replay.captures import MS

KINDS: list[Fault] = [
    Latency(20 * MS, 30 * MS),
    Latency(5 * MS, 50 * MS, "pareto"),
    Bandwidth(5_000),
    Slicer(7, 3, MS),
    Stall(0.3),
    SlowClose(9 * MS),
    Blackhole(),
]
ACTIONS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=60),
        st.tuples(st.sampled_from("abc"), st.sampled_from([None, *KINDS])),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(ACTIONS, st.integers(0, 1_000))
def test_bytes_are_kept(actions: list[bytes | tuple[str, Fault | None]], seed: int) -> None:
    pipe, generator = Pipe(), Random(seed)
    sent, out, now_ns, on = b"", [], 0, set()
    for action in actions:
        now_ns += generator.randrange(30 * MS)
        if isinstance(action, bytes):
            sent += action
            out += pipe.put(action, now_ns)
            continue
        key, fault = action
        out += pipe.lift(key, now_ns)
        on.discard(key)
        if fault is not None:
            pipe.apply(key, fault, generator)
            on.add(key)
    for key in sorted(on):
        out += pipe.lift(key, now_ns)
    assert b"".join(data for data, _ in out) == sent
    times = [at_ns for _, at_ns in out]
    assert times == sorted(times)
    ends_ns = pipe.end(now_ns)
    assert ends_ns is not None
    assert ends_ns >= max(times, default=now_ns)


def test_faults_work_one_after_the_other() -> None:
    pipe = Pipe()
    pipe.apply("a", Latency(10 * MS), Random(0))
    pipe.apply("b", Slicer(1, every_ns=2 * MS), Random(0))
    assert pipe.put(b"xy", 0) == [(b"x", 10 * MS), (b"y", 12 * MS)]
    pipe.lift("a", 0)
    assert pipe.put(b"z", 20 * MS) == [(b"z", 20 * MS)]

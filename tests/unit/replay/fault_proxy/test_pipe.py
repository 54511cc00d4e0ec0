"""What holds whatever the faults are: bytes keep their order, and none is added or lost."""

from __future__ import annotations

import tracemalloc
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from replay.fault_proxy import Bandwidth, Blackhole, Fault, Latency, Slicer, Slot, SlowClose, Stall
from replay.fault_proxy.fault import Ending, Item, Stage, Timed
from replay.fault_proxy.pipe import Pipe
from tests.unit.replay.fault_proxy.streams import MS, came_out

times = st.integers(0, 50 * MS)
faults = st.one_of(
    st.builds(
        Latency,
        st.integers(21 * MS, 50 * MS),
        st.integers(0, 20 * MS),
        st.sampled_from(["uniform", "normal", "pareto", "pareto_normal", "log_uniform"]),
        st.floats(0, 0.9),
    ),
    st.builds(Bandwidth, st.integers(1_000, 10_000_000)),
    st.builds(Slicer, st.integers(5, 100), st.integers(0, 4), st.integers(0, MS)),
    st.builds(Slot, st.integers(5 * MS, 9 * MS), st.integers(0, 4 * MS), st.integers(1, 500)),
    st.builds(Stall, st.floats(0, 0.5), times),
    st.builds(SlowClose, times),
    st.just(Blackhole()),
)
chunks = st.binary(min_size=1, max_size=300)
turns = st.tuples(
    st.sampled_from("abc"), times, st.one_of(st.none(), faults, chunks), st.integers(0, 9)
)


def on(fault: Fault, *more: Fault) -> Pipe:
    pipe = Pipe()
    for number, each in enumerate((fault, *more)):
        pipe.apply(str(number), each.stage(Random(0)), 0)
    return pipe


def joined(items: list[Item]) -> bytes:
    return b"".join(item for item in items if isinstance(item, bytes))


@given(st.lists(turns, max_size=30))
def test_bytes_keep_their_order_and_number_whatever_comes_and_goes(
    turns: list[tuple[str, int, Fault | bytes | None, int]],
) -> None:
    pipe, at_ns, sent = Pipe(), 0, b""
    out: list[Item] = []
    for key, later_ns, what, seed in turns:
        at_ns += later_ns
        if isinstance(what, bytes):
            sent += what
            out += pipe.put(what, at_ns)
        elif what is None:
            out += pipe.lift(key, at_ns)
        else:
            out += pipe.apply(key, what.stage(Random(seed)), at_ns)
        assert pipe.held_bytes == len(sent) - len(joined(out))
        assert sent.startswith(joined(out))
    out += pipe.put(Ending.FIN, at_ns)
    out += [item for item, _ in came_out(pipe, at_ns)]
    for key in "abc":
        out += pipe.lift(key, at_ns)
    assert joined(out) == sent
    assert out.count(Ending.FIN) == 1
    assert out[-1] is Ending.FIN
    assert (pipe.held_bytes, pipe.next_ns, pipe.is_clear) == (0, None, True)


def test_without_a_fault_everything_passes_at_once() -> None:
    pipe = Pipe()
    assert pipe.put(b"x", 5) == [b"x"]
    assert pipe.put(Ending.RESET, 6) == [Ending.RESET]
    assert (pipe.is_clear, pipe.next_ns, pipe.advance(9)) == (True, None, [])


def test_faults_add_up_in_the_order_in_which_they_came() -> None:
    pipe = on(Latency(10 * MS), Latency(5 * MS))
    assert pipe.put(b"x", 0) == []
    assert came_out(pipe, 0) == [(b"x", 15 * MS)]


def test_a_look_that_comes_late_makes_nothing_later() -> None:
    pipe = on(Latency(10 * MS), Latency(5 * MS))
    pipe.put(b"x", 0)
    assert pipe.advance(12 * MS) == []
    assert pipe.next_ns == 15 * MS


def test_who_waited_for_those_before_comes_to_the_next_fault_when_it_left() -> None:
    class Shrinking(Stage):
        def data(self, data: bytes, at_ns: int) -> list[Timed]:
            return [(data, 100 if data == b"first" else 50)]

    class Witness(Stage):
        def data(self, data: bytes, at_ns: int) -> list[Timed]:
            came.append(at_ns)
            return [(data, at_ns)]

    pipe, came = Pipe(), list[int]()
    pipe.apply("shrinking", Shrinking(), 0)
    pipe.apply("witness", Witness(), 0)
    pipe.put(b"first", 0)
    pipe.put(b"second", 1)
    assert pipe.advance(99) == []
    assert pipe.advance(200) == [b"first", b"second"]
    assert came == [100, 100]


def test_lifting_lets_go_what_was_held_and_only_the_later_faults_hold_it() -> None:
    pipe = on(Blackhole(), Latency(5 * MS))
    pipe.put(b"x", 0)
    pipe.put(Ending.FIN, 1)
    assert pipe.next_ns is None
    assert pipe.lift("0", 100 * MS) == []
    assert came_out(pipe, 0) == [(b"x", 105 * MS), (Ending.FIN, 105 * MS)]


def test_a_lifted_limit_on_the_rate_is_not_felt_any_more() -> None:
    pipe = on(Bandwidth(1))
    pipe.put(b"x" * 100, 0)
    assert joined(pipe.lift("0", 5)) == b"x" * 100
    assert pipe.put(b"y", 6) == [b"y"]


def test_a_chunk_that_goes_byte_by_byte_takes_no_more_room_than_the_chunk() -> None:
    tracemalloc.start()
    pipe = on(Bandwidth(1), Slicer(1, every_ns=MS))
    pipe.put(bytes(1_000_000), 0)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 2_000_000
    assert pipe.advance(2_000 * MS) == [b"\0", b"\0"]
    assert pipe.lift("0", 2_500 * MS) == [b"\0"]
    assert pipe.lift("1", 2_500 * MS) == [bytes(999_997)]


def test_lifting_what_is_not_there_does_nothing() -> None:
    assert on(Blackhole()).lift("other", 0) == []


def test_a_fault_of_the_same_key_takes_the_place() -> None:
    pipe = on(Blackhole())
    pipe.put(b"x", 0)
    assert pipe.apply("0", Latency(5).stage(Random(0)), 1) == [b"x"]
    assert came_out(pipe, 2, pipe.put(b"y", 2)) == [(b"y", 7)]


def test_what_took_effect_is_said_once_and_again_when_it_was_put_on_anew() -> None:
    pipe = on(Latency(5), SlowClose(5))
    assert pipe.took_effect() == []
    pipe.put(b"x", 0)
    assert pipe.took_effect() == ["0"]
    pipe.put(b"y", 1)
    assert pipe.took_effect() == []
    pipe.advance(100)
    pipe.put(Ending.FIN, 101)
    pipe.advance(200)
    assert pipe.took_effect() == ["1"]
    pipe.apply("0", Latency(5).stage(Random(0)), 300)
    pipe.put(b"z", 300)
    assert pipe.took_effect() == ["0"]

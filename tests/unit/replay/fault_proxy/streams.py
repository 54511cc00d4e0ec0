"""Bytes through one fault, in milliseconds."""

from __future__ import annotations

from random import Random

from replay.fault_proxy import Fault
from replay.fault_proxy.fault import NEVER, Ending, Item, Timed
from replay.fault_proxy.pipe import Pipe

MS = 1_000_000


def came_out(pipe: Pipe, at_ns: int, first: list[Item] | None = None) -> list[tuple[Item, int]]:
    """Everything that comes out from `at_ns` on, and when; the pipe is looked at when it asks."""
    out = [(item, at_ns) for item in first or []]
    while (next_ns := pipe.next_ns) is not None:
        at_ns = max(at_ns, next_ns)
        out += [(item, at_ns) for item in pipe.advance(at_ns)]
    return out


def through(fault: Fault, *chunks: tuple[float, bytes], seed: int = 0) -> list[tuple[float, bytes]]:
    """Put chunks, each at its time in ms, through a fault; return what comes out, and when."""
    stage, free_ns = fault.stage(Random(seed)), 0
    out: list[Timed] = []
    for at_ms, data in chunks:
        out += stage.data(data, round(at_ms * MS))
    passed = []
    for item, due_ns in out:
        assert isinstance(item, bytes)
        free_ns = max(free_ns, due_ns)
        passed.append((free_ns / MS, item))
    return passed


def ended_ms(fault: Fault, ending: Ending = Ending.FIN, at_ms: float = 0) -> float | None:
    """When the end of a stream goes on that came at this time; None is never."""
    ((item, due_ns),) = fault.stage(Random(0)).end(ending, round(at_ms * MS))
    assert item is ending
    return None if due_ns == NEVER else due_ns / MS

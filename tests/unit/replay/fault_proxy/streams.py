"""Bytes through one fault, in milliseconds."""

from __future__ import annotations

from random import Random

from replay.fault_proxy import Fault
from replay.fault_proxy.pipe import Pipe
from tests.unit.replay.captures import MS


def through(fault: Fault, *chunks: tuple[float, bytes], seed: int = 0) -> list[tuple[float, bytes]]:
    """Put chunks, each at its time in ms, through a fault; return what comes out, and when."""
    pipe = Pipe()
    pipe.apply("fault", fault, Random(seed))
    out = [item for at_ms, data in chunks for item in pipe.put(data, round(at_ms * MS))]
    return [(at_ns / MS, data) for data, at_ns in out]


def ended_ms(fault: Fault, at_ms: float) -> float | None:
    """When the end of a stream comes out that came in at this time."""
    pipe = Pipe()
    pipe.apply("fault", fault, Random(0))
    at_ns = pipe.end(round(at_ms * MS))
    return None if at_ns is None else at_ns / MS

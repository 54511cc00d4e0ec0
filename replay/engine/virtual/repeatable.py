"""Have a program draw the same chance and read the same clocks, run after run.

What asks the system for chance, or for the time, gets it from a seed and from the loop. Not reached
are those who took a function of `time` by name when it was imported, `datetime.now`, and code in C.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from replay.engine.virtual.loop import VirtualLoop

NS_PER_S = 1_000_000_000
_TIME, _OS, _RANDOM = vars(time), vars(os), vars(random)


@contextmanager
def repeatable(loop: VirtualLoop, seed: int, epoch_ns: int) -> Iterator[None]:
    """Have chance follow from `seed`, and the time of day from `epoch_ns`, both from now on.

    `epoch_ns` are nanoseconds since the Unix epoch. A program that blocks in `time.sleep` holds all
    of the loop up for as long, as it does in the world.
    """
    began_ns = loop.now_ns
    chance: list[random.Random] = []

    def drawn(count: int) -> bytes:
        # Most programs draw none, and to seed takes as long as a message.
        if not chance:
            chance.append(random.Random(seed))
        return chance[0].randbytes(count)

    def since_ns() -> int:
        return loop.look_at_clock() - began_ns

    def since_s() -> float:
        return (loop.look_at_clock() - began_ns) / NS_PER_S

    def time_ns() -> int:
        return epoch_ns + loop.look_at_clock() - began_ns

    def time_s() -> float:
        return (epoch_ns + loop.look_at_clock() - began_ns) / NS_PER_S

    def block(seconds: float) -> None:
        loop.now_ns += round(seconds * NS_PER_S)

    clocks = {
        "sleep": block,
        "time": time_s,
        "time_ns": time_ns,
        "monotonic": since_s,
        "monotonic_ns": since_ns,
        "perf_counter": since_s,
        "perf_counter_ns": since_ns,
    }
    # By their dictionaries: one attribute after the other takes as long as a message.
    modules = ((_TIME, clocks), (_OS, {"urandom": drawn}), (_RANDOM, {"_urandom": drawn}))
    before = [{name: module[name] for name in others} for module, others in modules]
    loop.seed(seed)
    try:
        for module, others in modules:
            module.update(others)
        yield
    finally:
        for (module, _), others in zip(modules, before, strict=True):
            module.update(others)

"""Have a program draw the same chance and read the same clocks, run after run.

What asks the system for chance, or for the time, gets it from a seed and from the loop. Not reached
are those who took a function of `time` by name when it was imported, `datetime.now`, and code in C.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from replay.engine.virtual.loop import VirtualLoop

NS_PER_S = 1_000_000_000


@contextmanager
def repeatable(loop: VirtualLoop, seed: int, epoch_ns: int) -> Iterator[None]:
    """Have chance follow from `seed`, and the time of day from `epoch_ns`, both from now on.

    `epoch_ns` are nanoseconds since the Unix epoch. A program that blocks in `time.sleep` holds all
    of the loop up for as long, as it does in the world.
    """
    chance, began_ns = random.Random(seed), loop.now_ns

    def since_ns() -> int:
        return loop.now_ns - began_ns

    def block(seconds: float) -> None:
        loop.now_ns += round(seconds * NS_PER_S)

    replaced: list[tuple[Any, str, Callable[..., Any]]] = [
        (os, "urandom", chance.randbytes),
        (random, "_urandom", chance.randbytes),
        (time, "sleep", block),
        (time, "time", lambda: (epoch_ns + since_ns()) / NS_PER_S),
        (time, "time_ns", lambda: epoch_ns + since_ns()),
    ]
    for name in ("monotonic", "perf_counter"):
        replaced.append((time, name, lambda: since_ns() / NS_PER_S))
        replaced.append((time, f"{name}_ns", since_ns))
    state, known = random.getstate(), [getattr(module, name) for module, name, _ in replaced]
    random.seed(seed)
    try:
        for module, name, other in replaced:
            setattr(module, name, other)
        yield
    finally:
        for (module, name, _), was in zip(replaced, known, strict=True):
            setattr(module, name, was)
        random.setstate(state)

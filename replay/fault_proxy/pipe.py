"""One direction of a proxied connection: bytes in, bytes out and when. It reads no clock.

Faults come and go while it runs; whatever they do, bytes keep their order and none is lost, unless
the fault is that the connection ends.
"""

from __future__ import annotations

import random

from replay.fault_proxy.fault import Fault, Stage, Timed
from replay.fault_proxy.limit_data import Limited


class Pipe:
    """The stages of the faults that work on one direction, in the order in which they came."""

    def __init__(self) -> None:
        self._stages: dict[str, Stage] = {}
        self._last_ns = 0

    @property
    def is_cut(self) -> bool:
        """Whether a limit was reached, so that the connection has to end."""
        return any(isinstance(s, Limited) and s.is_spent for s in self._stages.values())

    def apply(self, key: str, fault: Fault, generator: random.Random) -> None:
        """Put a fault on, in place of one of the same key."""
        self._stages[key] = fault.stage(generator)

    def lift(self, key: str, at_ns: int) -> list[Timed]:
        """Take a fault off; return what it held, as the stages after it let it through."""
        names = list(self._stages)
        if key not in self._stages:
            return []
        later = names[names.index(key) + 1 :]
        held = self._stages.pop(key).release(at_ns)
        return self._through([self._stages[name] for name in later], held)

    def put(self, data: bytes, at_ns: int) -> list[Timed]:
        """Take bytes that came; return what goes out, and when."""
        return self._through(list(self._stages.values()), [(data, at_ns)])

    def end(self, at_ns: int) -> int | None:
        """Return when the end of the stream goes out; None while something holds it."""
        for stage in self._stages.values():
            ends_ns = stage.end(at_ns)
            if ends_ns is None:
                return None
            at_ns = ends_ns
        return max(at_ns, self._last_ns)

    def _through(self, stages: list[Stage], items: list[Timed]) -> list[Timed]:
        for stage in stages:
            items = [out for data, at_ns in items for out in stage.pass_on(data, at_ns)]
        in_order = []
        for data, at_ns in items:
            self._last_ns = max(self._last_ns, at_ns)
            in_order.append((data, self._last_ns))
        return in_order

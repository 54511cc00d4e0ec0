"""What the machine was busy with during a measurement: what a figure of it is worth."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
IDLE, IO_WAIT, STEAL = 3, 4, 7
LOOK_S, CALM_CORES = 0.5, 0.05
NAMED = 8  # what follows is counted twice


@dataclass
class Busy:
    """Cores that were busy with `others` than our own children, `stolen` by the host, or `idle`.

    A context manager: what happens in it counts; the children have to end in it.
    """

    others: float = 0.0
    stolen: float = 0.0
    idle: float = 0.0
    load: float = 0.0
    _ticks: list[int] = field(default_factory=list)
    _own_s: float = 0.0

    def __enter__(self) -> Busy:
        self._ticks, self._own_s = _ticks(), _own_s()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        spent = [after - before for before, after in zip(self._ticks, _ticks(), strict=True)]
        cores = (os.cpu_count() or 1) / max(1, sum(spent))
        busy = sum(spent) - spent[IDLE] - spent[IO_WAIT] - spent[STEAL]
        own = (_own_s() - self._own_s) * TICKS_PER_S
        self.others = max(0.0, (busy - own) * cores)
        self.stolen, self.idle = spent[STEAL] * cores, spent[IDLE] * cores
        self.load = os.getloadavg()[0]


def wait_for_calm(at_most_s: float) -> None:
    """Return once others took next to nothing for a while, or after `at_most_s`."""
    until_s = time.monotonic() + at_most_s
    while time.monotonic() < until_s:
        with Busy() as busy:
            time.sleep(LOOK_S)
        if busy.others + busy.stolen < CALM_CORES:
            return


def _ticks() -> list[int]:
    line = Path("/proc/stat").read_text().split("\n", 1)[0]
    return [int(each) for each in line.split()[1 : 1 + NAMED]]


def _own_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return children.ru_utime + children.ru_stime + own.ru_utime + own.ru_stime

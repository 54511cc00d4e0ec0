"""Whether what a connection needs is there: each dependency is asked, within a time.

Asked one after another, the times that each may take add up, and whoever waits in front gives up
before the answer is known. Asked side by side, the slowest counts, and a budget bounds it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

# From when on a check is worth a line in the log.
SLOW_S = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency: `ask` returns when it answers, and raises when it is not well.

    One that is not needed may be away for a while without anybody noticing.
    """

    name: str
    ask: Callable[[], Awaitable[object]]
    timeout_s: float
    is_needed: bool = True


@dataclass(frozen=True, slots=True)
class Readiness:
    """What came of the checks: by the name of each dependency that is not well, why."""

    problems: dict[str, str]
    took_s: float

    @property
    def is_ready(self) -> bool:
        """Whether all of them are well."""
        return not self.problems

    def __str__(self) -> str:
        if self.is_ready:
            return f"ready after {self.took_s:.1f} s"
        problems = "; ".join(f"{name}: {why}" for name, why in self.problems.items())
        return f"not ready after {self.took_s:.1f} s: {problems}"


async def one_after_another(checks: Sequence[Check]) -> Readiness:
    """Ask each dependency once the one before has answered or had its time."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    problems = {}
    for number, check in enumerate(checks, start=1):
        slow = loop.call_later(SLOW_S, _say_slow, check, checks[number:])
        problem = await _problem(check, check.timeout_s)
        slow.cancel()
        if problem is not None:
            problems[check.name] = problem
    return Readiness(problems, loop.time() - began_s)


def _say_slow(check: Check, waiting: Sequence[Check]) -> None:
    names = ", ".join(each.name for each in waiting) or "the client"
    _log.info("readiness: no answer of %s after %g s; %s waits", check.name, SLOW_S, names)


async def side_by_side(checks: Sequence[Check], budget_s: float) -> Readiness:
    """Ask all dependencies at once; each may take the whole budget, whatever its own time."""
    clock = asyncio.get_running_loop().time
    began_s = clock()
    found = await asyncio.gather(*(_problem(check, budget_s) for check in checks))
    problems = {check.name: why for check, why in zip(checks, found, strict=True) if why}
    return Readiness(problems, clock() - began_s)


async def _problem(check: Check, timeout_s: float) -> str | None:
    try:
        async with asyncio.timeout(timeout_s):
            await check.ask()
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except Exception as error:
        # Whatever a client library raises, the dependency is not well, and the caller says so.
        return f"{type(error).__name__}: {error}"
    return None

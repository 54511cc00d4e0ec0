"""Bring steps of several connections to one instant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import combinations, pairwise
from typing import ClassVar

from replay.errors import PlanError
from replay.perturbations.edit import Edit
from replay.plan import After, Barrier, Kind, Plan, Step

FEWEST = 2


@dataclass(frozen=True, slots=True)
class Align(Edit):
    """Let each of `steps` wait until all of them could go; then they go, `apart_ns` between them.

    `steps` are (connection, step) pairs of different connections, in the order in which they go.
    """

    name: ClassVar[str] = "align"
    varied: ClassVar[str] = "apart_ns"

    steps: tuple[tuple[str, int], ...]
    apart_ns: int = 0

    def __post_init__(self) -> None:
        self.expect(len(self.steps) >= FEWEST, "two or more steps")
        different = len({name for name, _ in self.steps}) == len(self.steps)
        self.expect(different, "steps of different connections")
        self.expect(self.apart_ns >= 0, "an apart_ms of 0 or more")

    @property
    def connection(self) -> str:
        """The connection of the step that goes last."""
        return self.steps[-1][0]

    @property
    def step(self) -> int:
        """The step that goes last."""
        return self.steps[-1][1]

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        connection, index = self.steps[-2]
        return f"{connection} step {index}"

    def shrinks(self, plan: Plan) -> Iterator[Align]:
        """Yield fewer steps."""
        if len(self.steps) > FEWEST:
            for fewer in combinations(self.steps, len(self.steps) - 1):
                yield replace(self, steps=fewer)

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan.

        Raises PlanError when one needs what follows another, or other steps are aligned across.
        """
        freed = [step for name, index in self.steps for step in self._freed(plan, name, index)]
        barriers = (*plan.barriers, Barrier(self.steps, self.apart_ns))
        self._check_order(barriers)
        return replace(plan.with_steps(freed), barriers=barriers)

    def _check_order(self, barriers: tuple[Barrier, ...]) -> None:
        """Raise PlanError when a barrier would have to be passed before itself."""
        passed: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, barrier in enumerate(barriers):
            for connection, index in barrier.members:
                passed[connection].append((index, number))
        follows: defaultdict[int, set[int]] = defaultdict(set)
        for connection, places in passed.items():
            for (index, number), (next_index, next_number) in pairwise(sorted(places)):
                if index == next_index:
                    raise PlanError(f"{connection} step {index} is aligned already")
                follows[next_number].add(number)
        try:
            TopologicalSorter(follows).prepare()
        except CycleError:
            steps = ", ".join(f"{connection} step {index}" for connection, index in self.steps)
            raise PlanError(
                f"{steps} cannot be aligned: other steps of these connections are aligned already, "
                "and each would have to wait for the other"
            ) from None

    def _freed(self, plan: Plan, connection: str, last: int) -> Iterator[Step]:
        """Yield the steps up to an aligned one, without waiting for the others that are aligned.

        That one opened after the other had spoken was its timing, which is what is changed here.
        """
        others = {name: index for name, index in self.steps if name != connection}
        steps = plan.of(connection)[: last + 1]
        for step in steps:
            for event in step.needs:
                if event.connection != connection and _leads_to(plan, event, others):
                    raise PlanError(
                        f"{connection} step {last} cannot be aligned: {step.name} sends back a "
                        f"value of {event}, which comes only after another step that is aligned"
                    )
            # What comes on its own connection is free when the steps before it are.
            if step.after.connection == connection or not _leads_to(plan, step.after, others):
                yield step
            elif step.index == 0:
                yield replace(step, after=After(Kind.START), gap_ns=step.recorded_at_ns)
            else:
                before = steps[step.index - 1]
                gap_ns = max(0, step.recorded_at_ns - before.recorded_at_ns)
                yield replace(step, after=before.as_event, gap_ns=gap_ns)


def _leads_to(plan: Plan, event: After, steps: Mapping[str, int]) -> bool:
    """Whether an event can only come after one of these steps, given by connection."""
    events, looked_at = [event], dict.fromkeys(plan.connections, -1)
    while events:
        each = events.pop()
        if each.kind is Kind.START:
            continue
        last = _last_step_before(plan, each)
        if last >= steps.get(each.connection, last + 1):
            return True
        for step in plan.of(each.connection)[looked_at[each.connection] + 1 : last + 1]:
            events += (step.after, *step.needs)
        looked_at[each.connection] = max(looked_at[each.connection], last)
    return False


def _last_step_before(plan: Plan, event: After) -> int:
    """Return the last step of the event's connection that was taken before it."""
    steps = plan.of(event.connection)
    match event.kind:
        case Kind.STEP:
            return event.index
        case Kind.CLOSED:
            return len(steps) - 1
        case _:
            came_ns = plan.recorded_ns.get(event, 0)
            return sum(step.recorded_at_ns <= came_ns for step in steps[1:])

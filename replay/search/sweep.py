"""Which single change to try next: every step, after every event that it may follow, cheap first.

All gaps of 0 come first (what a client does "at once" breaks most), then a coarse grid of gaps over
all steps, then finer ones between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from replay.oracles.verdict import Verdict
from replay.perturbations import Gap, HandshakeDelay, Perturbation
from replay.plan import START, After, End, Kind, Plan, Step
from replay.search import Edits

# Each level lies between the values of those before it; together neighbours differ by half.
GAP_LEVELS_MS: tuple[tuple[float, ...], ...] = (
    (0,),
    (10, 100, 1_000),
    (3, 30, 300, 3_000),
    (1, 5.5, 17, 55, 170, 550, 1_700),
    (2, 7.5, 13, 23, 42, 75, 130, 230, 420, 750, 1_300, 2_300),
)
HANDSHAKE_LEVELS_MS: tuple[tuple[float, ...], ...] = ((), (100,), (1_000,), (10, 300, 3_000), ())
# A gap that is nearly the recorded one was tried by the baseline.
NEAR_RECORDED = 0.15


@dataclass(slots=True)
class Sweep:
    """Asks for one single edit after the other, and remembers what was told of each."""

    plan: Plan
    told: list[tuple[Perturbation, Verdict]] = field(default_factory=list)
    _queue: deque[Perturbation] = field(init=False)

    def __post_init__(self) -> None:
        self._queue = deque(candidates(self.plan))

    def ask(self) -> Edits | None:
        """Return the next single edit."""
        return (self._queue[0],) if self._queue else None

    def tell(self, edits: Edits, verdict: Verdict) -> None:
        """Hear the verdict on the edit asked for last."""
        self._queue.popleft()
        self.told.append((edits[0], verdict))

    @property
    def left(self) -> int:
        """How many edits there still are to try."""
        return len(self._queue)


def candidates(plan: Plan) -> Iterator[Perturbation]:
    """Yield single edits of a plan, the likely and cheap ones first."""
    movable = [(step, after) for step in _by_promise(plan) for after in anchors(plan, step)]
    for gaps_ms, delays_ms in zip(GAP_LEVELS_MS, HANDSHAKE_LEVELS_MS, strict=True):
        for gap_ms in gaps_ms:
            for step, after in movable:
                gap_ns = round(gap_ms * 1e6)
                if not _is_near(gap_ns, plan.recorded_gap_ns(step, after)):
                    yield Gap(step.connection, step.index, after, gap_ns)
        for delay_ms in delays_ms:
            for connection in plan.connections:
                yield HandshakeDelay(connection, round(delay_ms * 1e6))


def anchors(plan: Plan, step: Step) -> tuple[After, ...]:
    """Return the events that a step may legally be tied to, the recorded one first.

    Beside it: the client's own step before, since a client need not wait for an answer that it does
    not use; and the step of another connection that came nearest, since they may come together.
    """
    found = [step.after]
    if step.index == 1:
        found.append(After(Kind.OPEN, step.connection))
    elif step.index > 1:
        found.append(After(Kind.STEP, step.connection, step.index - 1))
    neighbour = _nearest_elsewhere(plan, step)
    if neighbour is not None:
        found.append(neighbour.as_event)
    return tuple(event for event in dict.fromkeys(found) if event != START)


def _by_promise(plan: Plan) -> list[Step]:
    """Return the steps, those first whose moving is most likely to matter: goodbyes come last."""
    return sorted(plan.steps(), key=lambda step: isinstance(step.action, End))


def _nearest_elsewhere(plan: Plan, step: Step) -> Step | None:
    """Return the step of another connection that was recorded closest before this one."""
    before = [
        other
        for other in plan.steps()
        if other.connection != step.connection and other.recorded_at_ns <= step.recorded_at_ns
    ]
    return max(before, key=lambda other: other.recorded_at_ns, default=None)


def _is_near(gap_ns: int, recorded_ns: int | None) -> bool:
    if recorded_ns is None:
        return False
    return abs(gap_ns - recorded_ns) <= NEAR_RECORDED * max(gap_ns, recorded_ns, 1)

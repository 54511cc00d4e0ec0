"""What a replay will send, where, when and after which event. Data only: nothing here acts.

Step 0 of a connection opens it, then comes one step a client message, the last step ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from capture.format.model import HeaderPairs, Secret
from replay.errors import PlanError


class Pace(StrEnum):
    """How a plan keeps time."""

    RECORDED = "recorded"
    CAUSAL = "causal"
    BURST = "burst"


class Kind(StrEnum):
    """The kinds of events that a step can wait for."""

    START = "start"
    OPEN = "open"
    MESSAGE = "message"
    STEP = "step"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, order=True)
class After:
    """An event of a run: its start, or of a connection the 101, a message, a step, or its end.

    A message is the `index`-th of the server's messages that are `called` so, or of all of them:
    what comes unasked in between would else shift the count.
    """

    kind: Kind
    connection: str = ""
    index: int = 0
    called: str = ""

    def __str__(self) -> str:
        if self.kind is Kind.START:
            return "start"
        if self.kind in (Kind.OPEN, Kind.CLOSED):
            return f"{self.connection} {self.kind}"
        called = f": {self.called}" if self.called else ""
        return f"{self.connection} {self.kind} {self.index}{called}"

    @classmethod
    def parse(cls, text: str) -> After:
        """Read what `str` wrote: start, c1 open, c1 message 3: type=ack, c1 step 2, c1 closed."""
        event, _, called = text.partition(": ")
        match event.split():
            case ["start"]:
                return START
            case [connection, ("open" | "closed") as kind]:
                return cls(Kind(kind), connection)
            case [connection, ("message" | "step") as kind, index] if index.isdigit():
                return cls(Kind(kind), connection, int(index), called)
        raise PlanError(
            f"after is {text!r}, expected start, c1 open, c1 message 3, c1 step 2 or c1 closed"
        )


START = After(Kind.START)


@dataclass(frozen=True, slots=True)
class Open:
    """Connect, and after `upgrade_delay_ns` ask for the upgrade."""

    url: str
    headers: HeaderPairs
    upgrade_delay_ns: int = 0


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a message, sent `offset_ns` after its first piece."""

    payload: bytes
    offset_ns: int = 0


@dataclass(frozen=True, slots=True)
class Send:
    """Send one message, in the fragments it was recorded in."""

    fragments: tuple[Fragment, ...]
    is_text: bool
    compressed: bool = False


class Ending(StrEnum):
    """How the client ends a connection."""

    CLOSE = "close"
    FIN = "fin"
    RESET = "reset"
    AWAIT = "await"


@dataclass(frozen=True, slots=True)
class End:
    """End the connection, or with AWAIT leave that to the server."""

    ending: Ending
    code: int | None = None
    reason: str = ""


Action = Open | Send | End


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the client does.

    `gap_ns` is the time between the event `after` and the step. `needs` are the messages without
    which the step would be illegal, since it echoes values of theirs. `pinned` says that the gap
    holds under every pace. `expected_wait_ns` is how long `after` took to come when recorded.
    """

    connection: str
    index: int
    action: Action
    recorded_at_ns: int
    after: After
    gap_ns: int
    needs: tuple[After, ...] = ()
    pinned: bool = False
    expected_wait_ns: int = 0

    @property
    def as_event(self) -> After:
        """The event of this step being done."""
        return After(Kind.STEP, self.connection, self.index)

    @property
    def duration_ns(self) -> int:
        """How long the step takes: until the upgrade is asked for, or the last fragment sent."""
        match self.action:
            case Open(upgrade_delay_ns=delay_ns):
                return delay_ns
            case Send(fragments=fragments):
                return fragments[-1].offset_ns
        return 0

    @property
    def name(self) -> str:
        """What to call it when talking to people."""
        what = {Open: "open", Send: "message", End: "end"}[type(self.action)]
        return f"{self.connection} step {self.index} ({what})"


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of every connection, in the order of their opening.

    `recorded_ns` has the recorded time of every event that a step could follow.
    """

    connections: Mapping[str, tuple[Step, ...]]
    secrets: Mapping[str, Secret]
    recorded_ns: Mapping[After, int]
    pace: Pace = Pace.CAUSAL

    def steps(self) -> Iterator[Step]:
        """Yield every step, connection by connection."""
        for steps in self.connections.values():
            yield from steps

    def step(self, connection: str, index: int) -> Step:
        """Return one step. Raises PlanError when there is none."""
        steps = self.connections.get(connection)
        if steps is None:
            known = ", ".join(self.connections)
            raise PlanError(f"the plan has no connection {connection!r}, only {known}")
        if not 0 <= index < len(steps):
            raise PlanError(f"{connection} has steps 0 to {len(steps) - 1}, there is no {index}")
        return steps[index]

    def recorded_gap_ns(self, step: Step, after: After) -> int | None:
        """Return the recorded time between an event and a step; None when it came later."""
        at_ns = self.recorded_ns.get(after)
        return None if at_ns is None or at_ns > step.recorded_at_ns else step.recorded_at_ns - at_ns

    def with_step(self, step: Step) -> Plan:
        """Return the plan with one step replaced."""
        self.step(step.connection, step.index)
        steps = list(self.connections[step.connection])
        steps[step.index] = step
        return replace(self, connections={**self.connections, step.connection: tuple(steps)})

    def at_pace(self, pace: Pace) -> Plan:
        """Return the plan at another pace."""
        return replace(self, pace=pace)

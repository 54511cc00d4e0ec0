"""What a replay will send, where, when and after which event. Data only: nothing here acts.

Step 0 of a connection opens it, then comes one step a client message, the last step ends it. A plan
that breaks the order of a connection cannot be built.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from capture.format.model import HeaderPairs, Secret
from replay.conditions import Barrier, Change, Cue, Network, Owed, ProxyFault, Reading, Restart
from replay.correlation.links import Correlation
from replay.errors import PlanError
from replay.events import START, After, Kind

__all__ = [
    "START",
    "Action",
    "After",
    "Barrier",
    "Change",
    "Cue",
    "End",
    "Ending",
    "Fragment",
    "Kind",
    "Network",
    "Open",
    "Owed",
    "Pace",
    "Pieces",
    "Plan",
    "ProxyFault",
    "Reading",
    "Restart",
    "Send",
    "Step",
]

MIN_STEPS = 2


class Pace(StrEnum):
    """How a plan keeps time: by the clock (open loop), by the answers (closed loop), or both.

    HYBRID opens connections by the clock, and on each goes by the answers.
    """

    RECORDED = "recorded"
    CAUSAL = "causal"
    HYBRID = "hybrid"
    BURST = "burst"


@dataclass(frozen=True, slots=True)
class Pieces:
    """A cut into `count` parts, `every_ns` from one to the next."""

    count: int = 1
    every_ns: int = 0

    @property
    def duration_ns(self) -> int:
        """The time from the first to the last."""
        return (self.count - 1) * self.every_ns


WHOLE = Pieces()


@dataclass(frozen=True, slots=True)
class Open:
    """Connect, and after `upgrade_delay_ns` ask for the upgrade, in `segments` of TCP."""

    url: str
    headers: HeaderPairs
    upgrade_delay_ns: int = 0
    segments: Pieces = WHOLE

    @property
    def duration_ns(self) -> int:
        """How long it takes from the connection to the last byte."""
        return self.upgrade_delay_ns + self.segments.duration_ns


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a message, sent `offset_ns` after its first piece."""

    payload: bytes
    offset_ns: int = 0


@dataclass(frozen=True, slots=True)
class Send:
    """Send one message, in the fragments it was recorded in, or cut anew by `refragmented`.

    Each frame goes out in `segments` of TCP.
    """

    fragments: tuple[Fragment, ...]
    is_text: bool
    compressed: bool = False
    refragmented: Pieces | None = None
    segments: Pieces = WHOLE

    @property
    def offsets_ns(self) -> tuple[int, ...]:
        """When each frame begins; none before the one before it is out."""
        cut = self.refragmented
        wanted = (
            [fragment.offset_ns for fragment in self.fragments]
            if cut is None
            else [number * cut.every_ns for number in range(cut.count)]
        )
        offsets: list[int] = []
        for offset_ns in wanted:
            free_ns = offsets[-1] + self.segments.duration_ns if offsets else 0
            offsets.append(max(offset_ns, free_ns))
        return tuple(offsets)

    @property
    def duration_ns(self) -> int:
        """How long it takes from the first byte to the last."""
        if self.refragmented is None and len(self.fragments) == 1:
            return self.fragments[0].offset_ns + self.segments.duration_ns
        return self.offsets_ns[-1] + self.segments.duration_ns


class Ending(StrEnum):
    """How the client ends a connection.

    FIN stops talking and listening, HALF_CLOSE stops talking only; AWAIT leaves it to the server.
    """

    CLOSE = "close"
    FIN = "fin"
    HALF_CLOSE = "half_close"
    RESET = "reset"
    AWAIT = "await"

    @property
    def needs_open(self) -> bool:
        """Whether it speaks WebSocket; TCP may end before the handshake is answered."""
        return self in (Ending.CLOSE, Ending.AWAIT)


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

    `gap_ns` is the time between the event `after` and the step, `late_ns` how much later than the
    pace wants it. `needs` are the messages without which the step would be illegal, since it echoes
    values of theirs. `pinned` says that the gap holds under every pace. `expected_wait_ns` is how
    long `after` took to come when recorded.
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
    late_ns: int = 0
    # What follows from the others is asked for all the time, run after run.
    as_event: After = field(init=False, repr=False, compare=False)
    required: tuple[After, ...] = field(init=False, repr=False, compare=False)
    duration_ns: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out the event of this step being done, the events without which it would be illegal,
        and how long it takes: until the upgrade is asked for, or the last byte sent."""
        opened = (After(Kind.OPEN, self.connection),) if self.needs_open else ()
        for name, value in (
            ("as_event", After(Kind.STEP, self.connection, self.index)),
            ("required", (*self.needs, *opened)),
            ("duration_ns", 0 if isinstance(self.action, End) else self.action.duration_ns),
        ):
            object.__setattr__(self, name, value)

    @property
    def needs_open(self) -> bool:
        """Whether the handshake has to be answered before it."""
        if self.index == 0:
            return False
        cuts_short = isinstance(self.action, End) and not self.action.ending.needs_open
        return not (cuts_short and self.pinned)

    @property
    def name(self) -> str:
        """What to call it when talking to people."""
        what = {Open: "open", Send: "message", End: "end"}[type(self.action)]
        return f"{self.connection} step {self.index} ({what})"


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of every connection, in the order of their opening.

    `recorded_ns` has the recorded time of every event that a step could follow. `owed` names the
    connections of which less, or the same as of another, may be expected. Raises PlanError when it
    breaks the order of a connection.
    """

    connections: Mapping[str, tuple[Step, ...]]
    secrets: Mapping[str, Secret]
    recorded_ns: Mapping[After, int]
    pace: Pace = Pace.CAUSAL
    cues: tuple[Cue, ...] = ()
    barriers: tuple[Barrier, ...] = ()
    network: Mapping[str, Network] = field(default_factory=dict)
    owed: Mapping[str, Owed] = field(default_factory=dict)
    correlation: Correlation = field(default_factory=Correlation)
    numbers_all: bool = field(init=False, repr=False, compare=False)
    """Whether something waits for a message by its number among all, whatever it is called."""

    def __post_init__(self) -> None:
        for name, steps in self.connections.items():
            check_connection(name, steps)
        followed = self._followed()
        for after in followed:
            self._check_exists(after)
        of_all = any(after.kind is Kind.MESSAGE and not after.called for after in followed)
        object.__setattr__(self, "numbers_all", of_all)
        for barrier in self.barriers:
            for connection, index in barrier.members:
                self.step(connection, index)

    def steps(self) -> Iterator[Step]:
        """Yield every step, connection by connection."""
        for steps in self.connections.values():
            yield from steps

    def of(self, connection: str) -> tuple[Step, ...]:
        """Return the steps of a connection. Raises PlanError when there is none."""
        steps = self.connections.get(connection)
        if steps is None:
            known = ", ".join(list(self.connections)[:10])
            raise PlanError(f"the plan has no connection {connection!r}, only {known}")
        return steps

    def step(self, connection: str, index: int) -> Step:
        """Return one step. Raises PlanError when there is none."""
        steps = self.of(connection)
        if not 0 <= index < len(steps):
            raise PlanError(f"{connection} has steps 0 to {len(steps) - 1}, there is no {index}")
        return steps[index]

    def recorded_gap_ns(self, step: Step, after: After) -> int | None:
        """Return the recorded time between an event and a step; None when it came later."""
        at_ns = self.recorded_ns.get(after)
        return None if at_ns is None or at_ns > step.recorded_at_ns else step.recorded_at_ns - at_ns

    @property
    def is_disturbed(self) -> bool:
        """Whether a session of it lacks something, so that the next one has to show the harm."""
        return not all(owed.is_all for owed in self.owed.values())

    @property
    def disturbs_server(self) -> bool:
        """Whether it restarts the server, or puts faults on what that needs."""
        return any(isinstance(cue.change, Restart | ProxyFault) for cue in self.cues)

    @property
    def cuts_server_off(self) -> bool:
        """Whether a service that the server needs may not answer."""
        return any(isinstance(cue.change, ProxyFault) for cue in self.cues)

    def owed_to(self, connection: str) -> Owed:
        """Return what the server owes a connection."""
        return self.owed.get(connection, Owed(connection))

    def network_of(self, connection: str) -> Network:
        """Return what is between the client and the server."""
        return self.network.get(connection, Network())

    def with_steps(self, changed: Iterable[Step]) -> Plan:
        """Return the plan with steps replaced. Raises PlanError."""
        connections = dict(self.connections)
        for step in changed:
            self.step(step.connection, step.index)
            steps = list(connections[step.connection])
            steps[step.index] = step
            connections[step.connection] = tuple(steps)
        return replace(self, connections=connections)

    def with_connection(self, name: str, steps: Iterable[Step]) -> Plan:
        """Return the plan with a connection added, or with all its steps replaced."""
        return replace(self, connections={**self.connections, name: tuple(steps)})

    def with_cues(self, *cues: Cue) -> Plan:
        """Return the plan with more cues."""
        return replace(self, cues=(*self.cues, *cues))

    def with_network(self, connection: str, network: Network) -> Plan:
        """Return the plan with another network on a connection. Raises PlanError."""
        self.of(connection)
        return replace(self, network={**self.network, connection: network})

    def with_owed(self, connection: str, owed: Owed) -> Plan:
        """Return the plan with less to expect of a connection. Raises PlanError."""
        self.of(connection)
        return replace(self, owed={**self.owed, connection: owed})

    def at_pace(self, pace: Pace) -> Plan:
        """Return the plan at another pace."""
        return replace(self, pace=pace)

    def _followed(self) -> set[After]:
        """Return every event that something in the plan waits for."""
        steps = {event for step in self.steps() for event in (step.after, *step.needs)}
        return steps | {cue.after for cue in self.cues}

    def _check_exists(self, event: After) -> None:
        if event.connection:
            steps = self.of(event.connection)
            if event.kind is Kind.STEP and event.index >= len(steps):
                self.step(event.connection, event.index)


def check_connection(name: str, steps: tuple[Step, ...]) -> None:
    """Raise PlanError unless the steps open a connection, send in order, and end it."""
    if len(steps) < MIN_STEPS:
        raise PlanError(f"{name} has {len(steps)} steps, expected at least its opening and its end")
    last = len(steps) - 1
    for index, step in enumerate(steps):
        if (step.connection, step.index) != (name, index):
            raise PlanError(f"{step.name} stands where {name} step {index} belongs")
        kind = Open if index == 0 else End if index == last else Send
        if not isinstance(step.action, kind):
            raise PlanError(
                f"{step.name}: a connection opens once, at first, and ends once, at last"
            )
        if step.gap_ns < 0 or step.late_ns < 0:
            raise PlanError(f"{step.name} comes before the event that it follows")
        for event in (step.after, *step.needs):
            if event.connection == name and _comes_later(event, index):
                raise PlanError(f"{step.name} cannot follow {event}, which comes after it")
        if isinstance(step.action, Send):
            offsets = [fragment.offset_ns for fragment in step.action.fragments]
            if not offsets or offsets != sorted(offsets):
                raise PlanError(f"{step.name} has its fragments out of order")


def _comes_later(event: After, index: int) -> bool:
    """Whether an event of its own connection cannot come before the step `index`."""
    is_later_step = event.kind is Kind.STEP and event.index >= index
    return index == 0 or event.kind is Kind.CLOSED or is_later_step

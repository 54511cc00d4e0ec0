"""A capture to a plan: one step a client action, each with the event that it followed."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from capture.format.model import (
    Capture,
    CloseHow,
    Direction,
    Event,
    Frame,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
)
from capture.message_kind import message_kind
from capture.messages import Message, messages
from replay.correlation import correlate
from replay.errors import PlanError
from replay.plan import (
    START,
    Action,
    After,
    End,
    Ending,
    Fragment,
    Kind,
    Open,
    Pace,
    Plan,
    Send,
    Step,
)
from replay.protocol_openings import held_back

SWITCHING_PROTOCOLS = 101

Needs = Mapping[tuple[str, int], Sequence[tuple[int, After]]]


def plan_from_capture(
    capture: Capture,
    pace: Pace = Pace.CAUSAL,
    pushes: frozenset[str] = frozenset(),
    runs: Sequence[Capture] = (),
) -> Plan:
    """Return the plan that does what the clients of a capture did.

    Messages of the kinds in `pushes` come unasked: no step is taken to have waited for one. Other
    recordings or `runs` of the session tell which values the server issues anew.
    Raises PlanError when no connection of the capture has a handshake to send again.
    """
    inferred = correlate(capture, runs)
    traces = [
        trace
        for name, events in capture.by_connection().items()
        if (trace := _trace(name, events, pushes, inferred.values_from(name))) is not None
    ]
    if not traces:
        raise PlanError(
            "no connection of the capture has a handshake, so there is nothing to send again: "
            "record from before the client connects"
        )
    correlation = inferred.among([trace.name for trace in traces])
    happened = {event: at_ns for trace in traces for at_ns, event in trace.events()}
    came = happened | {event: at_ns for trace in traces for at_ns, event in trace.numbered()}
    needs: dict[tuple[str, int], list[tuple[int, After]]] = {
        step: [(came[event], event) for event in events]
        for step, events in correlation.needs().items()
    }
    for trace in traces:
        for index, event in trace.held_back:
            needs.setdefault((trace.name, index), []).append((came[event], event))
    origin_ns = min(trace.acts[0].at_ns for trace in traces)
    elsewhere = _Elsewhere(traces)
    # What only the server said needs no fresh one.
    secrets = {
        secret.id: secret for event in _by_client(capture.events) for secret in event.secrets
    }
    return Plan(
        connections={trace.name: trace.steps(origin_ns, elsewhere, needs) for trace in traces},
        secrets=secrets,
        recorded_ns={START: 0} | {event: at_ns - origin_ns for event, at_ns in happened.items()},
        pace=pace,
        correlation=correlation,
    )


def _by_client(events: tuple[Event, ...]) -> Iterator[UpgradeRequest | Frame]:
    for event in events:
        if isinstance(event, UpgradeRequest):
            yield event
        elif isinstance(event, Frame) and event.direction is Direction.CLIENT_TO_SERVER:
            yield event


@dataclass(frozen=True, slots=True)
class _Act:
    """One recorded action of the client."""

    at_ns: int
    action: Action


@dataclass(frozen=True, slots=True)
class _Trace:
    """What happened on one connection, as far as a plan cares; `whose` is what tells its client."""

    name: str
    whose: frozenset[str]
    acts: tuple[_Act, ...]
    seen: tuple[tuple[int, After], ...]
    pushes: frozenset[str]
    # Which of its steps the protocol allows only after which message.
    held_back: tuple[tuple[int, After], ...]

    def events(self) -> list[tuple[int, After]]:
        """Every event that a step could follow, with its time."""
        acts = [(act.at_ns, After(Kind.STEP, self.name, i)) for i, act in enumerate(self.acts)]
        return acts + list(self.seen)

    def numbered(self) -> list[tuple[int, After]]:
        """Return every message by its number among all, whatever it is called."""
        times = [at_ns for at_ns, event in self.seen if event.kind is Kind.MESSAGE]
        return [(at_ns, After(Kind.MESSAGE, self.name, n)) for n, at_ns in enumerate(times, 1)]

    def for_others(self) -> list[tuple[int, After]]:
        """The events that a connection opened later may have followed."""
        return [each for each in self.events() if each[1].kind in (Kind.STEP, Kind.CLOSED)]

    def steps(self, origin_ns: int, elsewhere: _Elsewhere, needs: Needs) -> tuple[Step, ...]:
        """Return the steps; each follows the latest event before it.

        Of another connection only what brought a value counts for more than its client's steps.
        """
        steps: list[Step] = []
        for index, act in enumerate(self.acts):
            needed = needs.get((self.name, index), ())
            brought = [each for each in needed if each[1].connection != self.name]
            if index == 0:
                before = elsewhere.before(act.at_ns, self, brought)
                followed_ns, after = max(before, default=(origin_ns, START))
                previous_ns = origin_ns
            else:
                previous_ns = self.acts[index - 1].at_ns
                own = (previous_ns, After(Kind.STEP, self.name, index - 1))
                between = [each for each in self.seen if previous_ns < each[0] <= act.at_ns]
                # To end may be the end of the connection: no step waits for that.
                answers = [
                    each
                    for each in between
                    if each[1].called not in self.pushes and each[1].kind is not Kind.CLOSED
                ]
                followed_ns, after = max([own, *answers, *brought], key=lambda each: each[0])
            steps.append(
                Step(
                    connection=self.name,
                    index=index,
                    action=act.action,
                    recorded_at_ns=act.at_ns - origin_ns,
                    after=after,
                    gap_ns=act.at_ns - followed_ns,
                    needs=tuple(event for _, event in needed),
                    expected_wait_ns=followed_ns - previous_ns,
                )
            )
        return tuple(steps)


class _Elsewhere:
    """What happened on other connections, that the opening of one may have followed."""

    def __init__(self, traces: Sequence[_Trace]) -> None:
        self._events = [(trace, trace.for_others()) for trace in traces]

    def before(
        self, at_ns: int, opened: _Trace, brought: Sequence[tuple[int, After]]
    ) -> list[tuple[int, After]]:
        """Return what came before a connection was opened.

        A client goes by its own earlier connections, if it had any: those that said who it is as
        this one does, or `brought` a value that it says. Else by all there were.
        """
        own = {event.connection for _, event in brought}
        by_client: list[tuple[int, After]] = []
        by_all: list[tuple[int, After]] = []
        for trace, events in self._events:
            if trace.name != opened.name:
                came = [each for each in events if each[0] <= at_ns]
                by_all += came
                if trace.name in own or not trace.whose.isdisjoint(opened.whose):
                    by_client += came
        return [*(by_client or by_all), *(each for each in brought if each[0] <= at_ns)]


def _trace(
    name: str, events: tuple[Event, ...], pushes: frozenset[str], issued: frozenset[str]
) -> _Trace | None:
    request = next((event for event in events if isinstance(event, UpgradeRequest)), None)
    if request is None:
        return None
    opened = [
        (event.at_ns, After(Kind.OPEN, name))
        for event in events
        if isinstance(event, UpgradeResponse) and event.status == SWITCHING_PROTOCOLS
    ]
    spoken = tuple(messages(events))
    received = _received(name, spoken, issued)
    closed = (
        [(max(e.at_ns for e in ends), After(Kind.CLOSED, name))]
        if (ends := [event for event in events if isinstance(event, TcpClose)])
        else []
    )
    acts = (_opening(request), *_sends(spoken), _ending(events))
    seen = sorted([*opened, *received.values(), *closed])
    # The opening is step 0.
    held = tuple((n + 1, After(Kind.MESSAGE, name, answer)) for n, answer in held_back(spoken))
    unasked = pushes | _repeated(seen, acts)
    return _Trace(name, _whose(events), acts, tuple(seen), unasked, held)


def _whose(events: tuple[Event, ...]) -> frozenset[str]:
    """Return by what the client of a connection is known: its secrets, the subjects of its JWTs."""
    secrets = [secret for event in _by_client(events) for secret in event.secrets]
    subjects = frozenset(str(s.claims["sub"]) for s in secrets if "sub" in s.claims)
    return subjects or frozenset(s.id for s in secrets)


def _received(
    name: str, spoken: tuple[Message, ...], issued: frozenset[str]
) -> dict[int, tuple[int, After]]:
    """Return, by index, when each message of the server came and the event that this is.

    What is called by a value that the server issues anew each time has a number only.
    """
    counts: Counter[str] = Counter()
    received = {}
    for message in spoken:
        if message.direction is Direction.SERVER_TO_CLIENT:
            called = message_kind(message)
            counts[called] += 1
            event = After(Kind.MESSAGE, name, counts[called], called)
            if not issued.isdisjoint(called.split()):
                event = After(Kind.MESSAGE, name, message.index)
            received[message.index] = (message.at_ns, event)
    return received


def _repeated(seen: Sequence[tuple[int, After]], acts: Sequence[_Act]) -> frozenset[str]:
    """Return the kinds of messages that came several times between two steps of the client.

    Ticks do, and the parts of a streamed answer; what a client waits for comes once.
    """
    times = [act.at_ns for act in acts]
    stretches = Counter(
        (bisect(times, at_ns), event.called) for at_ns, event in seen if event.called
    )
    return frozenset(called for (_, called), count in stretches.items() if count > 1)


def _opening(request: UpgradeRequest) -> _Act:
    connected_ns = request.connected_at_ns
    at_ns = request.at_ns if connected_ns is None else connected_ns
    return _Act(at_ns, Open(request.url, request.headers, request.at_ns - at_ns))


def _sends(spoken: tuple[Message, ...]) -> list[_Act]:
    return [
        _Act(
            message.frames[0].at_ns,
            Send(
                fragments=tuple(
                    Fragment(frame.payload, frame.at_ns - message.frames[0].at_ns)
                    for frame in message.frames
                ),
                is_text=message.is_text,
                compressed=message.frames[0].compressed,
            ),
        )
        for message in spoken
        if message.direction is Direction.CLIENT_TO_SERVER
    ]


def _ending(events: tuple[Event, ...]) -> _Act:
    """Return how the client ended; where the server did, or nothing tells, what fits best."""
    for event in events:
        if isinstance(event, Frame) and event.opcode == "close":
            if event.direction is Direction.SERVER_TO_CLIENT:
                return _Act(event.at_ns, End(Ending.AWAIT))
            return _Act(event.at_ns, End(Ending.CLOSE, event.close_code, event.close_reason))
        if isinstance(event, TcpClose):
            if event.side is Side.SERVER:
                return _Act(event.at_ns, End(Ending.AWAIT))
            ending = Ending.RESET if event.how is CloseHow.RESET else Ending.FIN
            return _Act(event.at_ns, End(ending))
    # The recording stopped first: a client that leaves in order does the least harm.
    return _Act(events[-1].at_ns, End(Ending.CLOSE, 1000))

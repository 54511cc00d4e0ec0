"""The rules of Cloud Run's edge: an event and the time in, decisions out.

Nothing here reads a clock, opens a socket or starts a process, so that the rules run in virtual
time as well. Whoever runs them calls `due` when `next_due_ns` has come. Times are integer
nanoseconds on any one clock.

Before the 101 a failure is a status of HTTP, after it there is only the end of the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Literal

from local_staging.edge.decisions import (
    Answer,
    Cut,
    Decision,
    Kill,
    Route,
    StartInstance,
    Terminate,
)
from local_staging.edge.policy import SECOND_NS, Policy

Side = Literal["client", "instance"]

NO_INSTANCE = "The request was aborted because there was no available instance."
COULD_NOT_START = "The request failed because the instance could not start successfully."
TIMED_OUT = "upstream request timeout"
LOST = "upstream connect error or disconnect/reset before headers"


# What is decided when a time has come.
_Decide = Callable[[int], list[Decision]]


class _Of(Enum):
    """Where a request or an instance stands."""

    DELAYED = auto()
    QUEUED = auto()
    ROUTED = auto()
    TUNNEL = auto()

    STARTING = auto()
    SERVING = auto()
    STOPPING = auto()


@dataclass(slots=True)
class _Request:
    arrived_ns: int
    wanted: int | None
    stands: _Of = _Of.DELAYED
    instance: int | None = None
    heard_ns: int = 0


@dataclass(slots=True)
class _Instance:
    began_ns: int
    stands: _Of = _Of.STARTING
    requests: set[int] = field(default_factory=set)
    idle_since_ns: int = 0
    stopped_ns: int = 0
    is_killed: bool = False


class Edge:
    """The state of one edge. Requests are named by whoever runs it, instances here, from 1 on."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.handshake_delay_ns = _ns(policy.handshake_delay_s)
        self._requests: dict[int, _Request] = {}
        self._instances: dict[int, _Instance] = {}
        self._latest_instance = 0
        self._start_ups_ns: list[int] = []
        self._partitioned_until_ns: dict[Side, int] = {"client": 0, "instance": 0}

    # What happens

    def began(self, now_ns: int) -> list[Decision]:
        """The edge begins: instances that are always there are started."""
        return self._completed(now_ns)

    def arrived(self, request: int, now_ns: int, wanted: int | None = None) -> list[Decision]:
        """A request is there; `wanted` is the instance that its affinity cookie names."""
        self._requests[request] = _Request(now_ns, wanted, heard_ns=now_ns)
        return self.due(now_ns)

    def listening(self, instance: int, now_ns: int) -> list[Decision]:
        """An instance that was started takes connections."""
        known = self._instances[instance]
        known.stands, known.idle_since_ns = _Of.SERVING, now_ns
        self._start_ups_ns.append(now_ns - known.began_ns)
        return self.due(now_ns)

    def did_not_start(self, instance: int, now_ns: int) -> list[Decision]:
        """An instance that was started ended before it listened."""
        return self._gone(instance, now_ns)

    def answered(self, request: int, status: int, now_ns: int) -> list[Decision]:
        """The instance of a request sent the head of its answer."""
        known = self._requests.get(request)
        if known is not None:
            known.stands, known.heard_ns = _Of.TUNNEL, now_ns
        return []

    def passed(self, request: int, now_ns: int) -> None:
        """A byte of a request went by, in either direction."""
        known = self._requests.get(request)
        if known is not None:
            known.heard_ns = now_ns

    def ended(self, request: int, now_ns: int) -> list[Decision]:
        """A request is over, whichever side ended it."""
        self._forget(request, now_ns)
        return self.due(now_ns)

    def instance_ended(self, instance: int, now_ns: int) -> list[Decision]:
        """The process of an instance is gone."""
        return self._gone(instance, now_ns)

    # What is done to it

    def cycle(self, now_ns: int) -> list[Decision]:
        """Take away every instance that serves, with requests on it or not.

        Google: "In exceptional cases, Cloud Run might initiate a shutdown and send SIGTERM to a
        container that is still processing requests." New requests find a new instance.
        """
        serving = [name for name, each in self._instances.items() if each.stands is _Of.SERVING]
        taken: list[Decision] = [self._stop(name, now_ns) for name in serving]
        return taken + self._completed(now_ns) + self.due(now_ns)

    def partition(self, side: Side, for_ns: int, now_ns: int) -> None:
        """Let nothing pass on one side for a time; what comes meanwhile passes after it."""
        until_ns = now_ns + for_ns
        self._partitioned_until_ns[side] = max(self._partitioned_until_ns[side], until_ns)

    def passes_at_ns(self, side: Side, now_ns: int) -> int:
        """Return when what comes now on that side passes."""
        return max(now_ns, self._partitioned_until_ns[side])

    # Time

    def next_due_ns(self) -> int | None:
        """Return when `due` has something to say again, if nothing else happens."""
        return min((at_ns for at_ns, _ in self._deadlines()), default=None)

    def due(self, now_ns: int) -> list[Decision]:
        """Decide what the time has brought, and find places for those that wait."""
        decided: list[Decision] = []
        for at_ns, act in sorted(self._deadlines(), key=lambda deadline: deadline[0]):
            if at_ns <= now_ns:
                decided += act(now_ns)
        return decided + self._placed(now_ns)

    def state(self) -> dict[str, object]:
        """Return what there is, for people."""
        return {
            "policy": self.policy.name,
            "instances": {
                name: {"state": each.stands.name.lower(), "requests": len(each.requests)}
                for name, each in self._instances.items()
            },
            "waiting": sum(each.instance is None for each in self._requests.values()),
        }

    # How

    def _deadlines(self) -> Iterator[tuple[int, _Decide]]:
        for name, request in self._requests.items():
            yield from self._deadlines_of_request(name, request)
        for name, instance in self._instances.items():
            yield from self._deadlines_of_instance(name, instance)

    def _deadlines_of_request(self, name: int, request: _Request) -> Iterator[tuple[int, _Decide]]:
        arrived_ns, policy = request.arrived_ns, self.policy
        yield arrived_ns + _ns(policy.request_timeout_s), partial(self._time_out, name)
        if request.stands is _Of.TUNNEL:
            if policy.idle_connection_s is not None:
                yield request.heard_ns + _ns(policy.idle_connection_s), partial(self._idle, name)
            return
        if policy.handshake_timeout_s is not None:
            yield arrived_ns + _ns(policy.handshake_timeout_s), partial(self._time_out, name)
        if request.stands is _Of.DELAYED:
            yield arrived_ns + self.handshake_delay_ns, partial(self._let_on, name)
        if request.stands is _Of.QUEUED and not self._is_starting():
            yield arrived_ns + self._longest_wait_ns(), partial(self._turn_away, name)

    def _deadlines_of_instance(
        self, name: int, instance: _Instance
    ) -> Iterator[tuple[int, _Decide]]:
        policy = self.policy
        if instance.stands is _Of.STARTING:
            yield instance.began_ns + _ns(policy.start_timeout_s), partial(self._give_up, name)
        elif instance.stands is _Of.STOPPING:
            if not instance.is_killed:
                yield instance.stopped_ns + _ns(policy.stop_s), partial(self._kill, name)
        elif not instance.requests and self._count() > policy.min_instances:
            yield instance.idle_since_ns + _ns(policy.idle_instance_s), partial(self._retire, name)

    def _let_on(self, name: int, now_ns: int) -> list[Decision]:
        request = self._requests.get(name)
        if request is not None:
            request.stands = _Of.QUEUED
        return []

    def _time_out(self, name: int, now_ns: int) -> list[Decision]:
        request = self._requests.get(name)
        # A deadline of the same moment may have ended it.
        if request is None:
            return []
        if request.stands is not _Of.TUNNEL:
            return self._refused(name, 504, TIMED_OUT, now_ns)
        self._forget(name, now_ns)
        return [Cut(name, f"the request timeout of {self.policy.request_timeout_s:g} s")]

    def _idle(self, name: int, now_ns: int) -> list[Decision]:
        if name not in self._requests:
            return []
        self._forget(name, now_ns)
        return [Cut(name, f"idle for {self.policy.idle_connection_s:g} s")]

    def _turn_away(self, name: int, now_ns: int) -> list[Decision]:
        request = self._requests.get(name)
        if request is None or self._place_for(request.wanted) is not None:
            return []
        return self._refused(name, 429, NO_INSTANCE, now_ns)

    def _give_up(self, name: int, now_ns: int) -> list[Decision]:
        return [Kill(name), *self._gone(name, now_ns)]

    def _kill(self, name: int, now_ns: int) -> list[Decision]:
        self._instances[name].is_killed = True
        return [Kill(name)]

    def _retire(self, name: int, now_ns: int) -> list[Decision]:
        # Of several that are idle at once, as many stay as always have to.
        return [self._stop(name, now_ns)] if self._count() > self.policy.min_instances else []

    def _placed(self, now_ns: int) -> list[Decision]:
        decided: list[Decision] = []
        waiting = [name for name, each in self._requests.items() if each.stands is _Of.QUEUED]
        for name in waiting:
            place = self._place_for(self._requests[name].wanted)
            if place is None:
                continue
            request, instance = self._requests[name], self._instances[place]
            request.stands, request.instance = _Of.ROUTED, place
            instance.requests.add(name)
            decided.append(Route(name, place))
        left = sum(each.stands is _Of.QUEUED for each in self._requests.values())
        coming = sum(each.stands is _Of.STARTING for each in self._instances.values())
        if left > coming * self.policy.concurrency and self._count() < self.policy.max_instances:
            decided.append(self._start(now_ns))
        return decided

    def _place_for(self, wanted: int | None) -> int | None:
        free = {
            name: len(each.requests)
            for name, each in self._instances.items()
            if each.stands is _Of.SERVING and len(each.requests) < self.policy.concurrency
        }
        if wanted in free:
            return wanted
        return min(free, key=lambda name: free[name], default=None)

    def _start(self, now_ns: int) -> StartInstance:
        self._latest_instance += 1
        self._instances[self._latest_instance] = _Instance(now_ns)
        return StartInstance(self._latest_instance)

    def _completed(self, now_ns: int) -> list[Decision]:
        missing = self.policy.min_instances - self._count()
        return [self._start(now_ns) for _ in range(missing)]

    def _stop(self, name: int, now_ns: int) -> Terminate:
        instance = self._instances[name]
        instance.stands, instance.stopped_ns = _Of.STOPPING, now_ns
        return Terminate(name)

    def _forget(self, name: int, now_ns: int) -> None:
        request = self._requests.pop(name, None)
        if request is not None and request.instance in self._instances:
            instance = self._instances[request.instance]
            instance.requests.discard(name)
            instance.idle_since_ns = now_ns

    def _gone(self, name: int, now_ns: int) -> list[Decision]:
        instance = self._instances.pop(name, None)
        if instance is None:
            return []
        decided: list[Decision] = []
        if instance.stands is _Of.STARTING and not self._is_starting():
            # Nobody else can take those that wait for it.
            for waiting in [n for n, each in self._requests.items() if each.stands is _Of.QUEUED]:
                decided += self._refused(waiting, 500, COULD_NOT_START, now_ns)
        for request in sorted(instance.requests):
            decided += self._lost(request, now_ns)
        if instance.stands is not _Of.STARTING:
            # One that does not come up is not tried for ever.
            decided += self._completed(now_ns)
        return decided + self.due(now_ns)

    def _lost(self, name: int, now_ns: int) -> list[Decision]:
        if self._requests[name].stands is not _Of.TUNNEL:
            return self._refused(name, 503, LOST, now_ns)
        self._forget(name, now_ns)
        return [Cut(name, "its instance ended")]

    def _refused(self, name: int, status: int, text: str, now_ns: int) -> list[Decision]:
        self._forget(name, now_ns)
        return [Answer(name, status, text)]

    def _is_starting(self) -> bool:
        return any(each.stands is _Of.STARTING for each in self._instances.values())

    def _count(self) -> int:
        return sum(each.stands is not _Of.STOPPING for each in self._instances.values())

    def _longest_wait_ns(self) -> int:
        average_ns = sum(self._start_ups_ns) // max(1, len(self._start_ups_ns))
        by_start_up_ns = round(average_ns * self.policy.queue_start_ups)
        return max(by_start_up_ns, _ns(self.policy.queue_floor_s))


def _ns(seconds: float) -> int:
    return round(seconds * SECOND_NS)

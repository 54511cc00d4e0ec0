"""Whatever the capture, the edits, the pace and the server's timing: only legal schedules."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture.format.model import Capture
from replay.engine.core import EngineCore
from replay.errors import PlanError
from replay.perturbations import KINDS, from_json
from replay.plan import After, End, Ending, Kind, Pace, Plan, Step
from replay.planning import plan_from_capture
from tests.unit.replay.captures import MS, Connection, capture_of

PATIENCE_NS = 500 * MS
MOST_TURNS = 2_000


@st.composite
def captures(draw: st.DrawFn) -> Capture:
    """One to three connections that talk; clients echo some of what the server said."""
    events = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        make = Connection(f"c{number}")
        at_ms = draw(st.integers(0, 300))
        events.append(make.opened(at_ms, at_ms + draw(st.integers(0, 30))))
        at_ms += 30
        for index in range(draw(st.integers(0, 6))):
            at_ms += draw(st.integers(0, 80))
            what = draw(st.sampled_from(["say", "send", "echo", "fragments"]))
            value = f"value-{number}{draw(st.integers(0, index))}"
            if what == "say":
                events.append(make.said(at_ms, {"kind": "news", "id": value}))
            elif what == "fragments":
                events.append(make.sent(at_ms, "ab", fin=False))
                at_ms += draw(st.integers(0, 20))
                events.append(make.sent(at_ms, "cd", opcode="continuation"))
            else:
                events.append(make.sent(at_ms, {"ref": value if what == "echo" else index}))
        at_ms += draw(st.integers(1, 80))
        if draw(st.booleans()):
            events.append(make.left(at_ms) if draw(st.booleans()) else make.dismissed(at_ms))
    return capture_of(*events)


TIMES_MS = st.sampled_from([0, 0.001, 5, 100, 3_000])


def edit_of(draw: st.DrawFn, plan: Plan) -> dict[str, Any]:
    """Draw an edit of any kind, as a person might write it; many make no sense."""
    connection = draw(st.sampled_from(sorted(plan.connections)))
    step = draw(st.integers(0, len(plan.connections[connection])))
    places = [[name, draw(st.integers(0, 3))] for name in sorted(plan.connections)]
    after = str(draw(st.sampled_from(sorted(plan.recorded_ns))))
    time_ms = draw(TIMES_MS)
    here = {"connection": connection, "step": step}
    at = {"after": after, "gap_ms": time_ms}
    cut = {**here, **draw(st.sampled_from([at, {"gap_ms": time_ms}]))}
    few = draw(st.integers(1, 4))
    fields: dict[str, dict[str, Any]] = {
        "gap": {**here, **at},
        "delay": {**here, "by_ms": time_ms},
        "scale": {"factor": draw(st.sampled_from([0, 0.5, 3.0]))},
        "jitter": {"high_ms": time_ms, "low_ms": 0.0001, "seed": few},
        "hold": {**here, "for_ms": time_ms},
        "handshake_delay": {
            "connection": connection,
            "by_ms": time_ms,
            "before": draw(st.sampled_from(["upgrade", "first_frame"])),
        },
        "burst": {**here, "last": step + few},
        "dribble": {**here, "pieces": few, "every_ms": time_ms},
        "fragment": {**here, "pieces": few, "every_ms": time_ms},
        "slow_reader": {"connection": connection, "for_ms": time_ms, **at},
        "stalled_pong": {"connection": connection, "by_ms": time_ms},
        "reset": cut,
        "half_close": cut,
        "early_close": {**cut, "code": draw(st.sampled_from([1000, None]))},
        "reconnect": {
            **cut,
            "down_ms": time_ms,
            "repeat": few - 1,
            "how": draw(st.sampled_from(["reset", "fin", "close"])),
        },
        "storm": {
            "copies": few,
            "within_ms": time_ms,
            "connection": draw(st.sampled_from(["", connection])),
        },
        "align": {"steps": places, "apart_ms": time_ms},
        "starve": {**here, "for_ms": time_ms},
        "restart_server": at,
        "fault": {"proxy": "redis", "fault": {"name": "blackhole"}, "for_ms": time_ms, **at},
    }
    assert list(fields) == [kind.name for kind in KINDS]
    name = draw(st.sampled_from(sorted(fields)))
    return {"perturbation": name, **fields[name]}


def edited(draw: st.DrawFn, plan: Plan) -> Plan:
    """Apply a few edits; those that the plan refuses are left out."""
    for _ in range(draw(st.integers(0, 4))):
        try:
            edit = from_json(edit_of(draw, plan))
            perturbed = edit.apply(plan)
        except PlanError:
            continue
        assert from_json(edit.to_json()) == edit
        plan = perturbed
    return plan


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans of random captures, with random edits, at a random pace."""
    plan = plan_from_capture(draw(captures()), draw(st.sampled_from(list(Pace))))
    return edited(draw, plan)


def is_cut_of_tcp(step: Step) -> bool:
    """Whether a step only ends TCP, for which nothing has to be answered."""
    return isinstance(step.action, End) and step.action.ending in (
        Ending.FIN,
        Ending.HALF_CLOSE,
        Ending.RESET,
    )


@dataclass
class Chaos:
    """A server and a network that do what they like, when they like; it checks the law itself."""

    plan: Plan
    random: Random

    def __post_init__(self) -> None:
        self.core = EngineCore(self.plan, PATIENCE_NS)
        self.now_ns = 0
        self.at_ns: dict[After, int] = {}
        self.over: set[str] = set()
        self.taken: dict[str, list[Step]] = {name: [] for name in self.plan.connections}
        # Without ends before their time, nothing but the core's own patience ends a run.
        self.ends_early = self.random.random() < 0.5
        self.keeps_silent = self.random.choice([0, 0.2, 0.6])
        # What the server will do: most of what it did when recorded, at any time, in any order.
        self.to_come = [
            event.on(name)
            for name in self.plan.connections
            for event in self.plan.recorded_ns
            if event.kind is Kind.MESSAGE
            and event.connection == self.plan.owed_to(name).like
            and self.random.random() >= self.keeps_silent
        ]

    def play(self) -> int:
        """Play to the end; return the number of turns."""
        for turn in range(MOST_TURNS):
            if self.core.is_finished:
                return turn
            self._server_acts()
            self._client_acts()
        raise AssertionError(f"the run is stuck: {self.core}")

    def _server_acts(self) -> None:
        if self.to_come and self.random.randrange(2):
            event = self.random.choice(self.to_come)
            if After(Kind.OPEN, event.connection) in self.at_ns:
                self.to_come.remove(event)
                self._happens(event)
        for name, steps in self.taken.items():
            if name in self.over or not steps:
                continue
            is_done = steps[-1] is self.plan.connections[name][-1]
            opening = After(Kind.OPEN, name)
            if opening not in self.at_ns and self.random.randrange(4) == 0:
                self._happens(opening)
            elif (is_done or self.ends_early) and self.random.randrange(4 if is_done else 60) == 0:
                self._ends(name)

    def _client_acts(self) -> None:
        due, give_up_ns = self.core.next_due(), self.core.next_give_up_ns()
        times = [] if due is None else [due.at_ns]
        times += [] if give_up_ns is None else [give_up_ns]
        if times and self.random.randrange(3):
            self.now_ns = max(self.now_ns, min(times))
        else:
            self.now_ns += self.random.randrange(20 * MS)
        while (due := self.core.next_due()) is not None and due.at_ns <= self.now_ns:
            self._take(due.step, due.at_ns)
        list(self.core.take_cues(self.now_ns))
        for given_up in self.core.give_up(self.now_ns):
            if given_up.waited_for == After(Kind.OPEN, given_up.step.connection):
                self._ends(given_up.step.connection)

    def _take(self, step: Step, due_ns: int) -> None:
        self._check(step, due_ns)
        self.core.taken(step, self.now_ns)
        self.taken[step.connection].append(step)
        self._happened(step.as_event)

    def _check(self, step: Step, due_ns: int) -> None:
        """Fail when the step breaks the law."""
        name, before = step.connection, self.taken[step.connection]
        assert name not in self.over, f"{step.name} comes after the end"
        if step.index == 0:
            assert not before
            return
        opened_ns = self.at_ns.get(After(Kind.OPEN, name))
        if not is_cut_of_tcp(step):
            assert opened_ns is not None, f"{step.name} comes before the 101"
            assert due_ns >= opened_ns
        assert before[-1].index < step.index, f"{step.name} comes out of order"
        last_ns = self.at_ns[before[-1].as_event]
        assert due_ns >= last_ns + before[-1].duration_ns, f"{step.name} comes within a message"
        for event in step.needs:
            assert event in self.at_ns, f"{step.name} comes before {event}"
            assert due_ns >= self.at_ns[event]
        skipped = self.plan.connections[name][before[-1].index + 1 : step.index]
        assert not skipped or isinstance(step.action, End), f"{step.name} leaves steps out"

    def _happens(self, event: After) -> None:
        self._happened(event)
        self.core.happened(event, self.now_ns)

    def _happened(self, event: After) -> None:
        self.at_ns.setdefault(event, self.now_ns)

    def _ends(self, name: str) -> None:
        self.over.add(name)
        self.core.over(name, self.now_ns)


@settings(
    max_examples=500,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(plans(), st.integers(0, 2**32))
def test_only_legal_schedules_that_always_end(plan: Plan, seed: int) -> None:
    Chaos(plan, Random(seed)).play()

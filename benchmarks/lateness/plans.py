"""The schedule as a plan: by the clock, by the answers, or first by one and then the other."""

from __future__ import annotations

from benchmarks.lateness.load import OPEN_EVERY_NS, Load, payload
from replay.plan import START, After, End, Ending, Fragment, Kind, Open, Pace, Plan, Send, Step

LINGER_NS = 200_000_000


def plan_of(load: Load, pace: Pace) -> Plan:
    """Return the plan of a load.

    By the clock, every send is due at its time of the schedule. By the answers, each waits for the
    answer to the one before it on its connection and is due as long after it as the schedule has
    between the two; so the rate is the schedule's, less the time that answers take.
    """
    connections: dict[str, tuple[Step, ...]] = {}
    recorded_ns: dict[After, int] = {START: 0}
    for connection in range(load.connections):
        name = f"c{connection + 1}"
        opens_ns = connection * OPEN_EVERY_NS
        opened, before = After(Kind.OPEN, name), After(Kind.OPEN, f"c{connection}")
        recorded_ns[opened] = opens_ns
        follows = (before, OPEN_EVERY_NS) if connection else (START, 0)
        steps = [Step(name, 0, Open("ws://127.0.0.1/", ()), opens_ns, *follows)]
        after, came_ns = opened, opens_ns
        for number in load.of_connection(connection):
            at_ns = load.offset_ns(number)
            action = Send((Fragment(payload(number)),), is_text=True)
            needs = (after,) if after.kind is Kind.MESSAGE and pace is not Pace.RECORDED else ()
            step = Step(name, len(steps), action, at_ns, after, at_ns - came_ns, needs=needs)
            steps.append(step)
            after, came_ns = After(Kind.MESSAGE, name, step.index), at_ns
            recorded_ns[after] = came_ns
        end_ns = load.offset_ns(load.sends) + LINGER_NS
        last = After(Kind.STEP, name, len(steps) - 1)
        recorded_ns[last] = came_ns
        end = Step(name, len(steps), End(Ending.CLOSE, 1000), end_ns, last, end_ns - came_ns)
        connections[name] = (*steps, end)
    return Plan(connections, secrets={}, recorded_ns=recorded_ns, pace=pace)

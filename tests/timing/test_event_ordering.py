"""The plan's timing family: events come in the order and at the distance of their making."""

import asyncio
import itertools
from datetime import datetime

import pytest

from local_staging.chat_backend.agent import TOOL_S
from local_staging.chat_backend.builds import Build
from local_staging.model_service.app import CHUNK_S, FIRST_CHUNK_S
from tests.staging.chat_client import FIVE, ChatClient, Fields, types_of
from tests.staging.staged import Staged
from tests.staging.timing import shortest_ms

BACK_S = 5.0
# Timestamps are whole milliseconds, and a timer may fire one early.
SLACK_MS = 2.0
# What the product itself may take between two events, beside the model and the tool.
OWN_MS = 15.0


def gaps_ms(events: list[Fields]) -> list[float]:
    """Return how long after the one before each event was made."""
    made = [datetime.fromisoformat(event["timestamp"]) for event in events]
    return [(b - a).total_seconds() * 1e3 for a, b in itertools.pairwise(made)]


@pytest.mark.guards(5, "TimeoutError", server_says="Failed to send agent_completed")
async def test_order_and_distance_to_the_millisecond(build: Build, staged: Staged) -> None:
    # The model's first piece names the tool, others say what it is given; then the tool works; then
    # the model speaks in pieces.
    least_s = (FIRST_CHUNK_S, CHUNK_S, TOOL_S, FIRST_CHUNK_S + CHUNK_S)
    least_ms = [each_s * 1e3 - SLACK_MS for each_s in least_s]
    with staged.running(build) as staging:
        client = await ChatClient.ready(staging)

        async def later_ms() -> float:
            """How much later than it has to, at most, an event comes after the one before it."""
            events = await client.ask("6 * 7")
            assert types_of(events) == FIVE
            late_ms = [gap - least for gap, least in zip(gaps_ms(events), least_ms, strict=True)]
            assert min(late_ms) >= 0
            # The model begins, and the tool works. In how many pieces the model speaks before the
            # other two is up to the model.
            return max(late_ms[0], late_ms[2])

        assert await shortest_ms(later_ms, OWN_MS) < OWN_MS
        await client.say(type="chat", text="wait 0.2 s")
        begun = await client.receive_until("agent_thinking")
        client.vanish()
        await asyncio.sleep(1)
        again = await ChatClient.ready(staging)
        await again.say(type="connection_ack")
        rest = await again.receive_until("agent_completed", BACK_S)
        by_sequence = {event["sequence"]: event for event in (*begun, *rest)}
        run = [by_sequence[sequence] for sequence in sorted(by_sequence)]
        assert types_of(run) == FIVE
        # They were made when they were due, though they were heard later.
        least_ms[2] += 200
        assert all(gap >= least for gap, least in zip(gaps_ms(run), least_ms, strict=True))
        await again.leave()

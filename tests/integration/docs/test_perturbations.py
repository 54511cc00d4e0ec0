"""The pictures of the page of perturbations show what happens, on real sockets."""

import asyncio

import pytest

from docs.perturbations.page import Section
from docs.perturbations.play import played
from docs.perturbations.store import ANSWERS_AFTER_S
from docs.perturbations.timeline import Timeline
from replay.perturbations import perturbed
from replay.plan import Plan
from tests.unit.docs.perturbations.sessions import BEFORE, PLAN, SECTIONS, shown

# A machine that has other things to do gets several tries, not a wider tolerance: what the example
# edits change is more than this.
TOLERANCE_MS = 30.0
MOST_TRIES = 10


async def departures(plan: Plan, record: Timeline) -> list[str]:
    """What differs between a run on record and one played now, in the best of some tries."""
    least: list[str] | None = None
    for _ in range(MOST_TRIES):
        found = record.departures(await played(plan, most_runs=1), TOLERANCE_MS)
        if least is None or len(found) < len(least):
            least = found
        if not least:
            break
        await asyncio.sleep(0.5)
    return least or []


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
async def test_a_picture_shows_what_its_edit_does_now(section: Section) -> None:
    plan = perturbed(PLAN, section.edits)
    assert await departures(plan, shown(section)[1]) == []


async def test_the_unperturbed_run_is_what_happens_without_an_edit() -> None:
    assert await departures(PLAN, BEFORE) == []


async def test_the_example_server_answers_after_its_time() -> None:
    seen = await played(PLAN, most_runs=1)
    asked = next(mark for mark in seen.marks if mark.place == ("c1", 1))
    answered = next(mark for mark in seen.marks if mark.called == "type=welcome")
    assert answered.begins_ms - asked.at_ms >= ANSWERS_AFTER_S * 1e3 - 0.2

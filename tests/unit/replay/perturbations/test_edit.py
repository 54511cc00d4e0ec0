"""What every kind has in common: it shrinks to what is simpler, and changes no plan but its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from replay.errors import PlanError
from replay.perturbations import Delay, Perturbation, from_json, perturbed
from replay.perturbations.edit import SMALLEST_NS, halves
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN
from tests.unit.replay.test_fields_json import EXAMPLES

EDITS = [from_json(edit) for edit in EXAMPLES]


def descent(edit: Perturbation) -> Iterator[Perturbation]:
    """Shrink on and on, to the candidate after a quarter of them."""
    while candidates := list(edit.shrinks(PLAN)):
        edit = candidates[len(candidates) // 4]
        yield edit


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_what_it_shrinks_to_is_another_edit_of_the_kind_that_applies(edit: Perturbation) -> None:
    for gentler in edit.shrinks(PLAN):
        assert type(gentler) is type(edit)
        assert gentler != edit
        gentler.apply(PLAN)
        assert from_json(gentler.to_json()) == gentler


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_shrinking_ends(edit: Perturbation) -> None:
    assert sum(1 for _ in descent(edit)) < 200


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_the_original_plan_stays(edit: Perturbation) -> None:
    before = tuple(PLAN.steps())
    edit.apply(PLAN)
    assert tuple(PLAN.steps()) == before


@pytest.mark.parametrize("edit", [e for e in EDITS if e.varied], ids=lambda edit: edit.name)
def test_the_varied_value_can_be_set(edit: Perturbation) -> None:
    changed = edit.with_value(7 * MS)
    assert changed.value_ns == 7 * MS
    assert changed.anchor == edit.anchor != ""
    assert changed.with_value(9 * MS) == edit.with_value(9 * MS)


def test_halves_come_ever_closer_to_the_value() -> None:
    values = list(halves(80 * MS, 0))
    assert values[:3] == [0, 40 * MS, 60 * MS]
    assert values == sorted(values)
    assert 80 * MS - values[-1] < 4 * SMALLEST_NS
    assert list(halves(5, 5)) == []


def test_an_edit_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(PlanError, match="no connection 'c9', only c1, c2"):
        perturbed(PLAN, [Delay("c9", 1, 5)])
    with pytest.raises(PlanError, match="c1 has steps 0 to 5, there is no 6"):
        perturbed(PLAN, [Delay("c1", 6, 5)])

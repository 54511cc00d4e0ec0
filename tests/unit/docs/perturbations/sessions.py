"""The page, and the example session that it plays."""

from __future__ import annotations

from capture.format.reader import read_capture
from docs.perturbations.change import Change
from docs.perturbations.page import PAGE, SESSION, UNPERTURBED, Section, sections
from docs.perturbations.timeline import Timeline
from replay.perturbations import from_json, perturbed
from replay.planning import plan_from_capture
from tests.test_layout import ROOT

PLAN = plan_from_capture(read_capture(ROOT / SESSION))
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
SECTIONS = sections(TEXT)
BEFORE = Timeline.from_json((ROOT / UNPERTURBED).read_text(encoding="utf-8"))


def change_of(*edits: dict[str, object]) -> Change:
    """Return the example's plan before and after some edits."""
    return Change(PLAN, perturbed(PLAN, map(from_json, edits)))


def shown(section: Section) -> tuple[Change, Timeline]:
    """Return what the picture of a section was made from."""
    record = (ROOT / section.record).read_text(encoding="utf-8")
    return Change(PLAN, perturbed(PLAN, section.edits)), Timeline.from_json(record)

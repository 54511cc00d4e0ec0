"""The page says what the code does."""

import json
import re
from dataclasses import MISSING, Field, fields
from typing import Any

import pytest

from docs.perturbations.page import Section, sections
from docs.perturbations.picture import picture
from replay.conditions import Owed
from replay.perturbations import KINDS, from_json
from tests.test_layout import ROOT
from tests.unit.docs.perturbations.sessions import BEFORE, PLAN, SECTIONS, TEXT, shown

PARTS = [each.name for each in fields(Owed) if each.name != "like"]
NAMES = [kind.name for kind in KINDS]
UNITS = {
    "_ms": "ms",
    "_bytes": "bytes",
    "bytes_per_s": "bytes/s",
    "after": "event",
    "steps": "steps",
}

of_each = pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)


def codes_after(section: Section, words: str) -> list[str]:
    """Return what stands in backticks in the paragraph that begins so."""
    begins = section.text.index(f"\n{words}")
    return re.findall(r"`([^`]+)`", section.text[begins + 1 :].partition("\n\n")[0])


def json_name(each: Field[Any]) -> str:
    return each.name.removesuffix("_ns") + "_ms" if each.name.endswith("_ns") else each.name


def default_of(each: Field[Any]) -> str:
    if each.default is MISSING:
        return "needed"
    is_time = each.name.endswith("_ns") and each.default is not None
    return f"`{json.dumps(each.default / 1e6 if is_time else each.default)}`"


def unit_of(name: str) -> str:
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


def test_every_kind_is_there_and_nothing_else() -> None:
    assert sorted(SECTIONS) == sorted(NAMES)


def test_the_table_leads_to_every_kind() -> None:
    contents = TEXT.partition("\n## ")[0]
    assert re.findall(r"\[`(\w+)`\]\(#\1\)", contents) == list(SECTIONS)


@of_each
def test_its_picture_is_shown_and_is_made_from_its_example(section: Section) -> None:
    assert f"](perturbations/{section.name}.svg)" in section.text
    change, after = shown(section)
    drawn = picture(section.name, change, BEFORE, after)
    stale = "make docs"
    assert (ROOT / section.picture).read_text(encoding="utf-8") == drawn, stale


@of_each
def test_its_picture_does_not_look_as_if_the_edit_did_nothing(section: Section) -> None:
    assert BEFORE.departures(shown(section)[1], tolerance_ms=30)


@of_each
def test_its_json_is_a_plan_of_this_kind(section: Section) -> None:
    for plan in section.plans:
        assert list(plan) == ["edits"]
        edits = [from_json(edit) for edit in plan["edits"]]
        assert {edit.name for edit in edits} == {section.name}
        for edit in edits:
            edit.apply(PLAN)


@of_each
def test_its_fields_are_those_of_the_code(section: Section) -> None:
    (kind,) = (kind for kind in KINDS if kind.name == section.name)
    of_code = {json_name(each): each for each in fields(kind)}  # type: ignore[arg-type]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\| (.*) \|.*\|$", section.text, re.MULTILINE)
    told = {name: (default, unit) for name, unit, default in rows}
    assert told == {name: (default_of(each), unit_of(name)) for name, each in of_code.items()}


@of_each
def test_what_is_owed_less_is_what_the_oracle_is_told(section: Section) -> None:
    owed = shown(section)[0].after.owed.values()
    less = {part for each in owed for part in PARTS if not getattr(each, part)}
    assert set(codes_after(section, "Owed less:")) == less
    assert bool(less) != ("Owed less: nothing." in section.text)


@of_each
def test_its_gentlest_version_is_the_one_that_is_told(section: Section) -> None:
    (edit,) = section.edits
    gentlest = next(iter(edit.shrinks(PLAN)), edit)
    was, now = edit.to_json(), gentlest.to_json()
    changed = {name: now.get(name, 0.0) for name in was | now if was.get(name) != now.get(name)}
    told = json.loads("{" + ",".join(codes_after(section, "Shrinks to:")) + "}")
    assert told == changed


def test_sections_end_with_the_next_heading() -> None:
    found = sections("## A\n### one\nfirst\n## B\nbetween\n### two\nsecond\n")
    assert {name: section.text for name, section in found.items()} == {
        "one": "\nfirst\n",
        "two": "\nsecond\n",
    }


def test_a_section_is_read() -> None:
    edit = {"perturbation": "reset", "connection": "c1", "step": 2}
    section = Section("reset", f"\n```json\n{json.dumps({'edits': [edit]})}\n```\n")
    assert [edit.name for edit in section.edits] == ["reset"]
    assert section.picture.name == "reset.svg"
    assert section.record.name == "reset.json"

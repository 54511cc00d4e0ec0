"""Makes the pictures of docs/perturbations.md: `python -m docs.perturbations [KIND …]`.

Each example of the page is played to the example server, and drawn. A run that is on record and
still agrees with what was played stays as it is, so that nothing changes without a reason.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from capture.format.reader import read_capture
from docs.perturbations.change import Change
from docs.perturbations.legend import legend
from docs.perturbations.page import FOLDER, PAGE, SESSION, UNPERTURBED, Section, sections
from docs.perturbations.picture import picture
from docs.perturbations.play import played
from docs.perturbations.timeline import Timeline
from replay.perturbations import perturbed
from replay.plan import Plan
from replay.planning import plan_from_capture

TOLERANCE_MS = 15.0
"""What the machine may add to a time."""


async def main() -> None:
    """Play, record and draw."""
    parser = argparse.ArgumentParser(prog="python -m docs.perturbations")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="all unless some are named")
    parser.add_argument("--anew", action="store_true", help="record every run anew")
    options = parser.parse_args()
    plan = plan_from_capture(read_capture(SESSION))
    if options.kinds and UNPERTURBED.exists():
        # All pictures show this run: it is not replaced for some of them alone.
        before = _read(UNPERTURBED)
    else:
        before = await _recorded(plan, UNPERTURBED, options.anew)
    _write(FOLDER / "legend.svg", legend())
    for section in sections(PAGE.read_text(encoding="utf-8")).values():
        if not options.kinds or section.name in options.kinds:
            await _drawn(section, plan, before, options.anew)


async def _drawn(section: Section, plan: Plan, before: Timeline, anew: bool) -> None:
    changed = perturbed(plan, section.edits)
    after = await _recorded(changed, section.record, anew)
    _write(section.picture, picture(section.name, Change(plan, changed), before, after))


async def _recorded(plan: Plan, record: Path, anew: bool) -> Timeline:
    """Return the run on record, if one played now is like it; else that one."""
    seen = await played(plan)
    if record.exists() and not anew:
        known = _read(record)
        if not known.departures(seen, TOLERANCE_MS):
            return known
    _write(record, seen.to_json())
    return seen


def _read(record: Path) -> Timeline:
    return Timeline.from_json(record.read_text(encoding="utf-8"))


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    asyncio.run(main())

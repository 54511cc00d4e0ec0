"""Reads docs/perturbations.md: what the page says of a kind is what its picture is made from."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replay.perturbations import Perturbation, from_json

PAGE = Path("docs/perturbations.md")
FOLDER = Path("docs/perturbations")
SESSION = FOLDER / "session.capture.jsonl"
UNPERTURBED = FOLDER / "unperturbed.json"

_HEADING = re.compile(r"^### (\w+)$", re.MULTILINE)
_NEXT_HEADING = re.compile(r"^##+ ", re.MULTILINE)
_JSON = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Section:
    """What the page says of one kind."""

    name: str
    text: str

    @property
    def plans(self) -> tuple[Any, ...]:
        """The plans to write by hand; the first is what the picture shows."""
        return tuple(json.loads(block) for block in _JSON.findall(self.text))

    @property
    def edits(self) -> tuple[Perturbation, ...]:
        """The edits of the picture. Raises PlanError."""
        return tuple(from_json(edit) for edit in self.plans[0]["edits"])

    @property
    def picture(self) -> Path:
        """Where its picture is."""
        return FOLDER / f"{self.name}.svg"

    @property
    def record(self) -> Path:
        """Where the run is that its picture shows."""
        return FOLDER / f"{self.name}.json"


def sections(page: str) -> dict[str, Section]:
    """Return the sections of the page by the kinds that they are about."""
    found = {}
    for heading in _HEADING.finditer(page):
        following = _NEXT_HEADING.search(page, heading.end())
        end = len(page) if following is None else following.start()
        found[heading[1]] = Section(heading[1], page[heading.end() : end])
    return found

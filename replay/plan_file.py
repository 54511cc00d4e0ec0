"""Edits in a file: a plan that was written by hand, or the finding of a hunt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from replay.errors import PlanError
from replay.perturbations import Perturbation, from_json


def read_edits(path: Path) -> tuple[Perturbation, ...]:
    """Return the perturbations of a plan or finding file. Raises PlanError."""
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise PlanError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise PlanError(f"{path} is no JSON: {error}") from error
    edits = _edits_in(content)
    if edits is None:
        raise PlanError(f'{path} has no "edits", expected a plan or a finding that has')
    return tuple(from_json(edit) for edit in edits)


def _edits_in(content: Any) -> list[Mapping[str, Any]] | None:  # noqa: ANN401  any JSON
    if not isinstance(content, dict):
        return None
    finding = content.get("finding")
    edits = finding.get("edits") if isinstance(finding, dict) else content.get("edits")
    return edits if isinstance(edits, list) and all(isinstance(e, dict) for e in edits) else None

"""Which captures and findings of a test tree no collected test uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

PATTERNS = ("*.capture.jsonl", "*.finding.json")


def located(name: str | Path, bases: Sequence[Path]) -> Path:
    """Return the file of that name beside the first base that has it; else beside the first."""
    candidates = [(base / name).resolve() for base in bases]
    return next((path for path in candidates if path.exists()), candidates[0])


def named_by(arguments: Sequence[Any], options: Mapping[str, Any]) -> list[str | Path]:
    """Return the files that a mark with these arguments names, however wrong the rest of it is."""
    named = [*arguments[:1], options.get("capture"), options.get("finding")]
    return [name for name in named if isinstance(name, str | Path)]


def unused(used: Iterable[Path], folders: Sequence[Path]) -> tuple[list[Path], int]:
    """Return the files that nothing uses, and how many there are in all.

    Without folders, those count that hold a file in use.
    """
    in_use = set(used)
    looked_in = [folder.resolve() for folder in folders] or [path.parent for path in in_use]
    present = {
        path for folder in looked_in for pattern in PATTERNS for path in folder.rglob(pattern)
    }
    return sorted(present - in_use), len(present)

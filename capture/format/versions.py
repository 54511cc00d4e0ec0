"""Reading files of earlier versions: one function a step, each raising a line by one version.

`MIGRATIONS[n]` takes a decoded line (a dict) of version n and returns the same line of n + 1.
Version 1 is the first, so there is no step yet; `data/golden/` keeps a file of every version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from capture.format.model import VERSION

Migration = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: dict[int, Migration] = {}


def migrate(line: dict[str, Any], version: int) -> dict[str, Any]:
    """Return a decoded line of an earlier `version` as a line of the current one."""
    for step in range(version, VERSION):
        line = MIGRATIONS[step](line)
    return line

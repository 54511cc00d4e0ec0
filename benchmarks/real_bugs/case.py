"""What a case is: a server that shows a bug of a package, and the builds that have it or not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

HERE = Path(__file__).parent
SERVERS = HERE / "servers"
PLANS = HERE / "plans"

Client = Callable[[str], Awaitable[None]]
"""Plays a healthy session at a URL."""


class Runtime(StrEnum):
    """What the server runs on, and so where its packages come from."""

    PYTHON = "python"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Build:
    """One set of pinned packages, and how the server is started on it.

    `arguments` may hold {port}. `has_bug` is what is known beforehand.
    """

    name: str
    has_bug: bool
    packages: tuple[str, ...]
    arguments: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A bug: its builds, the client whose session is recorded, and how the bug shows.

    `symptom` is a regular expression for what a hunt has to report of it. The plan of the same name
    is known to show it, and `sign` matches the line of the server's log or of `deadheat show` then.
    """

    name: str
    package: str
    about: str
    client: Client
    symptom: str
    sign: str
    builds: tuple[Build, ...]
    runtime: Runtime = Runtime.PYTHON
    # None is the hunt's own; another number needs a reason in `about`.
    budget: int | None = None
    path: str = "/"

    @property
    def known_plan(self) -> Path:
        """The plan that shows the bug at once."""
        return PLANS / f"{self.name}.json"

"""Searches by ask and tell: they propose perturbations and hear verdicts, and see no engine.

So the same search drives live runs, virtual runs and many machines, and is tested with a function.
"""

from __future__ import annotations

from typing import Protocol

from replay.oracles.verdict import Verdict
from replay.perturbations import Perturbation

Edits = tuple[Perturbation, ...]


class Search(Protocol):
    """Proposes what to try next."""

    def ask(self) -> Edits | None:
        """Return the next edits to try, or None when there is nothing more to ask."""

    def tell(self, edits: Edits, verdict: Verdict) -> None:
        """Hear what a run with these edits came to."""

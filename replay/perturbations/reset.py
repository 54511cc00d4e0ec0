"""Tear a connection down without a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from replay.perturbations.cut import Cut
from replay.plan import Ending


@dataclass(frozen=True, slots=True)
class Reset(Cut):
    """Reset TCP in place of `step`: no Close frame, and what was not delivered is lost."""

    name: ClassVar[str] = "reset"
    ending: ClassVar[Ending] = Ending.RESET
    discards_unread: ClassVar[bool] = True

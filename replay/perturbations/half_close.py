"""Stop talking, and listen on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from replay.perturbations.cut import Cut
from replay.plan import Ending


@dataclass(frozen=True, slots=True)
class HalfClose(Cut):
    """Send FIN in place of `step` and go on reading, as a client does whose sending side died."""

    name: ClassVar[str] = "half_close"
    ending: ClassVar[Ending] = Ending.HALF_CLOSE

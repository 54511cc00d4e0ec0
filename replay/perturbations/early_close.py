"""Leave before the time: with a Close frame, or with the end of TCP alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from replay.perturbations.cut import Cut
from replay.plan import End, Ending

SENDABLE = frozenset(range(1000, 5000)) - {1004, 1005, 1006, 1015}


@dataclass(frozen=True, slots=True)
class EarlyClose(Cut):
    """Close with `code` in place of `step`; with None TCP ends (FIN) without a Close frame."""

    name: ClassVar[str] = "early_close"
    ending: ClassVar[Ending] = Ending.CLOSE

    code: int | None = 1000

    def __post_init__(self) -> None:
        Cut.__post_init__(self)
        known = self.code is None or self.code in SENDABLE
        self.expect(known, "a close code that may be sent, such as 1000, or none")

    @property
    def end(self) -> End:
        """How the connection ends."""
        return End(Ending.FIN) if self.code is None else End(self.ending, self.code)

"""What a program in this process logs while a run goes on."""

from __future__ import annotations

import logging
from types import TracebackType

FORMAT = logging.Formatter("%(levelname)s %(name)s %(message)s")


class ProgramLog(logging.Handler):
    """Keeps what every logger says, as lines, while this is entered and listens."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(FORMAT)
        self.is_listening = True
        self._lines: list[str] = []

    def __enter__(self) -> ProgramLog:
        self.is_listening = True
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, traceback and all."""
        if self.is_listening:
            self._lines += self.format(record).splitlines()

    @property
    def lines(self) -> tuple[str, ...]:
        """What was said since it was last asked for, which this does not do."""
        return tuple(self._lines)

    def skip(self) -> None:
        """Pass over everything said so far."""
        self._lines.clear()

    def new_lines(self) -> list[str]:
        """Return what was said since the last call."""
        lines, self._lines = self._lines, []
        return lines

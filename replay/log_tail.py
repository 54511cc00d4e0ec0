"""The lines that a server adds to its log while a run goes on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from capture.redaction import Redactor
from replay.errors import ReplayError


class ServerLog(Protocol):
    """What a server says while a run goes on."""

    def skip(self) -> None:
        """Pass over everything said so far."""

    def new_lines(self) -> list[str]:
        """Return the lines added since the last call."""


@dataclass(slots=True)
class LogTail:
    """Reads a growing file; raises ReplayError when it cannot be read."""

    path: Path
    _offset: int = 0

    def __post_init__(self) -> None:
        self.skip()

    def skip(self) -> None:
        """Pass over everything written so far."""
        with self._opened() as file:
            self._offset = file.seek(0, os.SEEK_END)

    def new_lines(self) -> list[str]:
        """Return the whole lines added since the last call; a half-written one waits."""
        with self._opened() as file:
            if file.seek(0, os.SEEK_END) < self._offset:
                # The log was rotated: it starts anew.
                self._offset = 0
            file.seek(self._offset)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.decode("utf-8", "replace").splitlines()

    def _opened(self) -> IO[bytes]:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise ReplayError(f"cannot read the log {self.path}: {error.strerror}") from error


def without_secrets(lines: Iterable[str], redactor: Redactor) -> tuple[str, ...]:
    """Return lines of a log with placeholders for their secrets."""
    return tuple(redactor.text(line, where="log")[0] for line in lines)

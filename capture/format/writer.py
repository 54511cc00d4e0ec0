"""Events to lines, appended as they happen; what was flushed survives the recorder's death."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import msgspec

from capture.errors import UnwritableOutput
from capture.format.model import End, Event, Header

FLUSH_EVERY_NS = 50_000_000
"""Half of the 100 ms that a killed recorder may lose."""


class CaptureWriter:
    """Appends events to a new file; `end` (or leaving the context without error) ends it well.

    The owner calls `flush` at least every FLUSH_EVERY_NS. With `overwrite` a file that is there is
    put aside until the new one ends: an abandoned one gives it back. Raises UnwritableOutput.
    """

    def __init__(self, path: Path, header: Header, *, overwrite: bool = False) -> None:
        self.path = path
        self.header = header
        self.events = 0
        self._last_at_ns = 0
        self._encoder = msgspec.json.Encoder()
        self._pending = bytearray()
        self._replaced = _put_aside(path, overwrite=overwrite)
        self._descriptor = _create(path, self._replaced)
        self._append(header)
        try:
            self.flush()
        except UnwritableOutput:
            self.abandon()
            raise

    def write(self, event: Event) -> None:
        """Append one event; it reaches the file with the next flush."""
        self._append(event)
        self.events += 1
        self._last_at_ns = event.at_ns

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        pending = memoryview(bytes(self._pending))
        self._pending.clear()
        while pending:
            try:
                pending = pending[os.write(self._descriptor, pending) :]
            except OSError as error:
                # What could not be written stays pending, so that nothing is lost between retries.
                self._pending[:0] = pending
                raise UnwritableOutput(f"cannot write {self.path}: {error.strerror}") from error

    def end(self) -> None:
        """Write the last line and close the file."""
        self._append(End(at_ns=self._last_at_ns, events=self.events))
        try:
            self.flush()
        finally:
            os.close(self._descriptor)
        if self._replaced is not None:
            self._replaced.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Close and remove the file, for a recording that never began."""
        os.close(self._descriptor)
        # Not everything that can be written to is ours to remove: /dev/null is not.
        if self.path.is_file():
            self.path.unlink()
        _give_back(self._replaced, self.path)

    def __enter__(self) -> CaptureWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.end()
        else:
            try:
                self.flush()
            finally:
                os.close(self._descriptor)

    def _append(self, line: Header | Event | End) -> None:
        # Not encode_into: a line that cannot be encoded would leave its first half behind.
        self._pending += self._encoder.encode(line)
        self._pending += b"\n"


def _put_aside(path: Path, *, overwrite: bool) -> Path | None:
    """Rename what is in the way; return where it is now."""
    try:
        if not path.is_file() or path.stat().st_size == 0:
            return None
        if not overwrite:
            raise UnwritableOutput(
                f"{path} exists and is not empty: name another file, or pass --overwrite"
            )
        return path.replace(path.with_name(f"{path.name}.replaced"))
    except OSError as error:
        raise UnwritableOutput(f"cannot write {path}: {error.strerror}") from error


def _create(path: Path, replaced: Path | None) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        _give_back(replaced, path)
        raise UnwritableOutput(f"cannot write {path}: {error.strerror}") from error


def _give_back(replaced: Path | None, path: Path) -> None:
    if replaced is not None:
        replaced.replace(path)

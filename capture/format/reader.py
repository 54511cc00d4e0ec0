"""Lines to events, lazily; a file that its recorder could not finish is read as far as it goes."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import IO

import msgspec

from capture.errors import CaptureError, NewerVersion, NotACapture
from capture.format.model import FORMAT, VERSION, Capture, End, Event, Header, Line
from capture.format.versions import migrate

# The first line of a file that is no capture may be all of it.
MAX_HEADER_BYTES = 1 << 20

_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


class _Preamble(msgspec.Struct):
    """What every version's first line has."""

    event: str
    format: str
    version: int


def read_capture(path: Path) -> Capture:
    """Read a whole capture; events come in order of time.

    Raises NotACapture, NewerVersion or CaptureError with one clear line.
    """
    reader = CaptureReader(path)
    events = sorted(reader, key=attrgetter("at_ns"))
    return Capture(header=reader.header, events=tuple(events), problem=reader.problem)


class CaptureReader:
    """Iterates over the events of a file in the order they were written.

    `header` is there at once; `problem` is complete once the iteration ended.
    """

    header: Header

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        with _opened(path) as file:
            self._version = _version_of(file.readline(MAX_HEADER_BYTES), path)
            file.seek(0)
            first = self._line(file.readline(), 1)
        if not isinstance(first, Header):
            raise NotACapture(f"{path}:1: the first line is no capture header")
        self.header = first

    def __iter__(self) -> Iterator[Event]:
        with _opened(self.path) as file:
            file.readline()
            count = 0
            for number, raw in enumerate(file, start=2):
                if not raw.endswith(b"\n"):
                    self.problem = (
                        f"line {number} is cut off, its recorder was killed; "
                        f"the {count} events before it were read"
                    )
                    return
                line = self._line(raw, number)
                if isinstance(line, End):
                    self._check_end(line, count, has_more=file.read(1) != b"")
                    return
                if isinstance(line, Header):
                    raise NotACapture(f"{self.path}:{number}: a second capture header")
                count += 1
                yield line
            self.problem = (
                f"there is no end line, its recorder was killed or still runs; "
                f"the {count} events there were read"
            )

    def _check_end(self, end: End, count: int, *, has_more: bool) -> None:
        if has_more:
            self.problem = "there are lines after the end line, they were not read"
        elif end.events != count:
            self.problem = f"the end line counts {end.events} events, {count} were read"

    def _line(self, raw: bytes, number: int) -> Line:
        try:
            if self._version == VERSION:
                return _decoder.decode(raw)
            line: Line = msgspec.convert(migrate(msgspec.json.decode(raw), self._version), Line)
            return line
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise NotACapture(f"{self.path}:{number}: not a line of a capture: {error}") from error


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise CaptureError(f"cannot read {path}: {error.strerror}") from error


def _version_of(first_line: bytes, path: Path) -> int:
    hint = f'expected a first line with "format": "{FORMAT}"'
    try:
        preamble = msgspec.json.decode(first_line, type=_Preamble)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NotACapture(f"{path} is not a capture: {hint}") from None
    if preamble.format != FORMAT:
        raise NotACapture(f"{path} is not a capture: {hint}, found {preamble.format!r}")
    if preamble.version > VERSION:
        raise NewerVersion(
            f"{path} is a capture of version {preamble.version}, this Deadheat reads up to "
            f"version {VERSION}: install a newer Deadheat"
        )
    if preamble.version < 1:
        raise NotACapture(f"{path} has version {preamble.version}, expected 1 or more")
    return preamble.version

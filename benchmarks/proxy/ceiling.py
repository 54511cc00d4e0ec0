"""The most the recorder can take: frames a second, decoded, redacted and written, no socket."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.proxy.loads import chat_message, frame
from capture.format.model import FORMAT, VERSION, Direction, Header, Vantage
from capture.format.writer import CaptureWriter
from capture.proxy.copy_queue import MAX_UNWRITTEN_BYTES
from capture.recorder import Recorder
from capture.redaction import Redactor


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Frames of `size` bytes, `at_once` in a read, with or without the search for secrets."""

    size: int
    at_once: int
    redacts: bool


CEILINGS = (
    Ceiling(100, 1, True),
    Ceiling(100, 16, True),
    Ceiling(100, 16, False),
    Ceiling(15, 16, True),
    Ceiling(65_536, 1, True),
    Ceiling(65_536, 1, False),
)


def frames_per_s(folder: Path, ceiling: Ceiling, seconds: float) -> float:
    """Return the rate at which frames are recorded."""
    header = Header(
        format=FORMAT, version=VERSION, vantage=Vantage.EDGE, started_at="", recorder="benchmark"
    )
    out = folder / "ceiling.capture"
    text = chat_message(ceiling.size)
    from_client = frame(text, masked=True) * ceiling.at_once
    from_server = frame(text, masked=False) * ceiling.at_once
    with CaptureWriter(out, header) as writer:
        redactor = Redactor() if ceiling.redacts else None
        connection = Recorder(writer.write, redactor).connection("ws://benchmark")
        connection.joined_midway()
        reads, unwritten = 0, 0
        begin = time.perf_counter()
        while (elapsed := time.perf_counter() - begin) < seconds:
            connection.received(Direction.CLIENT_TO_SERVER, from_client, reads)
            connection.received(Direction.SERVER_TO_CLIENT, from_server, reads)
            reads += 2
            unwritten += len(from_client) + len(from_server)
            if unwritten > MAX_UNWRITTEN_BYTES:
                unwritten = 0
                writer.flush()
    out.unlink()
    return reads * ceiling.at_once / elapsed

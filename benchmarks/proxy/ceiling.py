"""The most the recorder can take: frames a second, decoded, redacted and written, no socket."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.proxy.loads import chat_message, frame
from capture.format.model import FORMAT, VERSION, Direction, Header, Vantage
from capture.format.writer import CaptureWriter
from capture.recorder import Recorder
from capture.redaction import Redactor


def frames_per_s(folder: Path, size: int, at_once: int, seconds: float) -> float:
    """Return the rate at which frames of `size` bytes are recorded, `at_once` in a read."""
    header = Header(
        format=FORMAT, version=VERSION, vantage=Vantage.EDGE, started_at="", recorder="benchmark"
    )
    out = folder / "ceiling.capture"
    text = chat_message(size)
    from_client = frame(text, masked=True) * at_once
    from_server = frame(text, masked=False) * at_once
    with CaptureWriter(out, header) as writer:
        connection = Recorder(writer.write, Redactor()).connection("ws://benchmark")
        connection.joined_midway()
        reads = 0
        begin = time.perf_counter()
        while (elapsed := time.perf_counter() - begin) < seconds:
            connection.received(Direction.CLIENT_TO_SERVER, from_client, reads)
            connection.received(Direction.SERVER_TO_CLIENT, from_server, reads)
            reads += 2
            if reads % 64 == 0:
                writer.flush()
    out.unlink()
    return reads * at_once / elapsed

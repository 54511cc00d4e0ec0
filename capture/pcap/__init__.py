"""Import of a packet file: tshark puts the bytes together, the recorder reads them like a proxy's.

Nothing is written before tshark is done with the file; what fails afterwards leaves no output.
"""

from __future__ import annotations

import heapq
import tempfile
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import IO

from capture.errors import CaptureError, NotACapture, UnwritableOutput
from capture.format.model import FORMAT, VERSION, Header, Vantage
from capture.format.writer import CaptureWriter
from capture.pcap.follow import Spool
from capture.pcap.stream_import import StreamImport
from capture.pcap.tcp_streams import Packets, read_packets
from capture.pcap.tshark import Tshark
from capture.recorder import Recorder
from capture.redaction import Redactor

__all__ = ["import_pcap"]

MAGICS = tuple(
    bytes.fromhex(magic)
    for magic in (
        *("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "34cdb2a1", "a1b2cd34"),  # pcap
        *("0a0d0d0a", "1f8b", "28b52ffd", "04224d18"),  # pcapng; gzip, zstd, lz4
    )
)
FLUSH_EVERY_MOMENTS = 1_000


def import_pcap(
    file: Path, out: Path, *, keep_secrets: bool = False, overwrite: bool = False
) -> int:
    """Write the WebSocket connections in a packet file to a capture; return its event count.

    Raises NotACapture, ToolMissing, UnwritableOutput or CaptureError with one clear line.
    """
    magic = _first_bytes(file)
    if out.exists() and out.samefile(file):
        raise UnwritableOutput(f"{out} is the packet file itself: name another --out")
    with Tshark(file) as tshark, tempfile.TemporaryFile() as followed:
        packets = read_packets(tshark.packets())
        if not packets.streams:
            raise NotACapture(_without_tcp(file, magic, tshark.problem))
        candidates = [stream for stream in packets.streams.values() if stream.may_be_websocket]
        tshark.follow([stream.number for stream in candidates], followed)
        writer = CaptureWriter(out, _header(file, packets, keep_secrets), overwrite=overwrite)
        try:
            recorder = Recorder(writer.write, None if keep_secrets else Redactor())
            if not _record(packets, followed, recorder, writer):
                raise NotACapture(_without_websocket(file, packets))
            if tshark.problem:
                text = f"{tshark.problem}; read up to there"
                recorder.note(packets.last_ns - packets.origin_ns, text)
            writer.flush()
        except BaseException:
            writer.abandon()
            raise
    writer.end()
    return writer.events


def _header(file: Path, packets: Packets, secrets_kept: bool) -> Header:
    return Header(
        format=FORMAT,
        version=VERSION,
        vantage=Vantage.WIRE,
        started_at=utc_text(packets.origin_ns),
        recorder="deadheat pcap",
        secrets_kept=secrets_kept,
        about={"file": file.name, "tcp_streams": str(len(packets.streams))},
    )


def utc_text(unix_ns: int) -> str:
    """Return a wall time in UTC, ISO 8601, with microseconds or, where it has them, nanoseconds."""
    seconds, fraction_ns = divmod(unix_ns, 1_000_000_000)
    digits = f"{fraction_ns:09}"
    if fraction_ns % 1_000 == 0:
        digits = digits[:6]
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{digits}Z"


def _record(
    packets: Packets, followed: IO[bytes], recorder: Recorder, writer: CaptureWriter
) -> bool:
    """Let what happened on all streams happen again; return whether one of them is WebSocket."""
    with Spool(followed) as spool:
        imports = [StreamImport(section, recorder) for section in spool.sections(packets)]
        # One order for all of them: a token seen on one is known when it comes on another.
        merged = heapq.merge(*(stream.due() for stream in imports), key=attrgetter("at_ns"))
        for count, due in enumerate(merged, start=1):
            due.stream.take(due.moment)
            if count % FLUSH_EVERY_MOMENTS == 0:
                writer.flush()
        for stream in imports:
            stream.finish()
    return any(stream.recorded for stream in imports)


def _first_bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            first = opened.read(4)
    except OSError as error:
        raise CaptureError(f"cannot read {file}: {error.strerror}") from error
    if not first:
        raise NotACapture(f"{file} is empty, expected a pcap or pcapng file")
    return first


def _without_tcp(file: Path, first_bytes: bytes, problem: str) -> str:
    if not first_bytes.startswith(MAGICS):
        return f"{file} is no packet file, expected pcap or pcapng (tcpdump -w FILE)"
    return f"{file} holds no TCP packets" + (f": {problem}" if problem else "")


def _without_websocket(file: Path, packets: Packets) -> str:
    streams = packets.streams.values()
    encrypted = sum(stream.looks_encrypted for stream in streams)
    text = f"{file} holds no WebSocket connection in {len(streams)} TCP streams"
    if encrypted:
        text += (
            f", {encrypted} of which look encrypted (TLS): "
            "record those with `deadheat capture proxy`, or behind the TLS end"
        )
    if any(stream.cut for stream in streams):
        text += "; its packets were captured only in part: capture whole ones (tcpdump -s 0)"
    return text

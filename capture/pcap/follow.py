"""tshark's follow output (yaml) to chunks: bytes of one side of a TCP stream, in order.

The output is regular and large, so it is read in place by a pattern that must fit without a gap;
a YAML library would take minutes. What follow says of lost bytes stands in it like data.
"""

from __future__ import annotations

import mmap
import re
from binascii import a2b_base64
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import IO, NamedTuple

from capture.errors import CaptureError
from capture.pcap.tcp_streams import Address, Packets, TcpStream, nanoseconds

Text = bytes | mmap.mmap

_SECTION = re.compile(
    rb"\s*peers:\n *- peer: 0\n *host: (?P<host0>\S*)\n *port: (?P<port0>\d+)\n"
    rb" *- peer: 1\n *host: (?P<host1>\S*)\n *port: (?P<port1>\d+)\n *packets:\n"
)
_CHUNK = re.compile(
    rb" *- packet: (?P<packet>\d+)\n *peer: (?P<peer>[01])\n(?: *index: \d+\n)?"
    rb" *timestamp: (?P<time>-?\d+\.\d+)\n *data: !!binary \|\n(?P<data>(?: +[A-Za-z0-9+/=]*\n)*)"
)
_NEXT_SECTION = b"\npeers:\n"
_MISSING = re.compile(rb"\[(\d+) bytes missing in capture file\]\0")
_NO_TIME = b"0.000000000"


class Chunk(NamedTuple):
    """Bytes that one side sent, or (without data) how many of them are missing in the file.

    `at_ns` is when they could be read: not before those that come before them.
    """

    at_ns: int
    sender: Address
    data: bytes
    missing_bytes: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One followed stream: where it stands in the text."""

    stream: TcpStream
    peers: tuple[Address, Address]
    packets: Packets
    text: Text
    start: int
    end: int

    def chunks(self) -> Iterator[Chunk]:
        """Yield its chunks in the order tshark put them. Raises CaptureError on other output."""
        last_ns = [0, 0]
        for match in _fitting(self.text, self.start, self.end):
            number, peer = int(match["packet"]), int(match["peer"])
            data, sender = a2b_base64(match["data"]), self.peers[peer]
            # No packet has this time; without asking for it, a payload with that text would count.
            missing = _MISSING.fullmatch(data) if match["time"] == _NO_TIME else None
            if missing:
                yield Chunk(last_ns[peer], sender, b"", int(missing[1]), "not in the packet file")
                continue
            at_ns = self.packets.since_origin_ns(number)
            if at_ns is None:
                at_ns = nanoseconds(match["time"]) - self.packets.origin_ns
            last_ns[peer] = max(last_ns[peer], at_ns)
            yield Chunk(last_ns[peer], sender, data)
            if number in self.stream.cut:
                cut_bytes = self.stream.cut[number]
                yield Chunk(last_ns[peer], sender, b"", cut_bytes, "the packet was not kept whole")


class Spool:
    """The output of follow in a file, read without loading it."""

    def __init__(self, file: IO[bytes]) -> None:
        file.seek(0, 2)
        # An empty file cannot be mapped.
        self._text: Text = (
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if file.tell() else b""
        )

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(self._text, mmap.mmap):
            self._text.close()

    def sections(self, packets: Packets) -> Iterator[Section]:
        """Yield what was followed; streams without data are left out."""
        return sections(self._text, packets)


def sections(text: Text, packets: Packets) -> Iterator[Section]:
    """Find the followed streams in the output of tshark, which prints them in no stated order."""
    of_packet = {
        sender.first_data_packet: stream
        for stream in packets.streams.values()
        for sender in stream.senders.values()
    }
    start = 0
    while start < len(text):
        head = _SECTION.match(text, start)
        if head is None:
            raise _not_understood(text, start)
        following = text.find(_NEXT_SECTION, head.end() - 1)
        end = len(text) if following < 0 else following + 1
        numbers = (int(match["packet"]) for match in _fitting(text, head.end(), end))
        stream = next((of_packet[number] for number in numbers if number in of_packet), None)
        if stream is not None:
            peers = _address(head, "0"), _address(head, "1")
            yield Section(stream, peers, packets, text, head.end(), end)
        start = end


def _fitting(text: Text, start: int, end: int) -> Iterator[re.Match[bytes]]:
    at = start
    while at < end:
        match = _CHUNK.match(text, at, end)
        if match is None:
            raise _not_understood(text, at)
        yield match
        at = match.end()


def _address(head: re.Match[bytes], peer: str) -> Address:
    return head["host" + peer].decode(), int(head["port" + peer])


def _not_understood(text: Text, at: int) -> CaptureError:
    return CaptureError(f"cannot understand what tshark printed: {bytes(text[at : at + 60])!r}")

"""What is sent: the messages, how many at a time, over how many connections."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

MASK = bytes.fromhex("5ca1ab1e")


def chat_message(size: int) -> str:
    """Return a JSON text of about `size` characters: what a chat sends, or a page of its past."""
    entry = {"type": "message", "id": 184467, "room": "general", "text": "see you at the finish"}
    if size < 20:
        return json.dumps({"type": "ack"})
    if size < 200:
        short = json.dumps(entry | {"text": ""})
        return json.dumps(entry | {"text": "see you at the finish line, "[: size - len(short)]})
    page = {"type": "history", "messages": [entry] * (size // (len(json.dumps(entry)) + 2) - 2)}
    missing = size - len(json.dumps(page | {"filler": ""}))
    return json.dumps(page | {"filler": "." * missing})


def frame(text: str, *, masked: bool) -> bytes:
    """Return the text as one WebSocket frame."""
    payload = text.encode()
    bit, length = 0x80 if masked else 0, len(payload)
    if length < 126:
        head = struct.pack("!BB", 0x81, bit | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", 0x81, bit | 126, length)
    else:
        head = struct.pack("!BBQ", 0x81, bit | 127, length)
    if not masked:
        return head + payload
    key = MASK * (length // 4 + 1)
    xored = int.from_bytes(payload, "big") ^ int.from_bytes(key[:length], "big")
    return head + MASK + xored.to_bytes(length, "big")


@dataclass(frozen=True, slots=True)
class Load:
    """One scenario. `ends` names the client and the server: lean, library or library-deflate."""

    name: str
    ends: str
    connections: int
    in_flight: int
    size: int

    @property
    def text(self) -> str:
        """The message."""
        return chat_message(self.size)

    @property
    def is_latency(self) -> bool:
        """Whether the time of a round trip is what counts, rather than how many."""
        return self.in_flight == 1


LOADS = (
    Load("ping-pong, 1 connection", "lean", 1, 1, 100),
    Load("ping-pong, 10 connections", "lean", 10, 1, 100),
    Load("small messages", "lean", 20, 16, 100),
    Load("large messages", "lean", 4, 4, 65_536),
    Load("flood of tiny messages", "lean", 20, 64, 15),
    Load("ping-pong, 1 connection", "library", 1, 1, 100),
    Load("ping-pong, 10 connections", "library", 10, 1, 100),
    Load("small messages", "library", 20, 16, 100),
    Load("large messages", "library", 4, 4, 65_536),
    Load("small messages", "library-deflate", 20, 16, 100),
)

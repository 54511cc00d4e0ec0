"""Frames to messages: what an application sees, its fragments joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from capture.format.model import Direction, Event, Frame, Gap

DATA_OPCODES = ("text", "binary", "continuation")


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message; `index` counts from 1 per connection and direction."""

    connection: str
    direction: Direction
    index: int
    frames: tuple[Frame, ...]

    @property
    def begun_at_ns(self) -> int:
        """When its first byte came."""
        return self.frames[0].first_byte_at_ns

    @property
    def at_ns(self) -> int:
        """When its last byte came."""
        return self.frames[-1].at_ns

    @property
    def is_text(self) -> bool:
        """Whether it was sent as text."""
        return self.frames[0].opcode == "text"

    @property
    def payload(self) -> bytes:
        """Its bytes, fragments joined."""
        return b"".join(frame.payload for frame in self.frames)

    @property
    def text(self) -> str:
        """Its text; bytes that are no UTF-8 are replaced."""
        return self.payload.decode("utf-8", "replace")


def messages(events: Iterable[Event]) -> Iterator[Message]:
    """Yield the complete messages, in order of their last byte.

    Invalid frames are passed over; what was unfinished before a gap is not joined across it.
    """
    open_frames: dict[tuple[str, Direction], list[Frame]] = {}
    counts: dict[tuple[str, Direction], int] = {}
    for event in events:
        if isinstance(event, Gap):
            open_frames.pop((event.connection, event.direction), None)
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES or event.invalid:
            continue
        stream = (event.connection, event.direction)
        frames = open_frames.setdefault(stream, [])
        frames.append(event)
        if event.fin:
            counts[stream] = counts.get(stream, 0) + 1
            yield Message(*stream, counts[stream], tuple(frames))
            frames.clear()

"""One direction of a proxied connection: bytes in, bytes out and when. It reads no clock.

Faults come and go while it runs. Whatever they do, bytes keep their order, and none is added or
lost unless the fault is that the connection ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from replay.fault_proxy.fault import NEVER, Item, Stage, Timed


@dataclass(slots=True)
class _Section:
    """A stage, and what it holds until it is due.

    What came is asked for its next piece only when the one before has gone, so a chunk that goes on
    byte by byte takes no more room than the chunk.
    """

    key: str
    stage: Stage
    held_bytes: int = 0
    has_acted: bool = False
    _head: Timed | None = None
    _last_ns: int = 0
    _taken: Timed = (b"", 0)
    _pieces: Iterator[Timed] = field(default_factory=lambda: iter(()))
    _waiting: deque[Timed] = field(default_factory=deque)

    def take(self, item: Item, at_ns: int) -> None:
        self._waiting.append((item, at_ns))
        self.held_bytes += _size(item)

    def head(self) -> Timed | None:
        """Return what is next, and when it is due."""
        while self._head is None:
            piece = next(self._pieces, None)
            if piece is not None:
                self.has_acted = self.has_acted or piece != self._taken
                # Whatever a stage draws, nothing overtakes.
                self._last_ns = max(self._last_ns, piece[1])
                self._head = piece[0], self._last_ns
            elif self._waiting:
                item, at_ns = self._taken = self._waiting.popleft()
                if isinstance(item, bytes):
                    self._pieces = iter(self.stage.data(item, at_ns))
                else:
                    self._pieces = iter(self.stage.end(item, at_ns))
            else:
                break
        return self._head

    def due(self, now_ns: int) -> list[Timed]:
        passed = []
        while (head := self.head()) is not None and head[1] <= now_ns:
            passed.append(head)
            self.held_bytes -= _size(head[0])
            self._head = None
        return passed

    def released(self, now_ns: int) -> list[Timed]:
        """Return all that is held, as it came: in no more pieces than that."""
        rest = [self._head, *self._pieces] if self._head is not None else []
        data = b"".join(item for item, _ in rest if isinstance(item, bytes))
        ends = [item for item, _ in rest if not isinstance(item, bytes)]
        items = [data, *ends] if data else ends
        return [(item, now_ns) for item in (*items, *(item for item, _ in self._waiting))]


class Pipe:
    """The stages of the faults on one direction, in the order in which they came.

    Times must not go back from one call to the next.
    """

    def __init__(self) -> None:
        self._line: list[_Section] = []
        self._said: set[str] = set()

    @property
    def is_clear(self) -> bool:
        """Whether there is no fault."""
        return not self._line

    @property
    def held_bytes(self) -> int:
        """How much has come in and not gone out."""
        return sum(section.held_bytes for section in self._line)

    @property
    def next_ns(self) -> int | None:
        """When `advance` has something to do; None is not by time."""
        heads = [head for section in self._line if (head := section.head()) is not None]
        first_ns = min((due_ns for _, due_ns in heads), default=NEVER)
        return None if first_ns >= NEVER else first_ns

    def put(self, item: Item, now_ns: int) -> list[Item]:
        """Take what came; return what goes out now."""
        return self._flow(self._line, [(item, now_ns)], now_ns)

    def advance(self, now_ns: int) -> list[Item]:
        """Return what goes out by now."""
        return self._flow(self._line, [], now_ns)

    def apply(self, key: str, stage: Stage, now_ns: int) -> list[Item]:
        """Put a stage on, in place of one of the same key; return what goes out now."""
        released = self.lift(key, now_ns)
        self._line.append(_Section(key, stage))
        return released

    def lift(self, key: str, now_ns: int) -> list[Item]:
        """Take a stage off; return what goes out now that it holds nothing any more."""
        for index, section in enumerate(self._line):
            if section.key == key:
                self._said.discard(key)
                del self._line[index]
                return self._flow(self._line[index:], section.released(now_ns), now_ns)
        return []

    def took_effect(self) -> list[str]:
        """Return the keys of faults that changed something for the first time, each once."""
        keys = [s.key for s in self._line if s.has_acted and s.key not in self._said]
        self._said.update(keys)
        return keys

    @staticmethod
    def _flow(line: Iterable[_Section], items: list[Timed], now_ns: int) -> list[Item]:
        for section in line:
            for item, at_ns in items:
                # The time when it was due, not when it was looked at: lateness does not add up.
                section.take(item, at_ns)
            items = section.due(now_ns)
        return [item for item, _ in items]


def _size(item: Item) -> int:
    return len(item) if isinstance(item, bytes) else 0

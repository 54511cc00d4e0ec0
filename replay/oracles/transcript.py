"""A run, one connection at a time, as an oracle compares it: what the server said, to which step.

A message is put down to the client's latest step before it; how long after that step it came is its
latency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capture.format.model import (
    Capture,
    Direction,
    Event,
    Frame,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
)
from capture.message_kind import message_kind
from capture.messages import messages
from replay.oracles.shape import Shape, shape_of


@dataclass(frozen=True, slots=True)
class Reply:
    """A message of the server."""

    kind: str
    shape: Shape
    step: int
    latency_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ended: who began it, and the server's close code if it sent one."""

    first: Side | None
    server_code: int | None
    server_reason: str

    def __str__(self) -> str:
        who = "nobody" if self.first is None else f"the {self.first}"
        code = "no Close frame" if self.server_code is None else f"code {self.server_code}"
        reason = f" ({self.server_reason})" if self.server_reason else ""
        return f"ended by {who}, the server sent {code}{reason}"


@dataclass(frozen=True, slots=True)
class Transcript:
    """One connection of a run. `status` is None where no answer to the handshake came.

    `steps_at_ns` is when the client took its steps, `ended_at_ns` when either side began to end it.
    """

    connection: str
    status: int | None
    refusal: str
    replies: tuple[Reply, ...]
    ending: Ending
    steps_at_ns: Mapping[int, int]
    left_at_ns: int | None
    answered_at_ns: int | None = None
    ended_at_ns: int | None = None

    @property
    def answered_after_ns(self) -> int:
        """How long the answer to the handshake took; 0 without one."""
        return (
            0 if self.answered_at_ns is None else self.answered_at_ns - self.steps_at_ns.get(0, 0)
        )

    @property
    def stayed_ns(self) -> int:
        """How long after its first step the connection ended, if it did."""
        began_ns = min(self.steps_at_ns.values(), default=self.ended_at_ns)
        return 0 if self.ended_at_ns is None or began_ns is None else self.ended_at_ns - began_ns

    @property
    def silent_ns(self) -> int:
        """How long the client had taken no step when the connection ended, if it did."""
        if self.ended_at_ns is None:
            return 0
        before = (at_ns for at_ns in self.steps_at_ns.values() if at_ns < self.ended_at_ns)
        return self.ended_at_ns - max(before, default=self.ended_at_ns)


def transcripts(run: Capture) -> dict[str, Transcript]:
    """Return the transcript of each connection."""
    return {name: _transcript(name, events) for name, events in run.by_connection().items()}


def _transcript(name: str, events: tuple[Event, ...]) -> Transcript:
    response = next((event for event in events if isinstance(event, UpgradeResponse)), None)
    steps = {
        event.step: event.at_ns
        for event in reversed(events)
        if isinstance(event, UpgradeRequest | Frame | TcpClose) and event.step is not None
    }
    return Transcript(
        connection=name,
        status=None if response is None else response.status,
        # Many servers repeat the reason as the body.
        refusal="" if response is None else (response.body or response.reason).strip(),
        replies=tuple(_replies(events, steps)),
        ending=_ending(events),
        steps_at_ns=steps,
        left_at_ns=_left_at_ns(events),
        answered_at_ns=None if response is None else response.at_ns,
        ended_at_ns=next((event.at_ns for event in events if _ends(event)), None),
    )


def _replies(events: tuple[Event, ...], steps: Mapping[int, int]) -> list[Reply]:
    replies = []
    for message in messages(events):
        if message.direction is Direction.SERVER_TO_CLIENT:
            before = [step for step, at_ns in steps.items() if at_ns <= message.at_ns]
            step = max(before, default=0)
            latency_ns = message.at_ns - steps.get(step, message.at_ns)
            kind = message_kind(message)
            replies.append(Reply(kind, shape_of(message), step, latency_ns, message.text))
    return replies


def _ending(events: tuple[Event, ...]) -> Ending:
    first, code, reason = None, None, ""
    for event in events:
        if isinstance(event, TcpClose):
            first = first if first is not None else event.side
        elif isinstance(event, Frame) and event.opcode == "close":
            first = first if first is not None else event.direction.sender
            if event.direction is Direction.SERVER_TO_CLIENT:
                code, reason = event.close_code, event.close_reason
    return Ending(first, code, reason)


def _ends(event: Event) -> bool:
    return isinstance(event, TcpClose) or (isinstance(event, Frame) and event.opcode == "close")


def _left_at_ns(events: tuple[Event, ...]) -> int | None:
    """Return when the client said goodbye, whoever did first; the server owes nothing after it."""
    for event in events:
        by_client = (
            isinstance(event, Frame)
            and event.opcode == "close"
            and event.direction is Direction.CLIENT_TO_SERVER
        ) or (isinstance(event, TcpClose) and event.side is Side.CLIENT)
        if by_client:
            return event.at_ns
    return None

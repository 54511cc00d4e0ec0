"""Captures to replay, and replaying them in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from capture.clock import monotonic_ns
from capture.format.model import Capture, Frame
from capture.format.writer import CaptureWriter
from replay.auth import TokenSource
from replay.engine.carrier import Sockets
from replay.engine.live import RunSettings, run_live
from replay.plan import Pace, Plan
from replay.planning import plan_from_capture
from replay.target import Target


@dataclass
class Clock:
    """The monotonic clock, which remembers when the run began."""

    readings: list[int] = field(default_factory=list)

    def __call__(self) -> int:
        now_ns = monotonic_ns()
        if not self.readings:
            self.readings.append(now_ns)
        return now_ns

    @property
    def began_ns(self) -> int:
        return self.readings[0]


def saved(capture: Capture, path: Path) -> Path:
    with CaptureWriter(path, capture.header) as writer:
        for event in capture.events:
            writer.write(event)
    return path


async def replayed(
    session: Capture | Plan,
    port: int,
    *,
    pace: Pace = Pace.CAUSAL,
    patience_s: float = 2.0,
    clock: Clock | None = None,
) -> Capture:
    """Carry a capture or a plan out against a server of this machine."""
    plan = plan_from_capture(session, pace) if isinstance(session, Capture) else session
    target = Target(f"ws://127.0.0.1:{port}")
    carrier = Sockets(clock or Clock())
    return await run_live(plan, RunSettings(target, TokenSource(), patience_s, carrier=carrier))


def said(run: Capture, connection: str = "c1") -> list[str | bytes]:
    """What the server said, as a client sees it."""
    return [
        frame.text if frame.text is not None else frame.payload
        for frame in frames(run, connection)
        if frame.direction == "server_to_client" and frame.opcode in ("text", "binary")
    ]


def frames(run: Capture, connection: str = "c1") -> list[Frame]:
    return [e for e in run.events if isinstance(e, Frame) and e.connection == connection]


def sent(run: Capture, connection: str = "c1") -> list[Frame]:
    """The messages that the client sent."""
    return [f for f in frames(run, connection) if f.step is not None and f.opcode != "close"]

"""Connections end with the codes that they should end with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from capture.format.model import Frame, Side, TcpClose
from replay.errors import CheckError
from replay.oracles.checks.observed import Observed, Talk
from replay.oracles.checks.outcome import cannot_tell, counted, verdict_of
from replay.oracles.verdict import Judgement, Symptom, SymptomKind

# What a client reports where no Close frame came, and where one came without a code.
ABNORMAL, NO_CODE = 1006, 1005
LOWEST, HIGHEST = 1000, 4999


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the server ended a connection; `is_repeated` when it gave the client's code back."""

    code: int
    detail: str
    at_ns: int
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class CloseCodes:
    """The server closes with a code of `allow`, and with none of `forbid`.

    1006 stands for an end without a Close frame, 1005 for one without a code. What the client
    closed with and the server repeats is the client's choice, and never wrong.
    """

    name: ClassVar[str] = "close_codes"
    first: ClassVar[str] = "allow"

    allow: tuple[int, ...] = ()
    forbid: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.allow and not self.forbid:
            raise CheckError(f"{self.name} needs allow=1000,1001 or forbid=1006,1011")
        for code in (*self.allow, *self.forbid):
            if not LOWEST <= code <= HIGHEST:
                raise CheckError(f"{self.name}: {code} is no close code, expected 1000 to 4999")

    def judge(self, seen: Observed) -> Judgement:
        """Return pass, or fail with every connection that ended with another code."""
        symptoms, codes = [], []
        for talk in seen.talks:
            ended = _ended(talk)
            if ended is None:
                continue
            codes.append(ended.code)
            if self._is_wrong(ended.code) and not ended.is_repeated:
                what = f"{talk.connection}: {ended.detail} at {seen.when(ended.at_ns)}"
                detail = f"{what}, {self._expected()}"
                symptoms.append(
                    Symptom(SymptomKind.CLOSED, detail, talk.connection, at_ns=ended.at_ns)
                )
        if not codes:
            return cannot_tell("no connection was ended by the server, or answered when it was")
        which = ", ".join(map(str, sorted(set(codes))))
        return verdict_of(symptoms, f"{counted(len(codes), 'connection')} ended with {which}")

    def _is_wrong(self, code: int) -> bool:
        return code in self.forbid or bool(self.allow and code not in self.allow)

    def _expected(self) -> str:
        if self.allow:
            return f"expected {', '.join(map(str, self.allow))}"
        return f"which is one of {', '.join(map(str, self.forbid))}"


def _ended(talk: Talk) -> _Ended | None:
    """Return how the server ended a connection; None where it did not, or owed no Close frame."""
    of_client: Frame | None = None
    for event in talk.events:
        if isinstance(event, Frame) and event.opcode == "close":
            if event.direction.sender is Side.CLIENT:
                of_client = of_client if of_client is not None else event
            else:
                return _closed(event, of_client)
        elif isinstance(event, TcpClose):
            if event.side is Side.CLIENT:
                return None
            after = " after the client's Close frame" if of_client is not None else ""
            detail = f"the server ended TCP ({event.how}){after} without a Close frame ({ABNORMAL})"
            return _Ended(ABNORMAL, detail, event.at_ns) if _was_open(talk) else None
    return None


def _closed(frame: Frame, of_client: Frame | None) -> _Ended:
    code = NO_CODE if frame.close_code is None else frame.close_code
    reason = f" ({frame.close_reason})" if frame.close_reason else ""
    is_repeated = of_client is not None and of_client.close_code == frame.close_code
    return _Ended(code, f"the server closed with {code}{reason}", frame.at_ns, is_repeated)


def _was_open(talk: Talk) -> bool:
    """Whether there was a WebSocket to close: a refused handshake has no close code."""
    return any(getattr(event, "status", None) == 101 for event in talk.events)

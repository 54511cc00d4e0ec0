"""Every handshake is answered 101, and soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from capture.format.model import UpgradeRequest, UpgradeResponse
from replay.errors import CheckError
from replay.oracles.checks.observed import Observed, Talk, milliseconds
from replay.oracles.checks.outcome import cannot_tell, counted, verdict_of
from replay.oracles.verdict import Judgement, Symptom, SymptomKind

SWITCHING_PROTOCOLS = 101
SINCE = ("request", "connect")


@dataclass(frozen=True, slots=True)
class HandshakeWithin:
    """Every connection gets its 101 at most `limit_ns` after its request.

    `since=connect` counts from the TCP connection, and so what the client itself waited.
    """

    name: ClassVar[str] = "handshake_within"
    first: ClassVar[str] = "limit"

    limit_ns: int
    since: str = "request"

    def __post_init__(self) -> None:
        if self.limit_ns <= 0:
            raise CheckError(f"{self.name}: limit is {self.limit_ns / 1e6} ms, expected above 0")
        if self.since not in SINCE:
            raise CheckError(f"{self.name}: since is {self.since!r}, expected {' or '.join(SINCE)}")

    def judge(self, seen: Observed) -> Judgement:
        """Return pass, or fail with every handshake that was late, refused or not answered."""
        symptoms, slowest_ns, judged_count = [], 0, 0
        for talk in seen.talks:
            request = next((e for e in talk.events if isinstance(e, UpgradeRequest)), None)
            began_ns = None if request is None else self._began_ns(request)
            if began_ns is None:
                continue
            response = next((e for e in talk.events if isinstance(e, UpgradeResponse)), None)
            if response is None and not talk.owed.covers(began_ns, self.limit_ns):
                continue
            judged_count += 1
            slowest_ns = max(slowest_ns, 0 if response is None else response.at_ns - began_ns)
            what = self._fault(response, began_ns)
            if what is not None:
                kind, detail = what
                where = f"{talk.connection}: the handshake at {seen.when(began_ns)} {detail}"
                symptoms.append(Symptom(kind, where, talk.connection, at_ns=began_ns))
        if not judged_count:
            return cannot_tell(self._nothing(seen.talks))
        looked_at = f"{counted(judged_count, 'handshake')}, the slowest {milliseconds(slowest_ns)}"
        return verdict_of(symptoms, looked_at)

    def _began_ns(self, request: UpgradeRequest) -> int | None:
        return request.at_ns if self.since == "request" else request.connected_at_ns

    def _fault(
        self, response: UpgradeResponse | None, began_ns: int
    ) -> tuple[SymptomKind, str] | None:
        limit = milliseconds(self.limit_ns)
        if response is None:
            return SymptomKind.TIMEOUT, f"was not answered within {limit}"
        if response.status != SWITCHING_PROTOCOLS:
            answer = f"{response.status} {response.reason}".strip()
            return SymptomKind.REFUSED, f"was answered {answer}, expected 101"
        took_ns = response.at_ns - began_ns
        if took_ns > self.limit_ns:
            return SymptomKind.TIMEOUT, f"took {milliseconds(took_ns)}, expected at most {limit}"
        return None

    def _nothing(self, talks: tuple[Talk, ...]) -> str:
        if not talks:
            return "there is no connection"
        return f"no handshake has a known {self.since} and an answer, or time enough for one"

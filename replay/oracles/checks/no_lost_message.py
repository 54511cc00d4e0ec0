"""Every message of a client that should be answered is answered."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from replay.errors import CheckError
from replay.oracles.checks.field import Field
from replay.oracles.checks.observed import Observed, Said, Talk, milliseconds
from replay.oracles.checks.outcome import cannot_tell, counted, verdict_of
from replay.oracles.checks.selector import ALL, Selector
from replay.oracles.verdict import Judgement, Symptom, SymptomKind

# A reply this much later than any before may still come: who left sooner cannot say.
SLACK_NS = 150_000_000


@dataclass(frozen=True, slots=True)
class _Asked:
    """A message of the client, the key it is known by, and its reply if one came."""

    said: Said
    key: str
    reply: Said | None
    late: Said | None


@dataclass(frozen=True, slots=True)
class NoLostMessage:
    """Each message `of` the client has a `reply` of its own, on its connection and after it.

    With `by` the reply repeats the value of that field, in the field `echoed` (the same one unless
    told); without it replies are counted, each for the earliest message that still waits for one.
    """

    name: ClassVar[str] = "no_lost_message"
    first: ClassVar[str] = "of"

    of: Selector = ALL
    by: Field | None = None
    echoed: Field | None = None
    reply: Selector = ALL
    within_ns: int | None = None

    def __post_init__(self) -> None:
        if self.echoed is not None and self.by is None:
            raise CheckError(f"{self.name}: echoed={self.echoed} needs by: the field of the client")
        if self.within_ns is not None and self.within_ns <= 0:
            raise CheckError(f"{self.name}: within is {self.within_ns / 1e6} ms, expected above 0")

    def judge(self, seen: Observed) -> Judgement:
        """Return pass, or fail with every message that was owed a reply and has none."""
        asked = {talk.connection: list(self._asked(talk)) for talk in seen.talks}
        every = [each for of_talk in asked.values() for each in of_talk]
        if not every:
            return cannot_tell(self._nothing(seen))
        symptoms, unseen, excused = [], 0, 0
        for talk in seen.talks:
            takes_ns = self._takes_ns(asked[talk.connection])
            for each in asked[talk.connection]:
                if each.reply is not None:
                    continue
                if not talk.owed.covers(each.said.at_ns, takes_ns):
                    excused += 1
                elif talk.has_gap:
                    unseen += 1
                else:
                    symptoms.append(self._symptom(each))
        if unseen and not symptoms:
            return cannot_tell(f"the recorder lost bytes, and {unseen} replies may be in them")
        if excused == len(every):
            return cannot_tell("the client left before any reply was due")
        answered = len([each for each in every if each.reply is not None])
        gone = f", {excused} not owed as the client left" if excused else ""
        looked_at = f"{answered} of {counted(len(every), 'message')} answered"
        return verdict_of(symptoms, looked_at + gone)

    def _asked(self, talk: Talk) -> Iterator[_Asked]:
        """Yield each message with the earliest reply that no message before it took."""
        waiting: defaultdict[str, deque[Said]] = defaultdict(deque)
        for said in talk.heard:
            if self.reply.matches(said):
                for key in self._keys(said, self.echoed or self.by):
                    waiting[key].append(said)
        for said in talk.sent:
            if not self.of.matches(said):
                continue
            for key in self._keys(said, self.by):
                replies = waiting[key]
                while replies and replies[0].at_ns < said.at_ns:
                    replies.popleft()
                in_time = replies and replies[0].at_ns <= self._until_ns(said)
                late = replies[0] if replies and not in_time and self.by is not None else None
                yield _Asked(said, key, replies.popleft() if in_time else None, late)

    def _keys(self, said: Said, field: Field | None) -> list[str]:
        return [""] if field is None else field.keys(said)

    def _until_ns(self, said: Said) -> float:
        return float("inf") if self.within_ns is None else said.at_ns + self.within_ns

    def _takes_ns(self, asked: list[_Asked]) -> int:
        """Return how long a reply may take: as told, or twice as long as the slowest one took."""
        if self.within_ns is not None:
            return self.within_ns
        took = [each.reply.at_ns - each.said.at_ns for each in asked if each.reply is not None]
        return 2 * max(took, default=0) + SLACK_NS

    def _symptom(self, asked: _Asked) -> Symptom:
        said = asked.said
        known_by = f" with {self.by}={asked.key[:40]}" if self.by is not None else ""
        what = f"{said.connection}: {said}{known_by}"
        limit = "" if self.within_ns is None else f" within {milliseconds(self.within_ns)}"
        if asked.late is None:
            detail = f"{what} got no reply{limit}"
            return Symptom(SymptomKind.MISSING, detail, said.connection, at_ns=said.at_ns)
        after = milliseconds(asked.late.at_ns - said.at_ns)
        detail = f"{what} got its reply after {after}, not{limit}"
        return Symptom(SymptomKind.TIMEOUT, detail, said.connection, at_ns=said.at_ns)

    def _nothing(self, seen: Observed) -> str:
        matching = sum(self.of.matches(said) for talk in seen.talks for said in talk.sent)
        if not matching:
            return f"no message of a client matches {self.of}"
        return f"no message of a client that matches {self.of} has {self.by}"

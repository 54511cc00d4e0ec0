"""What the server says, it says once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import ClassVar

from replay.oracles.checks.field import Field
from replay.oracles.checks.no_lost_message import NoLostMessage
from replay.oracles.checks.observed import Observed, Said
from replay.oracles.checks.outcome import cannot_tell, counted, verdict_of
from replay.oracles.checks.selector import ALL, Selector
from replay.oracles.verdict import Judgement, Symptom, SymptomKind, Verdict


@dataclass(frozen=True, slots=True)
class ExactlyOnce:
    """No value of the field `by` is in two messages of one kind on one connection.

    With `across` not in the whole run either, as when a reconnect gets again what it had. With
    `asked` each value that a client sends in that field has to come, too.
    """

    name: ClassVar[str] = "exactly_once"
    first: ClassVar[str] = "by"

    by: Field
    of: Selector = ALL
    asked: Field | None = None
    across: bool = False

    def judge(self, seen: Observed) -> Judgement:
        """Return pass, or fail with every value that came again, or did not come."""
        came: defaultdict[tuple[str, str, str], list[Said]] = defaultdict(list)
        for talk in seen.talks:
            for said in talk.heard:
                if self.of.matches(said):
                    scope = "" if self.across else talk.connection
                    for key in dict.fromkeys(self.by.keys(said)):
                        came[scope, said.kind, key].append(said)
        symptoms = [
            self._again(key, messages)
            for (_, _, key), messages in came.items()
            if len(messages) > 1
        ]
        asked = None
        if self.asked is not None:
            asked = NoLostMessage(by=self.asked, echoed=self.by, reply=self.of).judge(seen)
            symptoms += asked.symptoms
        looked_at = f"{counted(len(came), 'value')} of {self.by} seen"
        if symptoms:
            return verdict_of(symptoms, looked_at)
        if asked is not None and asked.verdict is Verdict.UNKNOWN:
            return asked
        if not came:
            return cannot_tell(f"no message of the server that matches {self.of} has {self.by}")
        return verdict_of((), f"{looked_at}, each once")

    def _again(self, key: str, messages: list[Said]) -> Symptom:
        earlier, *_, later = messages
        where = f"{earlier.connection} {earlier} and {later.connection} {later}"
        detail = f"{self.by}={key[:40]} came {len(messages)} times: {where}"
        return Symptom(SymptomKind.EXTRA, detail, later.connection, at_ns=later.at_ns)

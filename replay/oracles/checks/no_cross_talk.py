"""What belongs to one user is not said to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from ahocorasick_rs import AhoCorasick

from capture.format.model import Frame, UpgradeRequest
from capture.message_kind import NAMING_FIELDS
from replay.oracles.checks.field import Field
from replay.oracles.checks.observed import Observed, Said, Talk
from replay.oracles.checks.outcome import cannot_tell, counted, verdict_of
from replay.oracles.checks.selector import ALL, Selector
from replay.oracles.verdict import Judgement, Symptom, SymptomKind

# Shorter texts and smaller numbers are the words of a protocol, and users share them by chance.
SPECIFIC_LENGTH = 8
SPECIFIC_NUMBER = 100_000


@dataclass(frozen=True, slots=True)
class _Owned:
    """A value that one user's clients sent first, at `since_ns`; or the user's name."""

    user: str
    value: str
    since_ns: int


class _Owners:
    """Finds the values of users in messages: names alone, specific values in texts too."""

    def __init__(self, names: Iterable[str], values: Iterable[_Owned]) -> None:
        self._alone = {name: _Owned(name, name, 0) for name in names}
        self._values = tuple(values)
        self._search = AhoCorasick([each.value for each in self._values])

    def __len__(self) -> int:
        return len(self._alone) + len(self._values)

    def of_another(self, said: Said, user: str) -> _Owned | None:
        """Return what a message to this user holds of another one."""
        for leaf in _leaves(said.value):
            for owned in self._found(leaf):
                if owned.user != user and said.at_ns >= owned.since_ns:
                    return owned
        return None

    def _found(self, leaf: str) -> Iterator[_Owned]:
        if leaf in self._alone:
            yield self._alone[leaf]
        for number, start, end in self._search.find_matches_as_indexes(leaf, overlapping=True):
            # Inside a longer word or number it is another value.
            edges = (leaf[max(0, start - 1) : start + 1], leaf[end - 1 : end + 1])
            if not any(map(_is_word, edges)):
                yield self._values[number]


@dataclass(frozen=True, slots=True)
class NoCrossTalk:
    """No message of the server holds what belongs to another user than that of its connection.

    A connection's user is the `claim` of the JWT that its client showed, or what the client sends
    in the field `user`; connections without either are users of their own. With `by` that field of
    the server's messages has to be the user. Without, a user owns its name and the specific values
    that only its clients sent.
    """

    name: ClassVar[str] = "no_cross_talk"
    first: ClassVar[str] = "by"

    by: Field | None = None
    user: Field | None = None
    claim: str = "sub"
    of: Selector = ALL

    def judge(self, seen: Observed) -> Judgement:
        """Return pass, or fail with every message that holds what is another's."""
        users = {talk.connection: self._user(talk) for talk in seen.talks}
        names = {talk.connection: users[talk.connection] or talk.connection for talk in seen.talks}
        if self.by is not None:
            return self._judged_by(self.by, seen, users)
        if len(set(names.values())) < 2:
            return cannot_tell("there is one user only: nothing can come from another")
        return self._judged_by_values(seen, names, users)

    def _user(self, talk: Talk) -> str | None:
        """Return who is at the client's end; None where nothing says so."""
        for event in talk.events:
            if isinstance(event, UpgradeRequest | Frame):
                for secret in event.secrets:
                    if self.claim in secret.claims:
                        return str(secret.claims[self.claim])
        if self.user is None:
            return None
        return next((key for said in talk.sent for key in self.user.keys(said)), None)

    def _judged_by(self, by: Field, seen: Observed, users: dict[str, str | None]) -> Judgement:
        symptoms, looked_at = [], 0
        for talk in seen.talks:
            user = users[talk.connection]
            for said in talk.heard if user is not None else ():
                for key in by.keys(said) if self.of.matches(said) else ():
                    looked_at += 1
                    if key != user:
                        what = f"{by} is {key[:40]}, the user is {user}"
                        symptoms.append(_symptom(said, what))
        if not looked_at:
            if any(users.values()):
                return cannot_tell(f"no message with {by} on a connection whose user is known")
            return cannot_tell(f"no user is known by the claim {self.claim} of a JWT or user=FIELD")
        return verdict_of(symptoms, f"{counted(looked_at, 'value')} of {by} compared")

    def _judged_by_values(
        self, seen: Observed, names: dict[str, str], users: dict[str, str | None]
    ) -> Judgement:
        owners = _Owners(filter(None, users.values()), self._specific(seen, names))
        if not len(owners):
            return cannot_tell("no client sent a value that is its user's alone")
        heard = [said for talk in seen.talks for said in talk.heard if self.of.matches(said)]
        if not heard:
            return cannot_tell(f"no message of the server matches {self.of}")
        symptoms = []
        for said in heard:
            user = names[said.connection]
            found = owners.of_another(said, user)
            if found is not None:
                what = f"holds {found.value[:60]!r} of user {found.user}, the user is {user}"
                symptoms.append(_symptom(said, what))
        looked_at = (
            f"{counted(len(owners), 'value')} of {counted(len(set(names.values())), 'user')}"
        )
        return verdict_of(symptoms, f"{looked_at} looked for")

    def _specific(self, seen: Observed, names: dict[str, str]) -> Iterator[_Owned]:
        """Yield the values that the clients of one user alone sent, and before the server."""
        first: dict[str, tuple[int, set[str]]] = {}
        for talk in seen.talks:
            for said in talk.sent:
                for value in _leaves(said.value):
                    if _is_specific(value):
                        at_ns, owners = first.get(value, (said.at_ns, set()))
                        first[value] = (min(at_ns, said.at_ns), owners | {names[talk.connection]})
        said_before = {
            value
            for talk in seen.talks
            for said in talk.heard
            for value in _leaves(said.value)
            if value in first and said.at_ns < first[value][0]
        }
        for value, (at_ns, owners) in first.items():
            if len(owners) == 1 and value not in said_before:
                yield _Owned(next(iter(owners)), value, at_ns)


def _symptom(said: Said, what: str) -> Symptom:
    detail = f"{said.connection}: {said}: {what}"
    return Symptom(SymptomKind.CROSS_TALK, detail, said.connection, at_ns=said.at_ns)


def _is_specific(value: str) -> bool:
    if value.isdecimal():
        return int(value) >= SPECIFIC_NUMBER
    return len(value) >= SPECIFIC_LENGTH


def _is_word(pair: str) -> bool:
    """Whether two characters side by side belong to one word."""
    return len(pair) == 2 and all(each.isalnum() or each == "_" for each in pair)


def _leaves(value: Any) -> Iterator[str]:  # noqa: ANN401  any JSON
    """Yield the texts and numbers of a message, without what it is called."""
    if isinstance(value, dict):
        for name, child in value.items():
            if name not in NAMING_FIELDS or isinstance(child, dict | list):
                yield from _leaves(child)
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield str(value)

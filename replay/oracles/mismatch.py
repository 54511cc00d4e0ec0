"""What a run says otherwise than it should: the message, the nearest one, and their difference.

An oracle judges; this explains to a person, and finds what a server does not do as recorded.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from replay.oracles.shape import Normaliser, Shape, Template
from replay.oracles.transcript import Reply, Transcript

Transcripts = Mapping[str, Transcript]
NOTHING = "nothing"
"""What stands in a difference where there is no value."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field of a message, its values as JSON."""

    path: str
    expected: str
    seen: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A message that should have come and did not, or came and should not have.

    Of the two messages one is the `odd` one. The other is the nearest to it on the other side, or
    None; `is_spoken_for` says that this one has its own counterpart already.
    """

    connection: str
    expected: Reply | None
    seen: Reply | None
    is_spoken_for: bool = False
    differences: tuple[FieldDifference, ...] = ()
    is_extra: bool = False

    @property
    def odd(self) -> Reply:
        """The message that is missing or too many."""
        odd = self.seen if self.is_extra else self.expected
        if odd is None:
            raise ValueError("a mismatch has an odd message")
        return odd

    @property
    def step(self) -> int:
        """The step of the client that it is put down to."""
        return self.odd.step


@dataclass(frozen=True, slots=True)
class Varying:
    """Knows what varies from run to run, from unperturbed runs and the recording."""

    normaliser: Normaliser

    @classmethod
    def learned(cls, controls: Sequence[Transcripts], recorded: Transcripts) -> Varying:
        """Learn; where no unperturbed run has a message like it, the recorded one counts."""
        runs = [list(_shapes(control)) for control in controls]
        known = {shape.skeleton for run in runs for shape in run}
        only_recorded = [shape for shape in _shapes(recorded) if shape.skeleton not in known]
        return cls(Normaliser.learned([[*run, *only_recorded] for run in runs or [[]]]))

    def template(self, reply: Reply) -> Template:
        """Return a message without what varies."""
        return self.normaliser.template(reply.shape)

    def differences(self, expected: Reply, seen: Reply) -> tuple[FieldDifference, ...]:
        """Return the fields that differ, without those that always do."""
        before, after = _values(expected.shape), _values(seen.shape)
        return tuple(
            FieldDifference(path, _shown(before.get(path)), _shown(after.get(path)))
            for path in dict.fromkeys([*before, *after])
            if before.get(path) != after.get(path) and self._counts(path, expected, before, after)
        )

    def _counts(
        self,
        path: str,
        expected: Reply,
        before: Mapping[str, tuple[str, ...]],
        after: Mapping[str, tuple[str, ...]],
    ) -> bool:
        return (
            path not in before
            or path not in after
            or self.normaliser.is_stable(expected.shape, path)
        )


def mismatches(
    expected: Transcripts,
    seen: Transcripts,
    varying: Varying,
    *,
    pushes: frozenset[str] = frozenset(),
    most: int | None = None,
) -> list[Mismatch]:
    """Return what one run says otherwise than another, the first step first, at most `most`.

    Messages of the kinds in `pushes` come as they like. A connection that was not opened has no
    mismatch: its handshake tells.
    """
    found = [
        mismatch
        for name, transcript in expected.items()
        if name in seen
        for mismatch in _of_connection(transcript, seen[name], varying, pushes, most)
    ]
    return found[:most]


def _of_connection(
    expected: Transcript,
    seen: Transcript,
    varying: Varying,
    pushes: frozenset[str],
    most: int | None,
) -> Iterator[Mismatch]:
    name = expected.connection
    missing = _surplus(expected.replies, seen.replies, varying, pushes)
    extra = _surplus(seen.replies, expected.replies, varying, pushes)
    # A handful is all that a person reads, and to find the nearest of many takes long.
    for reply in missing[:most]:
        nearest = _nearest(reply, extra)
        if nearest is not None:
            extra.remove(nearest)
        other = nearest if nearest is not None else _nearest(reply, seen.replies)
        differences = varying.differences(reply, other) if other is not None else ()
        yield Mismatch(name, reply, other, nearest is None and other is not None, differences)
    for reply in extra[:most]:
        other = _nearest(reply, expected.replies)
        differences = varying.differences(other, reply) if other is not None else ()
        yield Mismatch(name, other, reply, other is not None, differences, is_extra=True)


def lasting(
    expected: Transcripts,
    controls: Sequence[Transcripts],
    varying: Varying,
    pushes: frozenset[str] = frozenset(),
) -> list[Mismatch]:
    """Return what every one of several runs says otherwise, as the last of them shows it."""
    if not controls:
        return []
    each = [mismatches(expected, control, varying, pushes=pushes) for control in controls]
    keys = [{_key(mismatch, varying) for mismatch in found} for found in each]
    always = set.intersection(*keys)
    return [mismatch for mismatch in each[-1] if _key(mismatch, varying) in always]


def _key(mismatch: Mismatch, varying: Varying) -> tuple[str, bool, Template]:
    return mismatch.connection, mismatch.is_extra, varying.template(mismatch.odd)


def _surplus(
    these: Iterable[Reply], those: Iterable[Reply], varying: Varying, pushes: frozenset[str]
) -> list[Reply]:
    """Return the replies of `these` that have no counterpart among `those`."""
    left = Counter(varying.template(reply) for reply in those)
    surplus = []
    for reply in these:
        template = varying.template(reply)
        if left[template] > 0:
            left[template] -= 1
        elif reply.kind not in pushes:
            surplus.append(reply)
    return surplus


def _nearest(reply: Reply, others: Iterable[Reply]) -> Reply | None:
    """Return the message most like this one, or None where none is of its kind or structure."""
    alike = [other for other in others if _are_alike(reply, other)]
    return max(alike, key=lambda other: _likeness(reply, other), default=None)


def _are_alike(one: Reply, other: Reply) -> bool:
    return one.kind == other.kind or one.shape.skeleton == other.shape.skeleton


def _likeness(one: Reply, other: Reply) -> tuple[bool, float, bool]:
    ours, theirs = set(one.shape.leaves), set(other.shape.leaves)
    either = len(ours | theirs)
    common = len(ours & theirs) / either if either else 1.0
    return one.kind == other.kind, common, one.step == other.step


def _shapes(transcripts: Transcripts) -> Iterator[Shape]:
    for transcript in transcripts.values():
        for reply in transcript.replies:
            yield reply.shape


def _values(shape: Shape) -> dict[str, tuple[str, ...]]:
    """Return the values by path; the items of a list share one."""
    values: dict[str, tuple[str, ...]] = {}
    for path, value in shape.leaves:
        values[path] = (*values.get(path, ()), value)
    return values


def _shown(values: tuple[str, ...] | None) -> str:
    if values is None:
        return NOTHING
    return values[0] if len(values) == 1 else json.dumps([json.loads(value) for value in values])

"""Finds what is too small to be recognised by itself: sequence numbers, ids of a few characters.

All that the client sends at one place is compared with all that the server says at another. A name
has to speak for it, or several values that differ.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from replay.correlation.likeness import acknowledges, are_kin, identifies, is_count, is_short
from replay.correlation.sayings import Said, Stream

# So many different values at the same two places are no chance.
ENOUGH = 3
_COUNTS_FROM = ("0", "1")


@dataclass(frozen=True, slots=True)
class Followed:
    """What the client sends at one place follows what the server says at another.

    `pairs` are each use with what it repeats. `is_sure` is whether it may be believed by itself.
    """

    pairs: tuple[tuple[Said, Said], ...]
    source: Stream
    is_each: bool
    is_sure: bool


def followed(said: Sequence[Said]) -> Iterator[Followed]:
    """Yield, for each place where the client sends small values, what it may follow, best first."""
    issued, used = _streams(said)
    for stream, uses in used.items():
        found = [
            each
            for source, issues in issued.items()
            if (each := _follows(uses, source, issues, issued)) is not None
        ]
        if stream.place and found:
            yield from sorted(found, key=lambda each: _rank(each, uses))


Streams = Mapping[Stream, Sequence[Said]]


def _streams(said: Sequence[Said]) -> tuple[Streams, Streams]:
    """Return the small values of the server and of the client, by place."""
    issued: defaultdict[Stream, list[Said]] = defaultdict(list)
    used: defaultdict[Stream, list[Said]] = defaultdict(list)
    own: set[tuple[str, str, str]] = set()
    for each in said:
        text, name, connection = each.text, each.value.name, each.saying.connection
        if not each.saying.is_from_server:
            if is_short(text) and (is_count(text) or identifies(name)):
                used[each.stream].append(each)
            own.add((connection, name, text))
        elif (connection, name, text) not in own and (is_count(text) or identifies(name)):
            issued[each.stream].append(each)
            if not each.saying.header:
                issued[each.stream.of_any_kind].append(each)
    return issued, used


def _follows(
    uses: Sequence[Said], source: Stream, issues: Sequence[Said], issued: Streams
) -> Followed | None:
    if source.called == "" and len({each.stream for each in issues}) == 1:
        # Of one kind only: that stream stands for it.
        return None
    pairs = tuple(takewhile(_is_repeated, ((use, latest(issues, use)) for use in uses)))
    is_each = len(pairs) != len(uses)
    if is_each:
        # Not always the latest: perhaps one after the other, in the order in which they came.
        pairs = tuple(takewhile(_is_repeated, zip(uses, issues, strict=False)))
    if len(pairs) != len(uses):
        return None
    known = tuple((use, issue) for use, issue in pairs if issue is not None)
    return Followed(known, source, is_each, _is_sure(known))


def latest(issues: Sequence[Said], use: Said) -> Said | None:
    """Return the last of some values, in their order, that was said before one of the client."""
    at = bisect_left(issues, use.order, key=lambda issue: issue.order)
    return issues[at - 1] if at > 0 else None


def _is_repeated(pair: tuple[Said, Said | None]) -> bool:
    use, issue = pair
    return issue is not None and issue.text == use.text and issue.order < use.order


def _is_sure(pairs: Sequence[tuple[Said, Said]]) -> bool:
    texts = [use.text for use, _ in pairs]
    use, issue = (each.value.name for each in pairs[0])
    acks = acknowledges(use) and identifies(issue)
    if not acks and _counts_by_itself(texts):
        return False
    if not acks and not are_kin(use, issue):
        return len(set(texts)) >= ENOUGH and identifies(use)
    return len(set(texts)) > 1 or texts[0] not in _COUNTS_FROM


def _counts_by_itself(texts: Sequence[str]) -> bool:
    """Whether a client that numbers its own messages would send the same."""
    if texts[0] not in _COUNTS_FROM:
        return False
    return all(text == str(int(texts[0]) + number) for number, text in enumerate(texts))


def _rank(each: Followed, uses: Sequence[Said]) -> tuple[bool, bool, bool, bool, int]:
    """Return what makes one source less likely than another."""
    name = uses[0].value.name
    issue = each.pairs[0][1]
    elsewhere = issue.saying.connection != uses[0].saying.connection
    age = sum(use.order - issue.order for use, issue in each.pairs)
    return (
        not each.is_sure,
        not are_kin(name, issue.value.name),
        elsewhere,
        each.is_each,
        age * 2 + (each.source.called == ""),
    )

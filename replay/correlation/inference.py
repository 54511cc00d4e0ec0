"""Finds in a recording what the server issued and the client sent back.

A value counts when the server said it first; what the client said first is its own. The first
place where the server said it is its source, unless another recording of the session contradicts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capture.format.model import Capture
from replay.correlation.comparison import Other, Told
from replay.correlation.counting import Followed, followed, latest
from replay.correlation.likeness import are_kin, is_specific
from replay.correlation.links import Correlation, Link, Sink, Source
from replay.correlation.sayings import Said, Stream, all_said
from replay.events import After, Kind

# So many recordings in which a value differs, and is repeated, need no name to speak for it.
ENOUGH_FOLLOW = 2


@dataclass(frozen=True, slots=True)
class _Pair:
    """A value of the client and where it has it from."""

    use: Said
    source: Source


def correlate(recorded: Capture, runs: Sequence[Capture] = ()) -> Correlation:
    """Return what the client of a recording sent back of what the server had issued.

    `runs` are other recordings of the session, or runs of it: with them, what is the same every
    time is left out, and so is what a real client did not repeat in one of them.
    """
    said = list(all_said(recorded))
    others = [Other.of(run, recorded) for run in runs]
    recognised = list(_recognised(said, others))
    pairs = [*recognised, *_counted(said, others, [pair.use for pair in recognised])]
    sinks: defaultdict[Source, list[Said]] = defaultdict(list)
    for pair in sorted(pairs, key=lambda pair: pair.use.order):
        sinks[pair.source].append(pair.use)
    return Correlation(
        tuple(Link(source, tuple(map(_sink, uses))) for source, uses in sinks.items())
    )


def _recognised(said: Sequence[Said], others: Sequence[Other]) -> Iterator[_Pair]:
    """Yield the values that are too specific to come twice by chance."""
    streams: defaultdict[Stream, list[Said]] = defaultdict(list)
    for each in said:
        if each.saying.is_from_server:
            streams[each.stream].append(each)
    chosen: defaultdict[tuple[Stream, Stream], list[tuple[Said, Said]]] = defaultdict(list)
    for use, issues in _repeated(said):
        issue = _first_that_holds(use, issues, others)
        if issue is not None:
            chosen[use.stream, issue.stream].append((use, issue))
    for (_, stream), pairs in chosen.items():
        is_latest = _takes_the_latest([use for use, _ in pairs], pairs, streams[stream])
        varies = len({use.text for use, _ in pairs}) > 1
        yield from _told(
            [_Pair(use, _source(issue, latest=is_latest)) for use, issue in pairs], others, varies
        )


def _repeated(said: Sequence[Said]) -> Iterator[tuple[Said, list[Said]]]:
    """Yield each value of the client that the server said first, with where it did.

    Of values within one another, the outermost.
    """
    issued: dict[str, list[Said]] = {}
    own: set[str] = set()
    outer = (-1, "")
    for each in said:
        if not is_specific(each.text):
            continue
        if each.saying.is_from_server:
            if each.text not in own:
                issued.setdefault(each.text, []).append(each)
        elif each.text not in issued:
            own.add(each.text)
        elif outer[0] != each.order or not each.value.place.startswith(outer[1]):
            outer = (each.order, f"{each.value.place} > ")
            yield each, list(issued[each.text])


def _first_that_holds(use: Said, issues: list[Said], others: Sequence[Other]) -> Said | None:
    """Return where the server said a value first, as far as no other recording contradicts."""
    ranked = sorted(
        issues,
        key=lambda issue: (issue.order, not are_kin(use.value.name, issue.value.name)),
    )
    for issue in ranked:
        told = [other.tells_of(_source(issue, latest=False), use) for other in others]
        if Told.COINCIDENCE not in told:
            return issue
    # The latest of a kind may still hold where the first of it does not.
    for issue in reversed(ranked):
        told = [other.tells_of(_source(issue, latest=True), use) for other in others]
        if Told.COINCIDENCE not in told:
            return issue
    return None


def _takes_the_latest(
    uses: Sequence[Said], pairs: Sequence[tuple[Said, Said]], stream: Sequence[Said]
) -> bool:
    """Whether the client takes what came last at a place, and not the n-th that came there.

    It does when each value was the latest at the time, and the server said more than was used.
    """
    if pairs[0][1].saying.header or max(issue.saying.nth for _, issue in pairs) == 1:
        return False
    for use in uses:
        issue = latest(stream, use)
        if issue is None or issue.text != use.text:
            return False
    seen = sum(issue.order < uses[-1].order for issue in stream)
    return seen > len({use.text for use in uses})


def _counted(
    said: Sequence[Said], others: Sequence[Other], recognised: Sequence[Said]
) -> Iterator[_Pair]:
    """Yield the small values of the client that follow those of the server."""
    done: set[Stream] = set()
    taken: defaultdict[int, set[str]] = defaultdict(set)
    for use in recognised:
        taken[use.order].add(use.value.place)
    for each in followed(said):
        uses = [use for use, _ in each.pairs]
        stream = uses[0].stream
        if stream in done or any(_is_taken(use, taken[use.order]) for use in uses):
            continue
        pairs = _sources_of(each)
        told = [other.tells_of(pair.source, pair.use) for other in others for pair in pairs]
        is_sure = each.is_sure or told.count(Told.FOLLOWS) >= ENOUGH_FOLLOW
        if is_sure and Told.COINCIDENCE not in told:
            done.add(stream)
            yield from _told(pairs, others, len({use.text for use in uses}) > 1)


def _sources_of(each: Followed) -> list[_Pair]:
    uses = [use for use, _ in each.pairs]
    messages = {issue.order for _, issue in each.pairs}
    is_latest = not each.is_each and len(messages) > 1 and not _is_one_to_one(each)
    any_kind = each.source.called == "" and not each.pairs[0][1].saying.header
    return [
        _Pair(use, _source(issue, latest=is_latest, any_kind=any_kind))
        for use, (_, issue) in zip(uses, each.pairs, strict=True)
    ]


def _is_one_to_one(each: Followed) -> bool:
    """Whether every message at the source was used, once: then the n-th answers the n-th."""
    any_kind = each.source.called == ""
    numbers = [i.saying.index if any_kind else i.saying.nth for _, i in each.pairs]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] <= 1


def _told(pairs: list[_Pair], others: Sequence[Other], varies: bool) -> Iterator[_Pair]:
    """Yield what is worth replacing: not what a server says the same in every session."""
    told = [other.tells_of(pair.source, pair.use) for other in others for pair in pairs]
    if varies or Told.FOLLOWS in told or Told.CONSTANT not in told:
        yield from pairs


def _is_taken(use: Said, places: set[str]) -> bool:
    """Whether a value stands where, or within where, another one is replaced already."""
    place = use.value.place
    return any(place == each or place.startswith(f"{each} > ") for each in places)


def _source(issue: Said, *, latest: bool, any_kind: bool = False) -> Source:
    saying = issue.saying
    event = saying.event
    if event is None:
        raise ValueError("what the client said is no source")
    # A message that is called by the value itself is called otherwise in every session.
    if any_kind or issue.text in event.called.split():
        event = After(Kind.MESSAGE, event.connection, saying.index)
    if latest:
        event = After(Kind.MESSAGE, event.connection, 1, event.called)
    return Source(event, issue.value.place, saying.header, latest)


def _sink(use: Said) -> Sink:
    saying = use.saying
    return Sink(saying.connection, saying.step, saying.part, use.value.place, use.text)

"""Which changes are worth a run, the likely and cheap ones first; one file a family.

A family yields (round, edit), or in `combined` (round, edits). First come steps without a pause: no
guess at a time, a run each, and what a client does "at once" breaks most. Each later round has
finer values of what came before, or what breaks fewer servers. Within a round the families take
turns, so that a budget that ends there has tried something of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from replay.plan import Plan
from replay.search import Edits
from replay.search.candidates.combined import combined
from replay.search.candidates.deadlines import deadlines
from replay.search.candidates.endings import endings
from replay.search.candidates.gaps import flips, gaps, handshakes
from replay.search.candidates.hearing import hearing
from replay.search.candidates.ranked import Ranked
from replay.search.candidates.segments import segments
from replay.search.candidates.stalls import stalls
from replay.search.candidates.surroundings import NOTHING_ELSE, Changeable, surroundings
from replay.search.candidates.together import together
from replay.search.trace import NO_TRACE, Trace

if TYPE_CHECKING:
    from random import Random

__all__ = ["NOTHING_ELSE", "Changeable", "candidates"]


def candidates(
    plan: Plan,
    changeable: Changeable = NOTHING_ELSE,
    chance: Random | None = None,
    trace: Trace = NO_TRACE,
) -> Iterator[Edits]:
    """Yield edits of a plan, mostly single ones; `changeable` is what of the surroundings may be
    changed, `trace` an unperturbed run. Without `chance` nothing is drawn.
    """
    single: tuple[Iterable[Ranked], ...] = (
        gaps(plan),
        surroundings(plan, changeable),
        endings(plan),
        together(plan),
        handshakes(plan),
        stalls(plan),
        hearing(plan),
        segments(plan),
        flips(plan),
        deadlines(plan, trace),
    )
    families: list[list[tuple[int, Edits]]]
    families = [[(number, (edit,)) for number, edit in family] for family in single]
    families.append(list(combined(plan, changeable, chance)))
    by_round: dict[int, list[list[Edits]]] = {}
    for family in families:
        own: dict[int, list[Edits]] = {}
        for number, edits in family:
            own.setdefault(number, []).append(edits)
        for number, several in own.items():
            by_round.setdefault(number, []).append(several)
    yielded: set[Edits] = set()
    for number in sorted(by_round):
        for edits in _in_turns(by_round[number]):
            if edits not in yielded:
                yielded.add(edits)
                yield edits


def _in_turns(lists: list[list[Edits]]) -> Iterator[Edits]:
    """Yield from all lists at once, each spread evenly over the whole."""
    places = (
        ((index + 0.5) / len(several), order, edits)
        for order, several in enumerate(lists)
        for index, edits in enumerate(several)
    )
    return (edits for _, _, edits in sorted(places, key=lambda place: place[:2]))

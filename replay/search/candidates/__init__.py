"""Which single changes are worth a run, the likely and cheap ones first; one file a family.

A family yields (round, edit). First come steps without a pause: no guess at a time, a run each, and
what a client does "at once" breaks most. Each later round has finer values of what came before, or
what breaks fewer servers. Within a round the families take turns, so that a budget that ends there
has tried something of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from replay.perturbations import Perturbation
from replay.plan import Plan
from replay.search.candidates.endings import endings
from replay.search.candidates.gaps import flips, gaps, handshakes
from replay.search.candidates.hearing import hearing
from replay.search.candidates.ranked import Ranked
from replay.search.candidates.segments import segments
from replay.search.candidates.stalls import stalls
from replay.search.candidates.surroundings import NOTHING_ELSE, Changeable, surroundings
from replay.search.candidates.together import together

__all__ = ["NOTHING_ELSE", "Changeable", "candidates"]


def candidates(plan: Plan, changeable: Changeable = NOTHING_ELSE) -> Iterator[Perturbation]:
    """Yield single edits of a plan; `changeable` is what of the surroundings may be changed."""
    families: tuple[Iterable[Ranked], ...] = (
        gaps(plan),
        surroundings(plan, changeable),
        endings(plan),
        together(plan),
        handshakes(plan),
        stalls(plan),
        hearing(plan),
        segments(plan),
        flips(plan),
    )
    by_round: dict[int, list[list[Perturbation]]] = {}
    for family in families:
        own: dict[int, list[Perturbation]] = {}
        for number, edit in family:
            own.setdefault(number, []).append(edit)
        for number, edits in own.items():
            by_round.setdefault(number, []).append(edits)
    yielded: set[Perturbation] = set()
    for number in sorted(by_round):
        for edit in _in_turns(by_round[number]):
            if edit not in yielded:
                yielded.add(edit)
                yield edit


def _in_turns(lists: list[list[Perturbation]]) -> Iterator[Perturbation]:
    """Yield from all lists at once, each spread evenly over the whole."""
    places = (
        ((index + 0.5) / len(edits), order, edit)
        for order, edits in enumerate(lists)
        for index, edit in enumerate(edits)
    )
    return (edit for _, _, edit in sorted(places, key=lambda place: place[:2]))

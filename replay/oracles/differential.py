"""Compares a run with what unperturbed runs do. What varies among those is no failure.

A perturbation changes what may be expected: a client that leaves early is owed less, and a session
that lasts longer gets more of what the server says unasked. What a client left too early to hear,
a server may keep and say to whoever comes next.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from capture.format.model import Capture, Side
from replay.oracles.shape import Normaliser, Shape, Template, describe
from replay.oracles.transcript import Ending, Reply, Transcript, transcripts
from replay.oracles.verdict import Judgement, Symptom, SymptomKind, judged
from replay.plan import Owed

SWITCHING_PROTOCOLS = 101
TOLD_FROM_S = 5.0
CLIENT_ERRORS, TOO_MANY_REQUESTS = range(400, 500), 429
# With these a server says that something is wrong, with the client or with itself.
ERROR_CODES = frozenset({1002, 1003, 1007, 1009, 1010, 1011, 1014})
# A server whose database is away may say so: 503 to a handshake, 1012 or 1013 to who is there. Not
# later than clients wait: `open_timeout` of the websockets library is 10 s.
UNAVAILABLE, AWAY_CODES = 503, frozenset({1012, 1013})
REFUSED_WITHIN_NS = 10_000_000_000
# Who says nothing, or stays, for so much longer than ever before may be given up, in order.
LONGER_NS = 1_000_000_000
# Who says more, or faster, than a server takes is told so.
_TOO_MUCH = re.compile(
    r"(?i)rate.?limit|too (?:fast|many (?:requests|messages))|slow down|throttl|\b429\b"
)
# Who asks anew may be told that what was asked for before is given up.
_GIVEN_UP = re.compile(r"(?i)\b(?:cancel+ed|aborted|superseded)\b")
# A server whose database was away finds back to it in so many runs.
RECOVERING_RUNS = 6
# A reply that is this much later than ever before may still come: the client left too early to say.
SLACK_NS = 150_000_000


@dataclass(frozen=True, slots=True)
class Unheard:
    """How many messages of each kind clients left too early to hear by the end of a run; whether
    such messages came late in it; for how many more runs they may come.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    came_late: bool = False
    runs: int = 0


NONE_UNHEARD = Unheard()
# When a step was taken, of which connection, which one.
_Taken = tuple[int, str, int]


@dataclass(frozen=True, slots=True)
class _Late:
    """How many messages of each kind somebody did not hear, and others may be told late; but no
    `odd` ones, which nobody ever says.
    """

    kinds: Counter[str]
    odd: Collection[Shape]


@dataclass(frozen=True, slots=True)
class _Expected:
    """A template on one connection: how often, to which step, how late at most.

    `causes` are the latest steps before it, of whatever connection: one of them brings it about.
    `is_free` marks what comes more or less often by itself.
    """

    low: int
    high: int
    step: int
    causes: frozenset[tuple[str, int]]
    latency_ns: int
    is_free: bool
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Habit:
    """What one connection does in unperturbed runs."""

    statuses: frozenset[int | None]
    endings: frozenset[tuple[bool, int | None]]
    normaliser: Normaliser
    expected: Mapping[Template, _Expected]
    order: frozenset[tuple[Template, Template]]
    # How many messages of each kind come at least.
    kinds: Counter[str]
    # How long a client was silent at most, and how long it stayed.
    silent_ns: int
    stayed_ns: int
    # How long the answers to each step take at most.
    took_ns: Mapping[int, int]

    def comes_by_itself(self, template: Template, *, is_push: bool) -> bool:
        """Whether a message may come or not; of those never heard before, a push may."""
        expected = self.expected.get(template)
        return is_push if expected is None else expected.is_free


@dataclass(frozen=True, slots=True)
class Heard:
    """How often each message came on a connection, how that was opened and how it ended."""

    messages: Counter[Template]
    status: int | None
    ending: tuple[bool, int | None]

    def __le__(self, other: Heard) -> bool:
        """Whether nothing came that did not come in the other, whichever way it ended."""
        return self.messages <= other.messages


@dataclass(frozen=True, slots=True)
class Baseline:
    """What unperturbed runs do, with their natural variation."""

    habits: Mapping[str, _Habit]

    @classmethod
    def learned(cls, runs: Sequence[Capture], stretched: Sequence[Capture] = ()) -> Baseline:
        """Learn from unperturbed runs; `stretched` ones, with longer gaps, tell what comes unasked.

        Raises ValueError when there is no run.
        """
        if not runs:
            raise ValueError("a baseline needs at least one run")
        normal = [transcripts(run) for run in runs]
        longer = [transcripts(run) for run in stretched]
        names = dict.fromkeys(name for run in normal for name in run)
        return cls(
            {
                name: _habit(
                    [run[name] for run in normal if name in run],
                    [run[name] for run in longer if name in run],
                    [_steps_in_order(run) for run in normal if name in run],
                )
                for name in names
            }
        )

    def pushes(self) -> frozenset[str]:
        """Return the kinds of messages that come more or less often by themselves."""
        return frozenset(
            kind
            for habit in self.habits.values()
            for expected in habit.expected.values()
            if expected.is_free
            for kind in expected.kinds
        )

    def heard(self, run: Capture) -> dict[str, Heard]:
        """Return what each connection heard in a run and how it ended, without what comes by itself
        and what varies.
        """
        pushes = self.pushes()
        return {
            name: Heard(
                Counter(
                    template
                    for reply in talk.replies
                    if not habit.comes_by_itself(
                        template := habit.normaliser.template(reply.shape),
                        is_push=reply.kind in pushes,
                    )
                ),
                talk.status,
                _ending_kind(talk.ending),
            )
            for name, talk in transcripts(run).items()
            if (habit := self.habits.get(name)) is not None
        }

    def judge(
        self,
        run: Capture,
        owed: Mapping[str, Owed] = MappingProxyType({}),
        unheard: Unheard = NONE_UNHEARD,
        *,
        is_cut_off: bool = False,
    ) -> Judgement:
        """Return pass, or fail with every difference that the baseline does not explain.

        `owed` has the connections of which a perturbation lets less, or more, be expected;
        `unheard` is what clients of the runs before did not hear. A server that `is_cut_off` has
        not all the services that it needs.
        """
        seen = transcripts(run)
        given_up = self._given_up(seen, owed)
        symptoms: list[Symptom] = []
        for name in dict.fromkeys((*self.habits, *owed)):
            due = owed.get(name, Owed(name)).less(alike=given_up <= {name})
            if is_cut_off and name in seen and _says_unavailable(seen[name]):
                continue
            if name in seen:
                odd = {reply.shape for reply in seen[name].replies if not self._is_usual(reply)}
                kinds = unheard.kinds + self._unheard_before(seen[name], seen, owed)
                symptoms += _differences(self.habits[due.like], seen, name, due, _Late(kinds, odd))
            else:
                symptoms.append(Symptom(SymptomKind.TIMEOUT, f"{name} was never opened", name))
        return judged(symptoms)

    def unheard(
        self,
        run: Capture,
        before: Unheard = NONE_UNHEARD,
        owed: Mapping[str, Owed] = MappingProxyType({}),
        *,
        was_noted: bool = True,
    ) -> Unheard:
        """Return what clients did not hear by the end of a run, `before` counted in.

        A run in which all was heard and nothing came late leaves nothing: such a server keeps none.
        What was heard and not `was_noted` by the server counts as not heard.
        """
        seen = transcripts(run)
        lacking, surplus = Counter[str](), Counter[str]()
        runs = max(0, before.runs - 1) if was_noted else RECOVERING_RUNS
        # It may still be away in the runs after that.
        was_noted = was_noted and not before.runs
        for name, habit in self.habits.items():
            if name in seen:
                due = owed.get(name, Owed(name))
                lacking += _unheard(habit, seen, name, due) if was_noted else habit.kinds
                came = Counter(r.kind for r in seen[name].replies if self._is_usual(r))
                surplus += Counter({kind: came[kind] for kind in habit.kinds}) - habit.kinds
        untold = before.kinds + lacking
        came_late = bool(surplus & untold)
        is_kept = came_late or lacking or runs
        return Unheard(untold - surplus if is_kept else Counter(), came_late, runs)

    def _given_up(self, seen: Mapping[str, Transcript], owed: Mapping[str, Owed]) -> set[str]:
        """Return the connections that the server rightly ended: what they say then it hears not."""
        dues = {name: owed.get(name, Owed(name)) for name in (*self.habits, *owed)}
        return {
            name
            for name, due in dues.items()
            if name in seen and seen[name].ending.first is Side.SERVER
            if not due.ending or _was_given_up(self.habits[due.like], seen[name])
            if _ending_kind(seen[name].ending) not in self.habits[due.like].endings
        }

    def _is_usual(self, reply: Reply) -> bool:
        """Whether an unperturbed run has this message, on whatever connection."""
        return any(
            habit.normaliser.template(reply.shape) in habit.expected
            for habit in self.habits.values()
        )

    def _unheard_before(
        self, talk: Transcript, seen: Mapping[str, Transcript], owed: Mapping[str, Owed]
    ) -> Counter[str]:
        """Return what the clients did not hear that had left when this one came."""
        opened_ns = talk.steps_at_ns.get(0)
        left: Counter[str] = Counter()
        for name, habit in self.habits.items():
            other = seen.get(name)
            if other is None or other.left_at_ns is None or opened_ns is None:
                continue
            if other.left_at_ns <= opened_ns:
                left += _unheard(habit, seen, name, owed.get(name, Owed(name)))
        return left


def _steps_in_order(run: Mapping[str, Transcript]) -> list[_Taken]:
    """Return when the connections took their steps, the first first."""
    return sorted(
        (at_ns, name, step) for name in run for step, at_ns in run[name].steps_at_ns.items()
    )


def _habit(
    runs: Sequence[Transcript], longer: Sequence[Transcript], taken: Sequence[Sequence[_Taken]]
) -> _Habit:
    oftener = [_oftener(run, runs) for run in longer]
    endings = frozenset(_ending_kind(run.ending) for run in runs)
    # One that the server cut off says how long it takes, not how long it may be.
    whole = [*runs, *(run for run in longer if _ending_kind(run.ending) in endings)]
    normaliser = Normaliser.learned(
        [[reply.shape for reply in run.replies] for run in runs],
        [reply.shape for replies in oftener for reply in replies],
    )
    replies = [_by_template(run.replies, normaliser) for run in runs]
    more = [_by_template(replies, normaliser) for replies in oftener]
    expected = {}
    for template in dict.fromkeys(template for run in (*replies, *more) for template in run):
        counts = [len(run.get(template, ())) for run in replies]
        came = [reply for run in replies for reply in run.get(template, ())]
        grows = any(len(run.get(template, ())) > max(counts) for run in more)
        expected[template] = _Expected(
            low=min(counts),
            high=max(counts),
            step=max((reply.step for reply in came), default=0),
            causes=frozenset(
                cause
                for run, steps, grouped in zip(runs, taken, replies, strict=True)
                for reply in grouped.get(template, ())
                if (cause := _latest(steps, _came_ns(run, reply))) is not None
            ),
            latency_ns=max((reply.latency_ns for reply in came), default=0),
            is_free=grows or min(counts) != max(counts),
            kinds=frozenset(reply.kind for run in replies for reply in run.get(template, ())),
        )
    return _Habit(
        statuses=frozenset(run.status for run in runs),
        endings=endings,
        normaliser=normaliser,
        expected=expected,
        order=_order(runs, taken, normaliser, expected),
        kinds=_kinds(expected),
        silent_ns=max(_longest_silence_ns(run) for run in whole),
        stayed_ns=max(run.stayed_ns for run in whole),
        took_ns=_took_ns(expected),
    )


def _oftener(longer: Transcript, runs: Sequence[Transcript]) -> list[Reply]:
    """Return the messages of a longer run that come more often than in others: they go on.

    Another value in as many messages goes on nowhere, and may be the race that is hunted.
    """
    most = Counter[str]()
    for run in runs:
        most |= Counter(reply.shape.skeleton for reply in run.replies)
    more = Counter(reply.shape.skeleton for reply in longer.replies) - most
    return [reply for reply in longer.replies if reply.shape.skeleton in more]


def _took_ns(expected: Mapping[Template, _Expected]) -> Mapping[int, int]:
    took_ns: defaultdict[int, int] = defaultdict(int)
    for each in expected.values():
        if not each.is_free:
            took_ns[each.step] = max(took_ns[each.step], each.latency_ns)
    return took_ns


def _longest_silence_ns(run: Transcript) -> int:
    steps_ns = sorted(run.steps_at_ns.values())
    return max((later - earlier for earlier, later in pairwise(steps_ns)), default=0)


def _kinds(expected: Mapping[Template, _Expected]) -> Counter[str]:
    """Return how many of each kind come, of those that do not come by themselves."""
    free = {kind for each in expected.values() if each.is_free for kind in each.kinds}
    kinds = Counter[str]()
    for each in expected.values():
        for kind in each.kinds - free:
            kinds[kind] += each.low
    return kinds


def _by_template(
    replies: Iterable[Reply], normaliser: Normaliser
) -> defaultdict[Template, list[Reply]]:
    grouped: defaultdict[Template, list[Reply]] = defaultdict(list)
    for reply in replies:
        grouped[normaliser.template(reply.shape)].append(reply)
    return grouped


def _order(
    runs: Sequence[Transcript],
    taken: Sequence[Sequence[_Taken]],
    normaliser: Normaliser,
    expected: Mapping[Template, _Expected],
) -> frozenset[tuple[Template, Template]]:
    """Return the pairs of replies to one step that always came in this order, once each.

    What came after another connection's step in between may be that one's doing: no such pair.
    """
    always: set[tuple[Template, Template]] | None = None
    for run, steps in zip(runs, taken, strict=True):
        once = [
            (template, _latest(steps, _came_ns(run, reply)))
            for reply in run.replies
            if (template := normaliser.template(reply.shape))
            and expected[template].high == 1
            and not expected[template].is_free
        ]
        pairs = {
            (earlier, later)
            for number, (earlier, step) in enumerate(once)
            for later, other_step in once[number + 1 :]
            if step == other_step
        }
        always = pairs if always is None else always & pairs
    return frozenset(always or ())


def _came_ns(run: Transcript, reply: Reply) -> int:
    return run.steps_at_ns.get(reply.step, 0) + reply.latency_ns


def _latest(steps: Sequence[_Taken], at_ns: int) -> tuple[str, int] | None:
    """Return the last step that was taken by a time."""
    number = bisect(steps, at_ns, key=lambda taken: taken[0])
    return steps[number - 1][1:] if number else None


def _ending_kind(ending: Ending) -> tuple[bool, int | None]:
    return ending.first is Side.SERVER, ending.server_code


def _differences(
    habit: _Habit,
    seen: Mapping[str, Transcript],
    name: str,
    owed: Owed,
    late: _Late,
) -> Iterator[Symptom]:
    run = seen[name]
    if not run.steps_at_ns:
        # Its client never came, for want of what another connection was to bring.
        return
    if run.status is None and not owed.ending and run.ending.first is not Side.SERVER:
        # Gone before the answer came: then none was owed.
        return
    if run.status in CLIENT_ERRORS and not owed.alike:
        return
    if run.status == TOO_MANY_REQUESTS or _TOO_MUCH.search(run.ending.server_reason):
        return
    if run.status not in habit.statuses:
        yield _wrong_status(habit, run)
        if run.status != SWITCHING_PROTOCOLS:
            return
    if _was_given_up(habit, run) and _ending_kind(run.ending) not in habit.endings:
        # What was said at the same time crossed with its end.
        owed = owed.less(replies=False, ending=False)
    if not _may_end_so(habit, run.ending, owed):
        yield Symptom(SymptomKind.CLOSED, f"{name} {run.ending}", name)
    if owed.alike:
        yield from _said_otherwise(habit, seen, name, owed, late)


def _said_otherwise(
    habit: _Habit,
    seen: Mapping[str, Transcript],
    name: str,
    owed: Owed,
    late: _Late,
) -> Iterator[Symptom]:
    run = seen[name]
    grouped = _by_template(run.replies, habit.normaliser)
    missing = dict(_missing(habit, grouped))
    extra = dict(_extra(habit, grouped)) if owed.replies or owed.like == name else {}
    if any(_TOO_MUCH.search(grouped[template][-1].text) for template in extra):
        return
    missing, extra = _without_given_up(habit, grouped, missing, extra)
    missing, extra = _without_other_parts(habit, grouped, missing, extra)
    told_late = _told_late(extra, grouped, late)
    extra = {template: count - told_late[template] for template, count in extra.items()}
    due = {
        template
        for template in missing
        if owed.replies and _was_owed(habit, habit.expected[template], seen, name)
    }
    for kind, detail in _paired(missing, extra, due, grouped):
        yield Symptom(kind, f"{name}: {detail}", name)
    if not owed.replies:
        return
    # What was said late stands where it does not belong.
    in_place = [reply for reply in run.replies if reply.kind not in late.kinds]
    order = [habit.normaliser.template(reply.shape) for reply in in_place]
    for earlier, later in sorted(habit.order, key=repr):
        if earlier in order and later in order and order.index(later) < order.index(earlier):
            detail = f"{name}: {describe(later)} came before {describe(earlier)}"
            yield Symptom(SymptomKind.REORDERED, detail, name)
            return


def _says_unavailable(run: Transcript) -> bool:
    """Whether a server says in time that it cannot serve for now."""
    in_time = run.answered_after_ns <= REFUSED_WITHIN_NS
    return (run.status == UNAVAILABLE and in_time) or run.ending.server_code in AWAY_CODES


def _was_given_up(habit: _Habit, run: Transcript) -> bool:
    """Whether the server ended, in order, what was silent or lasted for longer than any before."""
    code = run.ending.server_code
    is_in_order = code is not None and code not in ERROR_CODES
    is_longer = (
        run.silent_ns > habit.silent_ns + LONGER_NS or run.stayed_ns > habit.stayed_ns + LONGER_NS
    )
    return is_in_order and is_longer


def _may_end_so(habit: _Habit, ending: Ending, owed: Owed) -> bool:
    """Whether a connection may end in this way: as ever, or when that is not owed without error."""
    if _ending_kind(ending) in habit.endings or not owed.grace:
        return True
    # Without the answers that it waits for, a client may give up by itself.
    if not (owed.replies and owed.alike) and ending.first is not Side.SERVER:
        return True
    if not owed.alike and ending.server_code is None:
        return not owed.ending
    return not (owed.ending and owed.alike) and ending.server_code not in ERROR_CODES


def _wrong_status(habit: _Habit, run: Transcript) -> Symptom:
    name = run.connection
    usual = ", ".join(sorted(str(status) for status in habit.statuses))
    if run.status is None:
        return Symptom(SymptomKind.TIMEOUT, f"{name}: no answer to the handshake", name)
    refusal = f" {run.refusal}"[:120].rstrip()
    took_s = run.answered_after_ns / 1e9
    late = f" after {took_s:.1f} s" if took_s > TOLD_FROM_S else ""
    detail = f"{name}: the handshake was answered {run.status}{refusal}{late}, usually {usual}"
    return Symptom(SymptomKind.REFUSED, detail, name)


def _missing(
    habit: _Habit, grouped: Mapping[Template, Sequence[Reply]]
) -> Iterator[tuple[Template, int]]:
    """Yield what usually comes and did not, with how many."""
    for template, expected in habit.expected.items():
        lacking = expected.low - len(grouped.get(template, ()))
        if lacking > 0 and not expected.is_free:
            yield template, lacking


def _unheard(habit: _Habit, seen: Mapping[str, Transcript], name: str, owed: Owed) -> Counter[str]:
    """Return how many of each kind may be told again: all, where the client left early, or where
    they were not owed for another reason.

    What it had heard by then a server that keeps messages does not know.
    """
    run = seen[name]
    grouped = _by_template(run.replies, habit.normaliser)
    lacks = any(
        expected.step in run.steps_at_ns
        and not expected.is_free
        and expected.low > len(grouped.get(template, ()))
        and not (owed.replies and owed.alike and _was_owed(habit, expected, seen, name))
        for template, expected in habit.expected.items()
    )
    broke_off = run.ending.first is not Side.SERVER and run.ending.server_code is None
    is_unusual = _ending_kind(run.ending) not in habit.endings
    return habit.kinds.copy() if lacks or (broke_off and is_unusual) else Counter()


def _done_ns(habit: _Habit, run: Transcript, step: int) -> int:
    """Return when a server that answers in turn is done with what was asked before a step."""
    done_ns = 0
    for earlier, at_ns in sorted(run.steps_at_ns.items()):
        if earlier < step:
            done_ns = max(done_ns, at_ns) + habit.took_ns.get(earlier, 0)
    return done_ns


def _was_owed(
    habit: _Habit, expected: _Expected, seen: Mapping[str, Transcript], name: str
) -> bool:
    """Whether what brings a message about was done, and the client stayed to hear it."""
    run = seen[name]
    brought_ns = [
        at_ns
        for other, step in expected.causes
        if other in seen and (at_ns := seen[other].steps_at_ns.get(step)) is not None
    ]
    if expected.step not in run.steps_at_ns or not brought_ns:
        return False
    # A server may do one thing after the other.
    asked_at_ns = max(
        run.steps_at_ns[expected.step], _done_ns(habit, run, expected.step), *brought_ns
    )
    if run.ending.first is Side.SERVER or run.left_at_ns is None:
        return True
    return run.left_at_ns - asked_at_ns > 2 * expected.latency_ns + SLACK_NS


def _extra(
    habit: _Habit, grouped: Mapping[Template, Sequence[Reply]]
) -> Iterator[tuple[Template, int]]:
    """Yield what the server sent more often than ever, with how many.

    What comes to a client that was silent for longer than ever comes by itself.
    """
    for template, replies in grouped.items():
        expected = habit.expected.get(template)
        asked = [r for r in replies if r.latency_ns <= habit.silent_ns + SLACK_NS]
        surplus = len(asked) - (0 if expected is None else expected.high)
        if surplus > 0 and not (expected is not None and expected.is_free):
            yield template, surplus


def _without_given_up(
    habit: _Habit,
    grouped: Mapping[Template, Sequence[Reply]],
    missing: Mapping[Template, int],
    extra: Mapping[Template, int],
) -> tuple[dict[Template, int], dict[Template, int]]:
    """Leave out answers to steps before one that the server answered by giving those up."""
    telling = {template for template in extra if _GIVEN_UP.search(grouped[template][-1].text)}
    last = max((reply.step for template in telling for reply in grouped[template]), default=0)
    return (
        {each: count for each, count in missing.items() if habit.expected[each].step >= last},
        {each: count for each, count in extra.items() if each not in telling},
    )


def _without_other_parts(
    habit: _Habit,
    grouped: Mapping[Template, Sequence[Reply]],
    missing: Mapping[Template, int],
    extra: Mapping[Template, int],
) -> tuple[dict[Template, int], dict[Template, int]]:
    """Leave out messages with lists whose items came in others: a server may put them together."""
    usual: Counter[tuple[str, str, str]] = Counter()
    now: Counter[tuple[str, str, str]] = Counter()
    for template, expected in habit.expected.items():
        usual.update(dict.fromkeys(_items(template), expected.low))
    for template, replies in grouped.items():
        now.update(dict.fromkeys(_items(template), len(replies)))

    def is_said(template: Template) -> bool:
        items = _items(template)
        return bool(items) and all(now[item] == usual[item] for item in items)

    unsaid = {template: count for template, count in missing.items() if not is_said(template)}
    # With items of one that lacks others it is what became of that one.
    lacking = {item for template in unsaid for item in _items(template)}
    others = {
        template: count
        for template, count in extra.items()
        if not is_said(template) or not lacking.isdisjoint(_items(template))
    }
    return unsaid, others


def _items(template: Template) -> list[tuple[str, str, str]]:
    skeleton, leaves = template
    return [(skeleton, path, value) for path, value in leaves if "[]" in path]


def _told_late(
    extra: Mapping[Template, int],
    grouped: Mapping[Template, Sequence[Reply]],
    late: _Late,
) -> Counter[Template]:
    """Return how many of what came too often somebody else had not heard."""
    left, told = late.kinds.copy(), Counter[Template]()
    for template, count in extra.items():
        kind = grouped[template][-1].kind
        if grouped[template][-1].shape in late.odd:
            continue
        told[template] = min(count, left[kind])
        left[kind] -= told[template]
    return +told


def _paired(
    missing: Mapping[Template, int],
    extra: Mapping[Template, int],
    due: Collection[Template],
    grouped: Mapping[Template, Sequence[Reply]],
) -> Iterator[tuple[SymptomKind, str]]:
    """Yield what is wrong; a message missing and one of its skeleton too many is one changed.

    Only what is `due` can be missing; what came changed came, however early the client left.
    """
    surplus = Counter(extra)
    for template, count in missing.items():
        for other in list(surplus):
            if other[0] == template[0] and surplus[other] > 0 and count > 0:
                common = min(count, surplus[other])
                surplus[other] -= common
                count -= common
                yield SymptomKind.CHANGED, _changed(template, other)
        if count > 0 and template in due:
            times = f" ({count} times)" if count > 1 else ""
            yield SymptomKind.MISSING, f"{describe(template)} did not come{times}"
    for template, count in surplus.items():
        if count > 0:
            text = grouped[template][-1].text[:100]
            yield SymptomKind.EXTRA, f"{describe(template)} came {count} times too many: {text}"


def _changed(usual: Template, now: Template) -> str:
    before = dict(usual[1])
    changes = [
        f"{path.removeprefix('$.')} was {value}, usually {before.get(path, 'nothing')}"
        for path, value in now[1]
        if before.get(path) != value
    ]
    return f"{describe(usual)} changed: " + (", ".join(changes[:3]) or "in its structure")

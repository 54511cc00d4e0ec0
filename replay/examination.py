"""From a failing run to a finding: does it fail again, in which window, and how often.

Confirmed by a sequential test, told from a mere order of steps, shrunk to the fewest edits,
narrowed by bisection, measured in turns with unperturbed runs.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from capture.format.model import Capture
from replay.errors import PlanError
from replay.experiment import Trial
from replay.failure import rate_of, verdict_on, with_log
from replay.finding import FailingWindow, Finding
from replay.ledger import Ledger
from replay.oracles.differential import ERROR_CODES
from replay.oracles.transcript import transcripts
from replay.oracles.verdict import SymptomKind, Verdict
from replay.perturbations import Gap, Hold, Perturbation, ServiceFault, Starve
from replay.plan import Plan
from replay.planning import plan_from_capture
from replay.search import Edits
from replay.search.plainer import plainer
from replay.search.shrink import Shrink
from replay.search.spread import Course, Times, orders, spread
from replay.search.window import Window, WindowSearch
from replay.statistics import Rate, probable, rate, repeats_to_see
from replay.statistics.sequential import Decision, SequentialTest

# Fresh runs until it is clear whether a change fails by chance, or often enough to be measured.
BY_CHANCE, OFTEN_ENOUGH = 0.1, 0.5
CONFIRMING_RUNS, MOST_CONFIRMING_RUNS = 4, 12
WINDOW_RUNS = 12
MIN_RATE_RUNS = 5
# What confirming a failure takes, and a few runs to measure it.
LEAST_RESERVE = CONFIRMING_RUNS + 1 + 4
# An edge of the window is wrong with this probability at most, by the rate that was measured.
EDGE_MISS = 0.02
MOST_REPEATS = 20
HIGHEST_NS = 4_000_000_000
SPREAD_NS = 300_000_000
SPREAD_RUNS = 2
PLAINER_RUNS = 2
# Codes of a Close frame that give no reason.
SAYS_NOTHING = frozenset({1000, 1005})
# Symptoms that tell which messages came, and no more.
SAYS_WHAT = frozenset({SymptomKind.MISSING, SymptomKind.CHANGED, SymptomKind.EXTRA})

Told = Sequence[tuple[Edits, Verdict]]


@dataclass(slots=True)
class Examination:
    """Examines failing runs. `rate_runs` is how many runs a rate rests on, and as many controls."""

    ledger: Ledger
    rate_runs: int
    seed: int
    # How many failed once, and not again.
    _not_again: int = 0
    # What messages say after a while, for good; the symptoms that other orders of steps have.
    _states: set[str] = field(default_factory=set)
    _of_orders: list[set[tuple[str, str, str]]] = field(default_factory=list)
    _spread_out: list[Trial] = field(default_factory=list)
    # The steps that gave another order, each once.
    _reordered: dict[str, None] = field(default_factory=dict)

    async def examine(self, failing: Trial, told: Told) -> Finding | None:
        """Return what a failing run comes to; None when it does not fail again, or is no race.

        `told` are the verdicts on other changes: some of them are known to pass.
        """
        confirmed, again = await self._confirmed(failing)
        await self.ledger.control()
        if confirmed is None:
            self._not_again += 1
            return None
        if await self._is_only_order(failing, again):
            return None
        found, failing = failing, await self._plainer(await self._fewest(failing, confirmed))
        # With fewer changes it may be in another order.
        if failing.edits != found.edits and await self._is_only_order(failing, ()):
            return None
        edits, search = failing.edits, None
        varied = varied_of(edits)
        if varied is not None:
            search = self._window_search(edits, varied, confirmed, told)
            is_narrow = await self._narrow(search, failing, keep=2 * MIN_RATE_RUNS)
            if is_narrow and self._is_only_later(failing, edits[varied], search.window):
                return None
            edits = search.with_value(search.innermost_ns)
        trials = await self.measure(edits)
        measured = rate_of([self._verdict_on(trial, failing) for trial in trials])
        if search is not None:
            await self._doubt(search, failing, measured)
        alike = [trial for trial in trials if self._verdict_on(trial, failing) is Verdict.FAIL]
        # What the failing run was looked into for leads, whatever else shows beside it.
        looked_for = {symptom.signature for symptom in failing.judgement.symptoms}
        shown = (alike or [failing])[0]
        symptoms = shown.judgement.symptoms
        only = shown.with_only(each for each in symptoms if each.signature in looked_for)
        symptom = with_log(only or shown)
        return Finding(edits, self._window(edits[varied or 0], search), measured, symptom)

    def note_what_was_no_race(self) -> None:
        """Note what failed and came to nothing."""
        if self._reordered:
            self.ledger.note(
                "another order of these steps and those of other connections gives other answers "
                f"however far apart they are, which is no race: {', '.join(self._reordered)}"
            )
        if self._not_again:
            self.ledger.note(f"{self._not_again} changes failed once, and not when repeated")

    async def measure(self, edits: tuple[Perturbation, ...]) -> list[Trial]:
        """Return runs with these edits, taken in turns with as many controls."""
        trials: list[Trial] = []
        # The turns are drawn, so that drift accuses neither.
        order = random.Random(self.seed)
        for _ in range(self.rate_runs):
            if trials and self.ledger.left < 2:
                break
            for is_control in order.sample((True, False), 2):
                if is_control:
                    await self.ledger.control()
                else:
                    trials.append(await self.ledger.experiment.run(edits, "rate"))
        return trials

    def window_of(
        self, edit: Perturbation, low_ns: int | None = None, high_ns: int | None = None
    ) -> FailingWindow:
        """Return where an edit fails, as far as its edges are known."""
        recorded_ns = edit.recorded_ns(self.ledger.experiment.plan)
        return FailingWindow(edit.connection, edit.step, edit.anchor, low_ns, high_ns, recorded_ns)

    async def _confirmed(self, failing: Trial) -> tuple[Rate | None, list[Trial]]:
        """Return how often it fails again, None when that may be chance; and the runs that did.

        The run that was found failing does not count: it was chosen for it.
        """
        again: list[Trial] = []
        test = SequentialTest(BY_CHANCE, OFTEN_ENOUGH, most=MOST_CONFIRMING_RUNS)
        runs = failures = 0
        while runs < CONFIRMING_RUNS or test.ask():
            if self.ledger.left <= LEAST_RESERVE - CONFIRMING_RUNS and runs >= CONFIRMING_RUNS:
                break
            trial = await self.ledger.experiment.run(failing.edits, "confirm")
            verdict = verdict_on(trial, failing)
            runs += 1
            if verdict is Verdict.UNKNOWN:
                continue
            if verdict is Verdict.FAIL:
                failures += 1
                again.append(trial)
            if test.ask():
                test.tell(verdict is Verdict.FAIL)
        is_likely = test.decision is Decision.OPEN and 2 * failures >= runs
        is_proven = test.decision is Decision.ENOUGH or is_likely
        return rate(failures, runs) if is_proven else None, again

    async def _is_only_order(self, failing: Trial, again: Sequence[Trial]) -> bool:
        """Whether the failure follows from the order of steps alone, however far apart they are."""
        experiment = self.ledger.experiment
        plan = experiment.plan
        for order, hurried_ns in self._orders(failing):
            edits = spread(plan, order, SPREAD_NS, hurried_ns)
            trials = [await experiment.run(edits, "spread") for _ in range(SPREAD_RUNS)]
            shown = [_shown_by(trial) for trial in trials]
            if shown[0] and all(each == shown[0] for each in shown):
                self._of_orders.append(shown[0])
            # A single run may lack a symptom, or have one more, by chance.
            alike = sum(_shown_by(trial) == shown[0] for trial in (failing, *again))
            is_told = shown[0] in self._of_orders and 2 * alike > len(again)
            goes_alike = any(self._goes_alike(failing, each) for each in trials)
            if goes_alike:
                self._spread_out += trials
            lacks_alike = shown[0] in self._of_orders and self._lacks_alike(failing, trials[0])
            if is_told or goes_alike or lacks_alike:
                step = plan.step(failing.edits[0].connection, failing.edits[0].step)
                self._reordered[step.name] = None
                return True
        return False

    def _orders(self, trial: Trial) -> Iterator[tuple[Times, Times]]:
        """Yield the orders of steps that may explain a run, and what keeps its gap in them.

        Where several things were changed, who left before an answer, too, may lack no more than
        that.
        """
        plan = self.ledger.experiment.plan
        course, usual = (_course_of(plan, each.run) for each in (trial, self._unperturbed()))
        left_ns = _left_early(plan, course) if len(trial.edits) > 1 else {}
        is_silent = all(each.kind in SAYS_WHAT for each in trial.judgement.symptoms)
        for order in orders(plan, course, usual):
            yield order, {}
            if left_ns and is_silent:
                yield order, left_ns

    def _unperturbed(self) -> Trial:
        runs = self.ledger.experiment.trials
        return next(run for run in reversed(runs) if not run.edits)

    def _goes_alike(self, failing: Trial, spread_out: Trial) -> bool:
        """Whether whoever has a symptom in a run hears the same far apart, and ends the same; and
        the others no more than there, as less may be owed to them.

        What it is called depends on what was changed, as that says what is owed.
        """
        baseline = self.ledger.experiment.baseline
        symptoms = failing.judgement.symptoms
        seen_otherwise = {each.exactly for each in symptoms if each.check or not each.connection}
        names = {each.connection for each in symptoms} - {""}
        if baseline is None or not names or not seen_otherwise <= _shown_by(spread_out):
            return False
        heard, far_apart = baseline.heard(failing.run), baseline.heard(spread_out.run)
        return all(
            name in far_apart
            and (talk == far_apart[name] or (name not in names and talk <= far_apart[name]))
            for name, talk in heard.items()
        )

    def _lacks_alike(self, failing: Trial, spread_out: Trial) -> bool:
        """Whether a run shows no more than what its order shows far apart, and what that lacks too.

        Far apart less may be owed: what a client does not wait for there is not called missing.
        """
        shown = _shown_by(spread_out)
        if all(each.kind is SymptomKind.EXTRA for each in failing.judgement.symptoms):
            # What was changed owes less, so that nothing is missing.
            return _shown_by(failing) <= shown
        more = [each for each in failing.judgement.symptoms if each.exactly not in shown]
        if not shown <= _shown_by(failing) or any(e.kind is not SymptomKind.MISSING for e in more):
            return False
        usual = _heard(self._unperturbed())
        lacking = usual - _heard(failing)
        return bool(lacking) and lacking <= usual - _heard(spread_out)

    def _is_only_later(self, failing: Trial, edit: Perturbation, window: Window) -> bool:
        """Whether the server says something else after a while, and for good: a state, no race."""
        recorded_ns = edit.recorded_ns(self.ledger.experiment.plan)
        lasts = window.high_ns is None and recorded_ns is not None and edit.value_ns > recorded_ns
        if not (isinstance(edit, Gap | Hold | Starve) and lasts and _may_be_a_state(failing)):
            return False
        self._states |= _what_changed(failing)
        self.ledger.note(
            f"{failing.judgement.symptoms[0].detail}: it stays so however much later the client "
            "comes, a state and no race"
        )
        return True

    def is_no_race(self, trial: Trial) -> bool:
        """Whether all that a run shows was found to follow from an order, or from a state."""
        symptoms = trial.judgement.symptoms
        if not symptoms:
            return False
        if self._is_of_an_order(trial):
            return any(self._orders(trial))
        return _may_be_a_state(trial) and _what_changed(trial) <= self._states

    def _verdict_on(self, trial: Trial, failing: Trial) -> Verdict:
        """Return whether a run fails alike.

        Beside a race there may be times at which only the order of steps is another.
        """
        return Verdict.PASS if self._is_of_an_order(trial) else verdict_on(trial, failing)

    def _is_of_an_order(self, trial: Trial) -> bool:
        """Whether a run shows what some order of steps has far apart."""
        if _shown_by(trial) in self._of_orders:
            return True
        return any(self._goes_alike(trial, each) for each in self._spread_out)

    async def _fewest(self, failing: Trial, confirmed: Rate) -> Trial:
        """Return a run that fails alike with the fewest of its edits."""
        shrink = Shrink(failing.edits, repeats_to_see(probable(confirmed)))
        while (edits := shrink.ask()) is not None and self.ledger.left > LEAST_RESERVE:
            trial = await self.ledger.experiment.run(edits, "shrink")
            verdict = self._verdict_on(trial, failing)
            shrink.tell(edits, verdict)
            if verdict is Verdict.FAIL:
                failing = trial
        return failing

    async def _plainer(self, failing: Trial) -> Trial:
        """Return a run that fails alike by one gap; the failing run itself when none does."""
        if len(failing.edits) > 1:
            return failing
        experiment = self.ledger.experiment
        try:
            came_ns = plan_from_capture(failing.run).recorded_ns
        except PlanError:
            # What failed left a record that could not be replayed by itself.
            return failing
        for gap in plainer(experiment.plan, failing.edits[0], came_ns):
            trials: list[Trial] = []
            while len(trials) < PLAINER_RUNS and self.ledger.left > LEAST_RESERVE:
                trial = await experiment.run((gap,), "plainer")
                if self._verdict_on(trial, failing) is not Verdict.FAIL:
                    break
                trials.append(trial)
            if len(trials) == PLAINER_RUNS:
                return trials[0]
        return failing

    def _window_search(
        self, edits: Edits, varied: int, confirmed: Rate, told: Told
    ) -> WindowSearch:
        """Return the search for the edges around one of the failing edits, the others held."""
        repeats = repeats_to_see(probable(confirmed))
        edit = edits[varied]

        def with_value(value_ns: int) -> Edits:
            return (*edits[:varied], edit.with_value(value_ns), *edits[varied + 1 :])

        return WindowSearch(
            with_value=with_value,
            failing_ns=edit.value_ns,
            passing_ns=self._known_to_pass(edit, repeats, told if len(edits) == 1 else ()),
            highest_ns=max(HIGHEST_NS, 2 * edit.value_ns),
            repeats=repeats,
        )

    async def _narrow(self, search: WindowSearch, failing: Trial, keep: int) -> bool:
        """Bisect the edges, keeping some runs; return whether they are known well enough."""
        while (edits := search.ask()) is not None:
            if self.ledger.left <= keep:
                return False
            trial = await self.ledger.experiment.run(edits, "window")
            search.tell(edits, self._verdict_on(trial, failing))
        return True

    async def _doubt(self, search: WindowSearch, failing: Trial, measured: Rate) -> None:
        """Ask the edges again when the failure turned out rarer than the search took it to be."""
        if not 0 < measured.failures < measured.runs:
            return
        share = measured.failures / measured.runs
        search.repeats = max(search.repeats, repeats_to_see(share, EDGE_MISS, MOST_REPEATS))
        if not await self._narrow(search, failing, keep=0):
            self.ledger.note(
                "the window may be wider: the budget ended before its edges were asked often "
                f"enough for what fails in {measured}"
            )

    def _window(self, edit: Perturbation, search: WindowSearch | None) -> FailingWindow:
        if search is None:
            return self.window_of(edit)
        found = search.window
        return self.window_of(edit, found.low_ns, found.high_ns)

    def _known_to_pass(self, edit: Perturbation, repeats: int, told: Told) -> tuple[int, ...]:
        """Return values of the same kind of edit that pass as far as is known."""
        # As recorded it passes: the baseline shows it.
        recorded_ns = edit.recorded_ns(self.ledger.experiment.plan)
        passing = [] if recorded_ns in (None, edit.value_ns) else [recorded_ns]
        if repeats == 1:
            passing += [
                other.value_ns
                for (other, *more), verdict in told
                if verdict is Verdict.PASS
                and not more
                and type(other) is type(edit)
                and other.has_value
                and other.with_value(0) == edit.with_value(0)
            ]
        return tuple(at_ns for at_ns in passing if at_ns is not None)


def _may_be_a_state(trial: Trial) -> bool:
    """Whether a server may rightly say this for good: other values, or that a client is too late.

    With such an end it says so, and what would come after it is missing.
    """
    symptoms = trial.judgement.symptoms
    kinds = {symptom.kind for symptom in symptoms}
    if kinds == {SymptomKind.CHANGED}:
        return True
    if not kinds <= {SymptomKind.CLOSED, SymptomKind.EXTRA, SymptomKind.MISSING}:
        return False
    talks = transcripts(trial.run)
    codes = {talks[each.connection].ending.server_code for each in symptoms}
    return None not in codes and not codes & (ERROR_CODES | SAYS_NOTHING)


def _what_changed(trial: Trial) -> set[str]:
    """Return which values of which messages are others than usual, and which ends.

    What did not come after an end says no more than the end.
    """
    symptoms = trial.judgement.symptoms
    told = [each for each in symptoms if each.kind is not SymptomKind.MISSING]
    return {symptom.detail.partition(" was ")[0] for symptom in told or symptoms}


def _heard(trial: Trial) -> Counter[tuple[str, str]]:
    """Return how often each connection heard each kind of message."""
    talks = transcripts(trial.run)
    return Counter((name, reply.kind) for name, talk in talks.items() for reply in talk.replies)


def _course_of(plan: Plan, run: Capture) -> Course:
    talks = {name: talk for name, talk in transcripts(run).items() if name in plan.connections}
    taken_ns = {
        (name, step): at_ns
        for name, talk in talks.items()
        for step, at_ns in talk.steps_at_ns.items()
    }
    answered_ns = {
        (name, reply.step): taken_ns[name, reply.step] + reply.latency_ns
        for name, talk in talks.items()
        for reply in reversed(talk.replies)
        if (name, reply.step) in taken_ns
    }
    return Course(taken_ns, answered_ns)


def _left_early(plan: Plan, course: Course) -> Times:
    """Return how soon those left who did before the step before that was answered."""
    left_ns = {}
    for name, steps in plan.connections.items():
        end, asked = (name, len(steps) - 1), (name, len(steps) - 2)
        if end in course.taken_ns and asked in course.taken_ns:
            at_ns = course.taken_ns[end]
            if course.answered_ns.get(asked, math.inf) > at_ns:
                left_ns[end] = at_ns - course.taken_ns[asked]
    return left_ns


def _shown_by(trial: Trial) -> set[tuple[str, str, str]]:
    return {symptom.exactly for symptom in trial.judgement.symptoms}


def varied_of(edits: Edits) -> int | None:
    """Return the place of the edit whose value is told as a window; None when none has a value.

    A gap says most of a race, a time of a service least.
    """
    places = [place for place, edit in enumerate(edits) if edit.has_value]

    def says(place: int) -> tuple[bool, bool]:
        edit = edits[place]
        return not isinstance(edit, Gap), isinstance(edit, ServiceFault)

    return min(places, key=says, default=None)

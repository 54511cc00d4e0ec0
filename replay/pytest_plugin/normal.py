"""What is normal for one capture at one server, learned once for all tests that replay it there."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from capture.format.model import Capture
from replay.auth import TokenSource
from replay.engine.live import DEFAULT_PATIENCE_S, RunSettings
from replay.experiment import Experiment
from replay.learning import BASELINE_RUNS, learn
from replay.log_tail import LogTail, ServerLog
from replay.oracles.differential import Baseline
from replay.oracles.log import LogBaseline
from replay.oracles.mismatch import Mismatch, Transcripts, Varying, lasting
from replay.oracles.recorded import as_run, without_secret_numbers
from replay.oracles.transcript import transcripts
from replay.oracles.verdict import Judgement, SymptomKind, judged
from replay.past_runs import RUNS_FOLDER
from replay.plan import Pace, Plan
from replay.planning import plan_from_capture
from replay.target import Target

if TYPE_CHECKING:
    from replay.engine.virtual.asgi_server import AsgiServer
    from replay.engine.virtual.uvicorn_server import UvicornServer

# A URL, and which application in this process if it is one.
Server = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Place:
    """The server under test, how to get in, and its log if that is to be read along.

    `application` carries runs to the one that is served in this process. `token_options` say the
    same of the tokens to `deadheat replay`.
    """

    target: Target
    tokens: TokenSource
    log: Path | None = None
    token_options: tuple[str, ...] = ()
    patience_s: float = DEFAULT_PATIENCE_S
    application: UvicornServer | AsgiServer | None = None

    @property
    def server(self) -> Server:
        """What tells it from other servers."""
        return self.target.url, id(self.application)

    def settings(self) -> RunSettings:
        """Return the settings of a first run."""
        settings = RunSettings(self.target, self.tokens, self.patience_s)
        if self.application is None:
            return settings
        return replace(settings, carrier=self.application)

    @property
    def new_loop(self) -> Callable[[], AbstractEventLoop] | None:
        """What makes the event loop that its time is on, None for the usual one."""
        if self.application is None:
            return None
        from replay.engine.virtual.loop import VirtualLoop

        return VirtualLoop

    def server_log(self) -> ServerLog | None:
        """Return a reader of what the log gets from now on."""
        if self.application is not None:
            return self.application.log
        return LogTail(self.log) if self.log is not None else None


@dataclass(frozen=True, slots=True)
class Normal:
    """How to replay a capture, and what to expect of it.

    `expected` is what a run should say and `varying` what may differ in it; `problem` is set when
    the server does not do as recorded, `departures` are the messages in which it does not.
    """

    plan: Plan
    settings: RunSettings
    expected: Transcripts
    varying: Varying
    settle_s: float = 0.0
    baseline: Baseline | None = None
    log_baseline: LogBaseline | None = None
    controls: tuple[Capture, ...] = ()
    problem: str = ""
    departures: tuple[Mismatch, ...] = ()

    @property
    def pushes(self) -> frozenset[str]:
        """The kinds of messages that come unasked."""
        return self.baseline.pushes() if self.baseline is not None else frozenset()


@dataclass(slots=True)
class Normals:
    """The normals of a test session by capture, place and pace.

    One is forgotten when its server may be another one: `forget` says so.
    """

    _known: dict[tuple[str, Server, Path | None, Pace], Normal] = field(default_factory=dict)

    async def of(
        self, capture_sha256: str, recorded: Capture, place: Place, pace: Pace, directory: Path
    ) -> Normal:
        """Return what is normal; learn it in `directory` if nobody asked before.

        Raises PlanError, NoToken, TargetRefused.
        """
        key = (capture_sha256, place.server, place.log, pace)
        if key not in self._known:
            self._known[key] = await learned(recorded, place, pace, directory)
        return self._known[key]

    def settle_s(self, place: Place) -> float:
        """Return the rest that the server needs between runs, as far as anybody knows."""
        return max(
            (known.settle_s for key, known in self._known.items() if key[1] == place.server),
            default=0.0,
        )

    def forget(self) -> None:
        """Forget everything."""
        self._known.clear()


def unlearned(recorded: Capture, place: Place, pace: Pace) -> Normal:
    """Return what the recording alone tells."""
    as_recorded = transcripts(comparable(recorded))
    return Normal(
        plan=plan_from_capture(recorded, pace),
        settings=place.settings(),
        expected=as_recorded,
        varying=Varying.learned([], as_recorded),
    )


async def learned(recorded: Capture, place: Place, pace: Pace, directory: Path) -> Normal:
    """Return what the recording and unperturbed runs tell; their records stay in `directory`."""
    alone = unlearned(recorded, place, pace)
    (directory / RUNS_FOLDER).mkdir(parents=True, exist_ok=True)
    experiment = Experiment(
        alone.plan, alone.settings, directory, place.server_log(), lambda trial: None
    )
    learned = await learn(experiment, recorded)
    controls = [trial.run for trial in experiment.trials if trial.purpose == "baseline"]
    # Those before did without the rests, or the plan, that turned out to be needed.
    controls = controls[-BASELINE_RUNS:]
    said = [transcripts(without_secret_numbers(run)) for run in controls]
    varying = Varying.learned(said, alone.expected)
    baseline = experiment.baseline if learned.is_sound else None
    return Normal(
        plan=experiment.plan,
        settings=experiment.settings,
        expected=alone.expected,
        varying=varying,
        settle_s=experiment.settle_s,
        baseline=baseline,
        log_baseline=experiment.log_baseline,
        controls=tuple(controls),
        problem="" if learned.is_sound else learned.reasons[0],
        departures=_departures(alone.expected, said, varying, baseline),
    )


def comparable(recorded: Capture) -> Capture:
    """Return a recording in the form that runs are compared in."""
    return without_secret_numbers(as_run(recorded))


def _departures(
    expected: Transcripts, said: Sequence[Transcripts], varying: Varying, baseline: Baseline | None
) -> tuple[Mismatch, ...]:
    if baseline is None:
        return ()
    return tuple(lasting(expected, said, varying, baseline.pushes()))


def lost_kinds(normal: Normal) -> list[Mismatch]:
    """Return the departures in which nothing of the recorded kind came at all."""
    said = [transcripts(run) for run in normal.controls]
    came = {
        (name, reply.kind)
        for run in said
        for name, transcript in run.items()
        for reply in transcript.replies
    }
    return [
        mismatch
        for mismatch in normal.departures
        if not mismatch.is_extra and (mismatch.connection, mismatch.odd.kind) not in came
    ]


def judged_alone(recorded: Capture, run: Capture) -> Judgement:
    """Judge a run by the recording alone."""
    as_recorded = comparable(recorded)
    judgement = Baseline.learned([as_recorded]).judge(without_secret_numbers(run))
    unended = {
        name
        for name, transcript in transcripts(as_recorded).items()
        if transcript.ending.first is None
    }
    # How such a connection ends was not recorded.
    return judged(
        symptom
        for symptom in judgement.symptoms
        if not (symptom.kind is SymptomKind.CLOSED and symptom.connection in unended)
    )

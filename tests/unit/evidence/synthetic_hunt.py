"""Hunt directories made in a moment: the real search and oracles, and a server of a few lines.

The session: c1 connects, says something and leaves; c2 comes back 900 ms later. A server with a
`window_ms` refuses c2 when it comes within that time after c1 was closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from capture.format.model import (
    FORMAT,
    VERSION,
    Capture,
    CloseHow,
    Direction,
    Event,
    Frame,
    Header,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
    Vantage,
)
from capture.format.writer import CaptureWriter
from replay.experiment import Trial
from replay.finding import Answer, FailingWindow, Finding, HuntResult
from replay.hunt_directory import HuntDirectory, plan_to_json
from replay.oracles.differential import Baseline
from replay.oracles.log import LogBaseline
from replay.oracles.verdict import Judgement, Symptom, Verdict, merged
from replay.perturbations import Gap, Perturbation, perturbed
from replay.plan import START, After, End, Kind, Open, Plan, Send, Step
from replay.planning import plan_from_capture
from replay.search.sweep import Sweep
from replay.search.window import WindowSearch
from replay.statistics import rate

MS = 1_000_000
RECORDED_GAP_MS = 900.0
LATE_NS = 120_000
COMPLAINT = 'RuntimeError: WebSocket is not connected. Need to call "accept" first.'
SERVER = "ws://127.0.0.1:9000/chat"
CLIENT, FROM_SERVER = Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT


@dataclass(frozen=True)
class Server:
    """A `share` of the runs in the window fails; `talks` says whether it writes a log."""

    window_ms: tuple[float, float] | None = (0.0, 400.0)
    talks: bool = True
    share: float = 1.0
    fails_anyway: bool = False

    def refuses(self, gap_ns: int | None, number: int) -> bool:
        if self.fails_anyway and number % 2:
            return True
        # Scattered over the runs, and the same every time.
        lot = number * 2_654_435_761 % 2**32 / 2**32
        if self.window_ms is None or gap_ns is None or lot >= self.share:
            return False
        return self.window_ms[0] <= gap_ns / MS < self.window_ms[1]


def recorded_session() -> Capture:
    """Return what was recorded."""
    events: list[Event] = []
    for name, begin_ms in (("c1", 0.0), ("c2", 62.2 + RECORDED_GAP_MS)):
        opened = [_at(begin_ms + 1), _at(begin_ms + 3)]
        events += [
            UpgradeRequest(
                at_ns=opened[0],
                connection=name,
                url=SERVER,
                headers=(("Host", "127.0.0.1:9000"),),
                connected_at_ns=_at(begin_ms),
            ),
            UpgradeResponse(at_ns=opened[1], connection=name, status=101, headers=()),
            _frame(name, FROM_SERVER, begin_ms + 4, '{"type": "welcome"}'),
            _frame(name, CLIENT, begin_ms + 30, '{"type": "say"}'),
            _frame(name, FROM_SERVER, begin_ms + 31, '{"type": "echo"}'),
            _frame(name, CLIENT, begin_ms + 60, None),
            _frame(name, FROM_SERVER, begin_ms + 61, None),
            _tcp_close(name, begin_ms + 62.2),
        ]
    return Capture(header=_header(Vantage.EDGE), events=_sorted(events))


def simulated_run(plan: Plan, server: Server, number: int) -> tuple[Capture, tuple[str, ...]]:
    """Return the record of a run of this plan, and what the server logged."""
    run = _Simulation(plan, server, number)
    run.go()
    return Capture(header=_header(Vantage.CLIENT), events=_sorted(run.events)), tuple(run.log)


@dataclass
class _Simulation:
    plan: Plan
    server: Server
    number: int
    events: list[Event] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    happened: dict[After, int] = field(default_factory=lambda: {START: 0})
    said: dict[str, int] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)

    def go(self) -> None:
        waiting = list(self.plan.steps())
        while waiting:
            ready = [step for step in waiting if self._due(step) is not None]
            if not ready:
                return
            step = min(ready, key=lambda each: self._due(each) or 0)
            waiting.remove(step)
            self._take(step, (self._due(step) or 0))

    def _due(self, step: Step) -> int | None:
        before = After(Kind.STEP, step.connection, step.index - 1)
        opened = After(Kind.OPEN, step.connection)
        awaited = [step.after] + ([before, opened] if step.index else [])
        if step.connection in self.over or any(event not in self.happened for event in awaited):
            return None
        earliest = max(self.happened[event] for event in awaited)
        return max(earliest, self.happened[step.after] + step.gap_ns)

    def _take(self, step: Step, planned_ns: int) -> None:
        at_ns, name = planned_ns + LATE_NS, step.connection
        self.happened[step.as_event] = at_ns
        match step.action:
            case Open():
                self._open(name, at_ns, planned_ns)
            case Send():
                text = step.action.fragments[0].payload.decode()
                self._add(name, CLIENT, at_ns, text, step.index, planned_ns)
                self._message(name, at_ns + MS, '{"type": "echo"}')
            case End():
                self._add(name, CLIENT, at_ns, None, step.index, planned_ns)
                self._add(name, FROM_SERVER, at_ns + MS, None)
                self._close(name, at_ns + 2 * MS)

    def _open(self, name: str, at_ns: int, planned_ns: int) -> None:
        self.events.append(
            UpgradeRequest(
                at_ns=at_ns + MS,
                connection=name,
                url=SERVER,
                headers=(),
                connected_at_ns=at_ns,
                step=0,
                planned_at_ns=planned_ns + MS,
            )
        )
        closed_ns = self.happened.get(After(Kind.CLOSED, "c1"))
        gap_ns = None if closed_ns is None or name == "c1" else at_ns - closed_ns
        refused = name != "c1" and self.server.refuses(gap_ns, self.number)
        status = 500 if refused else 101
        self.events.append(
            UpgradeResponse(at_ns=at_ns + 3 * MS, connection=name, status=status, headers=())
        )
        if refused:
            self.log += ["ERROR: Exception in ASGI application", COMPLAINT] * self.server.talks
            self._close(name, at_ns + 4 * MS)
            return
        self.log += [f"connection {self.number}{name[1:]} open"] * self.server.talks
        self.happened[After(Kind.OPEN, name)] = at_ns + 3 * MS
        self._message(name, at_ns + 4 * MS, '{"type": "welcome"}')

    def _message(self, name: str, at_ns: int, text: str) -> None:
        self._add(name, FROM_SERVER, at_ns, text)
        # What the plan calls this message: the session has as many, in the same order.
        known = [
            event
            for event in self.plan.recorded_ns
            if event.kind is Kind.MESSAGE and event.connection == name
        ]
        known.sort(key=self.plan.recorded_ns.__getitem__)
        self.happened[known[self.said.get(name, 0)]] = at_ns
        self.said[name] = self.said.get(name, 0) + 1

    def _close(self, name: str, at_ns: int) -> None:
        self.events.append(_tcp_close(name, at_ns / MS))
        self.over.add(name)
        self.happened[After(Kind.CLOSED, name)] = at_ns

    def _add(
        self,
        name: str,
        direction: Direction,
        at_ns: int,
        text: str | None,
        step: int | None = None,
        planned_ns: int | None = None,
    ) -> None:
        self.events.append(_frame(name, direction, at_ns / MS, text, step, planned_ns))


@dataclass
class _Hunter:
    """Carries out runs in a directory, as an experiment does."""

    directory: Path
    plan: Plan
    server: Server
    baseline: Baseline
    usual_log: LogBaseline
    trials: list[Trial] = field(default_factory=list)

    def run(self, edits: Sequence[Perturbation], purpose: str) -> Verdict:
        number = len(self.trials) + 1
        path = self.directory / "runs" / f"{number:04d}.capture.jsonl"
        run, log = simulated_run(perturbed(self.plan, edits), self.server, number)
        if purpose == "baseline":
            judgement = Judgement(Verdict.UNKNOWN, reason="there is no baseline yet")
        else:
            judgement = merged([self.baseline.judge(run), self.usual_log.judge(log)])
        write_capture(path, run)
        self.trials.append(Trial(number, purpose, tuple(edits), run, log, judgement, path))
        return judgement.verdict

    def repeat(self, edits: Sequence[Perturbation], purpose: str, times: int) -> int:
        return sum(self.run(edits, purpose) is Verdict.FAIL for _ in range(times))


def write_hunt(
    path: Path,
    server: Server = Server(),
    *,
    rate_runs: int = 8,
    compare: Iterable[Perturbation] = (),
    reasons: Sequence[str] = (),
) -> Path:
    """Write the directory of a hunt against this server; `compare` runs those edits at the end."""
    recorded = recorded_session()
    plan = plan_from_capture(recorded)
    healthy = [simulated_run(plan, Server(None, server.talks), number) for number in range(3)]
    hunter = _Hunter(
        path,
        plan,
        server,
        Baseline.learned([run for run, _ in healthy]),
        LogBaseline.learned(log for _, log in healthy),
    )
    with HuntDirectory.prepared(path, overwrite=False) as directory:
        source = path.parent / f"{path.name}.recorded.jsonl"
        write_capture(source, recorded)
        directory.keep_capture(source)
        source.unlink()
        result = _hunted(hunter, rate_runs, reasons)
        hunter.repeat(list(compare), "comparison", rate_runs if compare else 0)
        directory.write_result(result, _asked(plan))
    _write_table(path, hunter.trials)
    return path


def _hunted(hunter: _Hunter, rate_runs: int, reasons: Sequence[str]) -> HuntResult:
    hunter.repeat((), "baseline", 3)
    sweep, edit, tried = Sweep(hunter.plan), None, 0
    while edit is None and tried < 30 and (edits := sweep.ask()) is not None:
        # Its server knows gaps alone.
        is_gap = isinstance(edits[0], Gap)
        verdict = hunter.run(edits, "sweep") if is_gap else Verdict.PASS
        sweep.tell(edits, verdict)
        tried += is_gap
        edit = edits[0] if verdict is Verdict.FAIL and not hunter.server.fails_anyway else None
    failures = hunter.repeat((), "control", 2)
    finding = None
    if edit is not None:
        finding, more = _examined(hunter, edit, rate_runs)
        failures += more
    if finding is not None:
        answer = Answer.REPRODUCED
    else:
        answer = Answer.INCONCLUSIVE if reasons or failures else Answer.NOT_REPRODUCED
    controls = sum(trial.purpose == "control" for trial in hunter.trials)
    return HuntResult(
        answer,
        len(hunter.trials),
        rate(failures, controls),
        () if finding is None else (finding,),
        reasons,
        tried,
        sweep.left,
    )


def _examined(hunter: _Hunter, edit: Perturbation, rate_runs: int) -> tuple[Finding, int]:
    assert isinstance(edit, Gap)
    hunter.repeat([edit], "confirm", 2)
    repeats = 1 if hunter.server.share >= 1 else 6
    search = WindowSearch(
        lambda value_ns: (edit.with_value(value_ns),),
        edit.value_ns,
        (_at(RECORDED_GAP_MS),),
        _at(8_000),
        repeats,
    )
    while (edits := search.ask()) is not None:
        search.tell(edits, hunter.run(edits, "window"))
    found = search.window
    assert found.low_ns is not None
    assert found.high_ns is not None
    edit = edit.with_value((found.low_ns + found.high_ns) // 2)
    failed, controls = 0, 0
    for _ in range(rate_runs):
        failed += hunter.repeat([edit], "rate", 1)
        controls += hunter.repeat((), "control", 1)
    window = FailingWindow(
        connection=edit.connection,
        step=edit.step,
        after=edit.anchor,
        low_ns=found.low_ns,
        high_ns=found.high_ns,
        recorded_ns=edit.recorded_ns(hunter.plan),
    )
    symptom = next(trial.judgement.symptom for trial in hunter.trials if trial.judgement.symptoms)
    assert isinstance(symptom, Symptom)
    return Finding((edit,), window, rate(failed, rate_runs), symptom), controls


def _asked(plan: Plan) -> dict[str, Any]:
    return {
        "target": "ws://127.0.0.1:9000",
        "seed": 7,
        "budget": 200,
        "settle_s": 0.05,
        "plan": plan_to_json(plan),
    }


def _write_table(path: Path, trials: Iterable[Trial]) -> None:
    import msgspec

    lines = [msgspec.json.encode(trial.to_json()).decode() for trial in trials]
    (path / "runs.jsonl").write_text("".join(f"{line}\n" for line in lines))


def write_capture(path: Path, capture: Capture) -> None:
    """Write a capture file."""
    with CaptureWriter(path, capture.header) as writer:
        for event in capture.events:
            writer.write(event)


def _header(vantage: Vantage) -> Header:
    return Header(
        format=FORMAT,
        version=VERSION,
        vantage=vantage,
        started_at="2026-01-02T03:04:05.000006Z",
        recorder="deadheat test",
    )


def _frame(
    name: str,
    direction: Direction,
    at_ms: float,
    text: str | None,
    step: int | None = None,
    planned_ns: int | None = None,
) -> Frame:
    at_ns = _at(at_ms)
    return Frame(
        at_ns=at_ns,
        first_byte_at_ns=at_ns,
        connection=name,
        direction=direction,
        opcode="close" if text is None else "text",
        fin=True,
        masked=direction is CLIENT,
        wire_length=8,
        text=text,
        data=b"\x03\xe8" if text is None else None,
        close_code=1000 if text is None else None,
        step=step,
        planned_at_ns=planned_ns,
    )


def _tcp_close(name: str, at_ms: float) -> TcpClose:
    return TcpClose(at_ns=_at(at_ms), connection=name, side=Side.SERVER, how=CloseHow.FIN)


def _at(at_ms: float) -> int:
    return round(at_ms * MS)


def _sorted(events: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(sorted(events, key=lambda event: event.at_ns))


__all__ = ["Server", "recorded_session", "simulated_run", "write_capture", "write_hunt"]

"""Whole hunts against servers of a few lines, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random

import pytest

from capture.errors import UnwritableOutput
from capture.format.model import Capture
from capture.format.writer import CaptureWriter
from replay.auth import TokenSource
from replay.engine.live import RunSettings
from replay.errors import ReplayError, TargetRefused
from replay.experiment import Experiment
from replay.finding import Answer, HuntResult
from replay.hunt import MIN_BUDGET, Hunt, HuntRequest, HuntSettings, hunt
from replay.past_runs import RUNS_TABLE, PastRuns
from replay.perturbations import Gap
from replay.plan import After, Kind, Plan
from replay.planning import plan_from_capture
from replay.target import Target
from tests.unit.replay.captures import HEADER, MS, Connection, capture_of
from tests.unit.replay.virtual import Server, Session, play

C1, C2 = Connection("c1"), Connection("c2")
TARGET = Target("ws://127.0.0.1:9")
MakeServer = Callable[[], Server]
NO_PAST = PastRuns()


def talk(gap_ms: float = 100) -> Plan:
    """One connection: two messages `gap_ms` apart, each answered, then a goodbye."""
    recorded = capture_of(
        C1.opened(0),
        C1.sent(100, '{"n": 1}'),
        C1.sent(100 + gap_ms, '{"n": 2}'),
        C1.left(600 + gap_ms),
    )
    return plan_from_capture(recorded)


def acknowledges(session: Session, payload: bytes) -> None:
    session.say({"type": "ack", "of": payload.decode()}, after_ms=3)


HEALTHY = Server(acknowledges)


class LiveStandIn:
    """Carries plans out in virtual time; a new server a run, as between runs nothing is left."""

    def __init__(self, make_server: MakeServer) -> None:
        self.make_server = make_server
        self.runs = 0

    async def __call__(self, plan: Plan, settings: RunSettings, out: Path) -> Capture:
        self.runs += 1
        run = play(plan, self.make_server(), settings.patience_s * 1_000)
        with CaptureWriter(out, HEADER, overwrite=True) as writer:
            for event in run.events:
                writer.write(event)
        return run


class Telling:
    """A log to which a server writes what comes to its mind."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def skip(self) -> None:
        self.lines.clear()

    def new_lines(self) -> list[str]:
        said, self.lines = self.lines, []
        return said


@pytest.fixture
def hunted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Return a function that hunts in a plan against a server."""
    monkeypatch.setattr("replay.learning.SETTLE_LADDER_S", (0, 0, 0))

    async def hunt_in(
        plan: Plan,
        make_server: MakeServer,
        recorded_on: Server = HEALTHY,
        past: PastRuns = NO_PAST,
        log: Telling | None = None,
        **settings: int,
    ) -> HuntResult:
        monkeypatch.setattr("replay.experiment.run_live", LiveStandIn(make_server))
        recorded = play(plan, recorded_on)
        (tmp_path / "runs").mkdir(exist_ok=True)
        experiment = Experiment(
            plan_from_capture(recorded),
            RunSettings(TARGET, TokenSource()),
            tmp_path,
            log,
            lambda trial: None,
            past=past,
        )
        return await Hunt(experiment, recorded, HuntSettings(**settings)).run()

    return hunt_in


Hunted = Callable[..., object]


def deaf_at_first(deaf_ms: float) -> Server:
    """It listens only some time after it accepted."""

    def on_open(session: Session) -> int:
        session.state["listens_at_ns"] = session.at_ns + deaf_ms * MS
        return 101

    def on_message(session: Session, payload: bytes) -> None:
        if session.at_ns >= session.state["listens_at_ns"]:
            acknowledges(session, payload)

    return Server(on_message, on_open)


def loses_between(low_ms: float, high_ms: float, chance: Callable[[], float] = lambda: 0) -> Server:
    """It loses what comes that long after the message before."""

    def on_message(session: Session, payload: bytes) -> None:
        before_ns = session.state.get("before_ns")
        session.state["before_ns"] = session.at_ns
        since_ms = None if before_ns is None else (session.at_ns - before_ns) / MS
        if since_ms is None or not low_ms <= since_ms <= high_ms or chance() >= 0.7:
            acknowledges(session, payload)

    return Server(on_message)


async def test_a_late_listener_is_found(hunted: Hunted) -> None:
    result = await hunted(talk(), lambda: deaf_at_first(50))  # type: ignore[misc]
    assert result.answer is Answer.REPRODUCED
    assert result.finding is not None
    window = result.finding.window
    assert (window.connection, window.step, window.after) == ("c1", 1, "c1 open")
    assert window.low_ns == 0
    assert window.high_ns == pytest.approx(48 * MS, rel=0.1)
    assert (result.finding.rate.failures, result.finding.rate.runs) == (20, 20)
    assert result.finding.symptom.kind == "missing"
    assert result.control.failures == 0


@pytest.mark.parametrize("gap_ms", [5, 200])
async def test_a_window_in_the_middle_is_found_from_either_side(
    hunted: Hunted, gap_ms: float
) -> None:
    result = await hunted(talk(gap_ms), lambda: loses_between(20, 60))  # type: ignore[misc]
    assert result.answer is Answer.REPRODUCED
    assert result.finding is not None
    window = result.finding.window
    assert (window.connection, window.step) == ("c1", 2)
    # The answer to the first message comes 5 ms after it.
    later_ns = 5 * MS if "message" in window.after else 0
    assert window.low_ns == pytest.approx(20 * MS - later_ns, rel=0.1)
    assert window.high_ns == pytest.approx(60 * MS - later_ns, rel=0.1)


async def test_a_race_that_shows_most_of_the_time_is_found_with_its_rate(hunted: Hunted) -> None:
    chance = Random(4).random
    result = await hunted(talk(), lambda: loses_between(20, 60, chance))  # type: ignore[misc]
    assert result.answer is Answer.REPRODUCED
    assert result.finding is not None
    assert result.finding.rate.low < 0.7 < result.finding.rate.high


async def test_a_reconnect_that_comes_too_soon_is_found(hunted: Hunted) -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0),
            C1.sent(10, "1"),
            C1.left(20),
            C2.opened(900),
            C2.sent(910, "2"),
            C2.left(950),
        )
    )

    def remembers() -> Server:
        spoke_at_ns: list[int] = []

        def on_open(session: Session) -> int:
            is_soon = spoke_at_ns and session.at_ns - spoke_at_ns[-1] < 300 * MS
            return 409 if session.name == "c2" and is_soon else 101

        def on_message(session: Session, payload: bytes) -> None:
            spoke_at_ns.append(session.at_ns)
            acknowledges(session, payload)

        return Server(on_message, on_open)

    result = await hunted(plan, remembers)  # type: ignore[misc]
    assert result.answer is Answer.REPRODUCED
    assert result.finding is not None
    assert result.finding.symptom.kind == "refused"
    assert (result.finding.window.connection, result.finding.window.step) == ("c2", 0)


async def test_a_healthy_server_that_is_never_the_same_is_not_accused(hunted: Hunted) -> None:
    random = Random(5)

    def on_open(session: Session) -> int:
        at_ms = 0.0
        while at_ms < 3_000:
            at_ms += random.uniform(5, 60)
            session.say({"type": "tick", "id": random.getrandbits(64)}, after_ms=at_ms)
        return 101

    def on_message(session: Session, payload: bytes) -> None:
        answer = {"type": "ack", "of": payload.decode(), "id": f"{random.getrandbits(128):x}"}
        session.say(answer, after_ms=random.uniform(1, 60))

    def server() -> Server:
        return Server(on_message, on_open)

    result = await hunted(talk(), server, recorded_on=server(), budget=300)  # type: ignore[misc]
    assert result.answer is Answer.NOT_REPRODUCED, result.reasons
    assert result.control.failures == 0
    assert result.finding is None
    assert result.tried > 30


async def test_a_server_that_fails_by_itself_is_no_finding(hunted: Hunted) -> None:
    random = Random(1)

    def flaky() -> Server:
        return Server(acknowledges, lambda session: 503 if random.random() < 0.15 else 101)

    result = await hunted(talk(), flaky, budget=120)  # type: ignore[misc]
    assert result.answer is Answer.INCONCLUSIVE
    assert result.finding is None


async def test_a_server_that_breaks_for_good_in_the_middle_is_no_finding(hunted: Hunted) -> None:
    made: list[Server] = []

    def breaks() -> Server:
        made.append(HEALTHY if len(made) < 12 else loses_between(0, 10_000))
        return made[-1]

    result = await hunted(talk(), breaks)  # type: ignore[misc]
    assert (result.answer, result.finding) == (Answer.INCONCLUSIVE, None)
    assert "the failure is about as frequent without the change" in result.reasons


async def test_a_server_that_does_not_do_as_recorded_is_inconclusive(hunted: Hunted) -> None:
    result = await hunted(talk(), lambda: Server(acknowledges, lambda session: 404))  # type: ignore[misc]
    assert result.answer is Answer.INCONCLUSIVE
    assert "the handshake of c1 was answered 404, recorded 101" in result.reasons[0]


async def test_a_silent_server_is_inconclusive(hunted: Hunted) -> None:
    result = await hunted(talk(), lambda: Server(lambda session, payload: None))  # type: ignore[misc]
    assert result.answer is Answer.INCONCLUSIVE
    assert "the server said nothing on c1, recorded 2 messages" in result.reasons[0]


@pytest.mark.parametrize("budget", [MIN_BUDGET, 20, 40, 60, 100])
async def test_the_budget_is_kept(hunted: Hunted, budget: int) -> None:
    for make_server in (lambda: HEALTHY, lambda: deaf_at_first(50)):
        result = await hunted(talk(), make_server, budget=budget)  # type: ignore[misc]
        assert result.runs <= budget


async def test_a_small_budget_is_spent_on_the_search(hunted: Hunted) -> None:
    result = await hunted(talk(), lambda: HEALTHY, budget=60)  # type: ignore[misc]
    assert result.answer is Answer.NOT_REPRODUCED
    assert result.tried >= 17
    (reason,) = result.reasons
    assert f"the budget of 60 runs had room for {result.tried} of" in reason


def test_a_budget_that_is_too_small_is_refused() -> None:
    with pytest.raises(ReplayError, match=f"budget is 5 runs, expected at least {MIN_BUDGET}"):
        HuntSettings(budget=5)


async def test_the_window_of_a_rare_failure_is_not_cut_short(hunted: Hunted) -> None:
    chance = Random(4).random

    def server() -> Server:
        return loses_between(0, 30, lambda: chance() + 0.3)

    result = await hunted(talk(), server, budget=300)  # type: ignore[misc]
    assert result.finding is not None
    assert result.finding.window.low_ns == 0
    assert result.finding.window.high_ns == pytest.approx(30 * MS, rel=0.2)


async def test_the_same_seed_gives_the_same_hunt(hunted: Hunted) -> None:
    one, other = [
        await hunted(talk(), lambda: deaf_at_first(50), budget=80, seed=7)  # type: ignore[misc]
        for _ in range(2)
    ]
    assert one == other


EDIT = Gap("c1", 1, After(Kind.OPEN, "c1"), 0)


@pytest.mark.parametrize("done", [3, 20, 41])
async def test_an_interrupted_hunt_goes_on_where_it_was(
    hunted: Hunted, tmp_path: Path, done: int
) -> None:
    made: list[Server] = []

    def racy() -> Server:
        made.append(deaf_at_first(50))
        return made[-1]

    whole = await hunted(talk(), racy, budget=80, rate_runs=5)  # type: ignore[misc]
    assert whole.answer is Answer.REPRODUCED
    assert len(made) == whole.runs
    table = tmp_path / RUNS_TABLE
    lines = table.read_text().splitlines(keepends=True)
    # The last line was being written when the machine went down.
    table.write_text("".join(lines[:done]) + lines[done][:40])
    made.clear()
    past = PastRuns.read(tmp_path)
    resumed = await hunted(talk(), racy, past=past, budget=80, rate_runs=5)  # type: ignore[misc]
    assert resumed == whole
    # One that waits for another one's end is had again.
    assert len(made) - (whole.runs - done) in {0, 1}


@pytest.mark.parametrize(
    ("server", "answer", "failures"),
    [(deaf_at_first(50), Answer.REPRODUCED, 10), (HEALTHY, Answer.NOT_REPRODUCED, 0)],
)
async def test_given_edits_are_only_measured(
    hunted: Hunted, server: Server, answer: Answer, failures: int
) -> None:
    result = await hunted(talk(), lambda: server, edits=(EDIT,), rate_runs=10)  # type: ignore[misc]
    assert (result.answer, result.tried) == (answer, 0)
    assert f"they fail {failures} of 10 runs" in result.reasons[-1]


async def test_a_server_that_is_gone_in_the_middle_ends_the_hunt_with_what_is_known(
    hunted: Hunted,
) -> None:
    made: list[Server] = []

    def dies() -> Server:
        made.append(HEALTHY)
        if len(made) > 10:
            raise TargetRefused("cannot connect to h:1: refused; is the server running?")
        return HEALTHY

    result = await hunted(talk(), dies)  # type: ignore[misc]
    assert (result.answer, result.runs) == (Answer.INCONCLUSIVE, 10)
    assert "It answered until run " in result.reasons[-1]


async def test_a_server_that_was_never_there_is_an_error(hunted: Hunted) -> None:
    def absent() -> Server:
        raise TargetRefused("cannot connect")

    with pytest.raises(TargetRefused):
        await hunted(talk(), absent)  # type: ignore[misc]


async def test_a_capture_within_the_directory_is_not_hunted_away(tmp_path: Path) -> None:
    directory = tmp_path / "hunt"
    directory.mkdir()
    path = directory / "recorded.capture.jsonl"
    with CaptureWriter(path, HEADER) as writer:
        for event in capture_of(C1.opened(0), C1.left(10)).events:
            writer.write(event)
    (directory / "hunt.json").write_text("{}")
    request = HuntRequest(path, TARGET, TokenSource(), directory, overwrite=True)
    with pytest.raises(UnwritableOutput, match="name another directory"):
        await hunt(request, lambda trial: None)
    assert path.exists()


def answers_by_silence(word: Callable[[float], str]) -> Server:
    """It answers with a word that follows from how long the client had said nothing (ms)."""

    def on_message(session: Session, payload: bytes) -> None:
        since_ms = (session.at_ns - session.state.get("before_ns", session.at_ns)) / MS
        session.state["before_ns"] = session.at_ns
        session.say({"type": "ack", "of": payload.decode(), "word": word(since_ms)}, after_ms=3)

    return Server(on_message)


async def test_what_changes_after_a_while_and_for_good_is_a_state(hunted: Hunted) -> None:
    def greets_anew() -> Server:
        return answers_by_silence(lambda since_ms: "welcome back" if since_ms > 400 else "yes")

    result = await hunted(talk(), greets_anew, answers_by_silence(lambda _: "yes"))  # type: ignore[misc]
    assert result.answer is Answer.NOT_REPRODUCED
    assert any("a state and no race" in reason for reason in result.reasons)
    assert not any("failed once" in reason for reason in result.reasons)
    # Once seen, it is not looked into again.
    assert result.tried > 90


async def test_a_race_that_the_long_unperturbed_run_meets_is_not_taken_for_normal(
    hunted: Hunted,
) -> None:
    def loses_its_word() -> Server:
        # The gap of 100 ms is 1,100 ms in the longest of the runs that learn.
        return answers_by_silence(lambda since_ms: "no" if 800 < since_ms < 1_300 else "yes")

    result = await hunted(talk(), loses_its_word, answers_by_silence(lambda _: "yes"))  # type: ignore[misc]
    assert result.answer is Answer.REPRODUCED
    assert result.finding is not None
    window = result.finding.window
    # Of the answer, which takes 5 ms, or of the message before it.
    assert window.low_ns == pytest.approx(800 * MS, rel=0.05)
    assert window.high_ns == pytest.approx(1_300 * MS, rel=0.05)


async def test_a_window_ends_where_only_the_order_is_another(hunted: Hunted) -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0),
            C2.opened(1),
            C1.sent(160, "book"),
            C1.sent(380, "chat"),
            C2.sent(400, "book"),
            C1.left(800),
            C2.left(810),
        )
    )

    def books(looks_ms: float) -> Server:
        taken: dict[str, float] = {}

        def on_message(session: Session, payload: bytes) -> None:
            at_ms = session.at_ns / MS
            if payload == b"chat":
                return
            earlier = [at for name, at in taken.items() if name != session.name]
            is_seen = any(at + looks_ms <= at_ms for at in earlier)
            if not is_seen:
                taken[session.name] = at_ms
            session.say({"type": "taken" if is_seen else "booked"}, after_ms=looks_ms + 1)

        return Server(on_message)

    result = await hunted(plan, lambda: books(80), books(80))  # type: ignore[misc]
    assert result.answer is Answer.REPRODUCED
    window = result.finding.window
    assert (window.connection, window.step, window.after) == ("c1", 1, "c1 open")
    # The other one books at 400 ms; who comes long after that is only the second.
    assert window.low_ns == pytest.approx(320 * MS, rel=0.05)
    assert window.high_ns == pytest.approx(480 * MS, rel=0.05)


async def test_a_word_that_is_drawn_from_a_few_is_no_failure_when_five_runs_had_the_same(
    hunted: Hunted,
) -> None:
    words = iter([*["hi"] * 7, "ho"])

    def greets() -> Server:
        word = next(words, "hi")
        return answers_by_silence(lambda _: word)

    result = await hunted(talk(), greets, answers_by_silence(lambda _: "hi"))  # type: ignore[misc]
    assert result.answer is Answer.NOT_REPRODUCED
    assert result.control.failures == 0


async def test_what_each_unperturbed_run_does_otherwise_is_not_learned_from(hunted: Hunted) -> None:
    runs = count()

    def forgets() -> Server:
        return Server(lambda session, payload: None) if next(runs) >= 7 else HEALTHY

    result = await hunted(talk(), forgets)  # type: ignore[misc]
    assert result.answer is Answer.INCONCLUSIVE
    assert any("another than those before" in reason for reason in result.reasons)


async def test_a_log_that_says_more_is_looked_into_at_the_end(
    hunted: Hunted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replay.experiment.LOG_SETTLE_S", 0)
    monkeypatch.setattr("replay.experiment.MOST_LOG_SETTLE_S", 0)
    log = Telling()

    def two_races() -> Server:
        def on_open(session: Session) -> int:
            session.state["opened_ns"] = session.at_ns
            return 101

        def on_message(session: Session, payload: bytes) -> None:
            before_ns = session.state.get("before_ns")
            session.state["before_ns"] = session.at_ns
            if session.at_ns - session.state["opened_ns"] < 30 * MS:
                log.lines.append("ERROR nobody listens yet")
            elif before_ns is not None and session.at_ns - before_ns < 30 * MS:
                log.lines += ["ERROR nobody listens yet", "ERROR two at once"]
            else:
                acknowledges(session, payload)

        return Server(on_message, on_open)

    result = await hunted(talk(), two_races, log=log)  # type: ignore[misc]
    told = [finding.symptom.detail for finding in result.findings]
    assert any("nobody listens yet" in detail for detail in told)
    assert any("two at once" in detail for detail in told)
    assert result.answer is Answer.REPRODUCED

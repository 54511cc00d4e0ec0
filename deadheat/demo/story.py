"""The chapters of the demo: record, hunt, measure the fix, report. Each leaves its files behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from capture.recording_process import recording
from deadheat import event_loop
from deadheat.demo.chat_session import chat_twice
from deadheat.progress import TrialProgress
from local_staging.launch import Staging, launch
from replay.auth import TokenSource, key_from
from replay.finding import HuntResult
from replay.hunt import HuntRequest, HuntSettings, hunt
from replay.log_tail import LogTail
from replay.target import Target

USER, PASSWORD = "alice", "alice-staging-password"  # known to all: it opens the stand-in only
BUDGET = 70
RATE_RUNS = 10

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Story:
    """What the demo came to, and where it is."""

    found: HuntResult
    fixed: HuntResult | None
    report: Path


def run_demo(directory: Path, tell: Tell) -> Story:
    """Carry the demo out in `directory`; `tell` hears each chapter's title.

    Raises StagingError, CaptureError, ReplayError.
    """
    from evidence.report import write_report  # jupyter is slow to import

    capture = directory / "healthy.capture.jsonl"
    hunted, retested = directory / "hunt-incident", directory / "hunt-fixed"
    with launch(chat="incident", directory=directory / "staging-incident") as staging:
        tell(f"stand-in for staging, incident build: {staging.chat_url}")
        event_loop.run(_record(staging, capture))
        tell(f"recorded a healthy chat session: {capture}")
        settings = HuntSettings(BUDGET, rate_runs=RATE_RUNS, stop_at_first=True)
        found = _hunt(staging, capture, hunted, settings)
        tell(f"hunted: {found.answer} in {found.runs} runs")
    fixed = None
    if found.finding is not None:
        with launch(chat="fixed", directory=directory / "staging-fixed") as staging:
            settings = HuntSettings(BUDGET, rate_runs=RATE_RUNS, edits=found.finding.edits)
            fixed = _hunt(staging, capture, retested, settings)
            tell(f"the same timing against the fixed build: {fixed.answer} in {fixed.runs} runs")
    report = directory / "report.html"
    write_report(
        hunted,
        report,
        comparison=retested if fixed is not None else None,
        title="Chat connections that die on reconnect",
    )
    tell("wrote the five-whys report")
    return Story(found, fixed, report)


async def _record(staging: Staging, capture: Path) -> None:
    async with recording(staging.chat_url, capture) as chat_url:
        await chat_twice(f"{chat_url}/ws", staging.auth_url, USER, PASSWORD)


def _hunt(staging: Staging, capture: Path, directory: Path, settings: HuntSettings) -> HuntResult:
    request = HuntRequest(
        capture=capture,
        target=Target(staging.chat_url),
        tokens=TokenSource(jwt_key=key_from(str(staging.signing_key))),
        directory=directory,
        log=LogTail(staging.chat_log),
        settings=settings,
    )
    progress = TrialProgress(settings.budget, label=f"  {directory.name}")
    result = event_loop.run(hunt(request, progress.on_trial))
    progress.end()
    return result

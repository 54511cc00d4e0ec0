"""Processes of their own that carry out runs of an application before their turn comes.

A run follows from its plan and its seed, wherever it is carried out; so every core can have one,
and the hunt that they belong to hears of them in its own order.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import signal
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from capture.format.model import Capture
from capture.redaction import Redactor
from replay.engine.carrier import Sockets
from replay.engine.live import RunSettings, run_live
from replay.engine.virtual.asgi_server import AsgiServer
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.served_application import ServedApplication
from replay.engine.virtual.uvicorn_server import UvicornServer
from replay.errors import ReplayError
from replay.log_tail import without_secrets
from replay.plan import Plan

# A record, and what the application logged meanwhile.
Done = tuple[Capture, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Job:
    """One run, recorded at `out`; by `settle_s` after it the application has logged what it will.

    The carrier of the settings is left out: whoever takes the job has one of its own.
    """

    plan: Plan
    settings: RunSettings
    out: Path
    settle_s: float


@dataclass(slots=True)
class Workers:
    """Does jobs as they come, and gives each to who asks for just that."""

    pool: ProcessPoolExecutor
    _begun: dict[Path, tuple[Job, Future[Done]]] = field(default_factory=dict)

    def begin(self, job: Job) -> None:
        """Have a job done that is likely to be asked for."""
        self._forget(job.out)
        # The carrier of this process stays in it.
        settings = replace(job.settings, carrier=Sockets(), on_secret=None)
        bare = replace(job, settings=settings, out=_aside(job.out))
        # Pickled here and now: the thread of the pool may come to it when a run of this process has
        # put another clock in the place of `time`.
        self._begun[job.out] = (job, self.pool.submit(_done, pickle.dumps(bare)))

    def take(self, job: Job) -> Done | None:
        """Return what came of a job, once it is done; None when it was not begun.

        Raises what its run raised, and ReplayError when the process ended in the middle of it.
        """
        known = self._begun.get(job.out)
        if known is None or known[0] != job:
            return None
        del self._begun[job.out]
        try:
            done = known[1].result()
        except BrokenExecutor:
            raise ReplayError(
                "a process of the hunt ended by itself: leave --parallel out to see what it was at"
            ) from None
        _aside(job.out).rename(job.out)
        return done

    def forget_all(self) -> None:
        """Leave nothing of jobs that nobody asked for."""
        for out in tuple(self._begun):
            self._forget(out)

    def _forget(self, out: Path) -> None:
        known = self._begun.pop(out, None)
        if known is not None and not known[1].cancel():
            # Only its end leaves a file that can be removed.
            known[1].exception()
            _aside(out).unlink(missing_ok=True)


@contextmanager
def workers(application: ServedApplication, count: int) -> Iterator[Workers]:
    """Start so many processes, each of which serves the application by itself."""
    # Not forked: what the application began in this process is not to be begun in two.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, context, _prepare, (application,)) as pool:
        running = Workers(pool)
        try:
            yield running
        finally:
            running.forget_all()


def _aside(out: Path) -> Path:
    return out.with_name(f".{out.name}")


# What a process of the pool has for all of its jobs: it begins with a call, and is given no other.
_runner: asyncio.Runner
_carrier: UvicornServer | AsgiServer
_redactor: Redactor


def _prepare(application: ServedApplication) -> None:
    global _runner, _carrier, _redactor
    # A person who interrupts means the hunt, and that ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _carrier = application.server()
    _runner = asyncio.Runner(loop_factory=VirtualLoop)
    _redactor = Redactor()


def _done(pickled: bytes) -> Done:
    # Not from elsewhere: the process that started this one has sent it.
    job: Job = pickle.loads(pickled)
    return _runner.run(_carried_out(job))


async def _carried_out(job: Job) -> Done:
    _carrier.log.skip()
    settings = replace(job.settings, carrier=_carrier, on_secret=_redactor.remember)
    run = await run_live(job.plan, settings, job.out)
    await asyncio.sleep(job.settle_s)
    return run, without_secrets(_carrier.log.new_lines(), _redactor)

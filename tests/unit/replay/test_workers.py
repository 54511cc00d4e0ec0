"""Runs that other processes carry out ahead: real ones, of an application that says hello."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from capture.format.reader import read_capture
from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.served_application import ServedApplication
from replay.engine.virtual.uvicorn_server import app_target
from replay.errors import ReplayError
from replay.planning import plan_from_capture
from replay.workers import Job, Workers, workers
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
RECORDED = capture_of(
    C1.request(0, "ws://recorded.example/ws"),
    C1.response(2),
    C1.sent(10, "hello"),
    C1.said(12, "hello"),
    C1.left(20),
)
# What it says follows from chance, so from the seed of the run.
APP = """
import logging, random

async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        logging.getLogger("app").warning("asked %s", message["text"])
        await send({"type": "websocket.send", "text": str(random.random())})

def ends():
    import os
    os._exit(4)

def refuses_to_start():
    raise RuntimeError("not today")
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "greeting_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def application(here: Path) -> ServedApplication:
    return ServedApplication("greeting_app:app")


@pytest.fixture
def running(application: ServedApplication) -> Iterator[Workers]:
    with workers(application, 2) as started:
        yield started


def job_of(application: ServedApplication, out: Path, seed: int) -> Job:
    settings = RunSettings(app_target("greeting_app:app"), TokenSource(), seed=seed)
    settings = replace(settings, carrier=application.server())
    return Job(plan_from_capture(RECORDED), settings, out, settle_s=0.1)


def test_a_run_is_the_same_wherever_it_is_carried_out(
    application: ServedApplication, running: Workers, here: Path
) -> None:
    jobs = [job_of(application, here / f"{seed}.capture.jsonl", seed) for seed in range(6)]
    for job in jobs:
        running.begin(job)
    for job in jobs:
        done = running.take(job)
        assert done is not None
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            own = runner.run(run_live(job.plan, job.settings))
        assert done[0].events == own.events == read_capture(job.out).events
        assert done[1] == ("WARNING app asked hello",)
        # It is given once.
        assert running.take(job) is None


def test_what_was_not_begun_just_so_is_not_given(
    application: ServedApplication, running: Workers, here: Path
) -> None:
    job = job_of(application, here / "1.capture.jsonl", seed=1)
    running.begin(job)
    other = replace(job, settings=replace(job.settings, seed=2))
    assert running.take(other) is None
    # Asked for anew, it is the other that is there.
    running.begin(other)
    assert running.take(job) is None
    done = running.take(other)
    assert done is not None
    assert [path.name for path in here.glob("*.capture.jsonl")] == ["1.capture.jsonl"]
    running.begin(job_of(application, here / "2.capture.jsonl", seed=2))
    running.forget_all()
    assert not [path for path in here.iterdir() if path.name.startswith(".")]


def test_what_a_run_raises_is_raised_to_who_asks(here: Path) -> None:
    refusing = ServedApplication("greeting_app:refuses_to_start")
    job = job_of(ServedApplication("greeting_app:app"), here / "1.capture.jsonl", seed=1)
    with workers(refusing, 1) as started:
        started.begin(job)
        with pytest.raises((ReplayError, RuntimeError), match="not today"):
            started.take(job)


def test_a_process_that_ends_by_itself_is_told_of(here: Path) -> None:
    job = job_of(ServedApplication("greeting_app:app"), here / "1.capture.jsonl", seed=1)
    with workers(ServedApplication("greeting_app:ends"), 1) as started:
        started.begin(job)
        with pytest.raises(ReplayError, match="ended by itself"):
            started.take(job)

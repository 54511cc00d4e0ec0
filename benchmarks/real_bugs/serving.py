"""Starts the server of a build, and the recording proxy before it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.proxy.processes import free_port, running
from benchmarks.real_bugs.case import SERVERS, Build, Case, Runtime
from benchmarks.real_bugs.install import executable, installed

SESSION_S = 60


@contextlib.contextmanager
def serving(case: Case, build: Build, folder: Path) -> Iterator[str]:
    """Run the server of a build, its log in `server.log` of the folder; yield its URL."""
    packages = installed(build, case.runtime)
    port = free_port()
    command = [str(executable(packages, case.runtime))]
    command += [argument.replace("{port}", str(port)) for argument in build.arguments]
    about = {"PYTHONPATH": str(SERVERS), "PYTHONUNBUFFERED": "1", "NODE_PATH": ""}
    if case.runtime is Runtime.NODE:
        about["NODE_PATH"] = str(packages / "node_modules")
    with running(command, [port], folder / "server.log", env=os.environ | about, cwd=SERVERS):
        yield f"ws://127.0.0.1:{port}{case.path}"


def record(case: Case, url: str, capture: Path) -> None:
    """Record a healthy session by `deadheat capture proxy`."""
    port = free_port()
    command = [sys.executable, "-m", "deadheat", "capture", "proxy", "--upstream", url]
    command += ["--listen", f"127.0.0.1:{port}", "--out", str(capture)]
    with running(command, [port], capture.with_suffix(".log")):
        session = case.client(f"ws://127.0.0.1:{port}{case.path}")
        asyncio.run(asyncio.wait_for(session, SESSION_S))

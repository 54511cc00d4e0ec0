"""Start one service as a process of its own, know when it serves, and stop it."""

from __future__ import annotations

import http.client
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from local_staging.clock import monotonic_ns
from local_staging.errors import StagingError

HOST = "127.0.0.1"
STOP_S = 5.0
_TAIL_BYTES = 2_000
_TAIL_LINES = 3


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service to start: what it is called, its module, port (0: a free one) and variables."""

    name: str
    module: str
    port: int
    log_path: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class Service:
    """A running service. Its process ends with ours, however ours ends."""

    def __init__(self, spec: ServiceSpec, process: subprocess.Popen[bytes], port: int) -> None:
        self.spec = spec
        self.port = port
        self._process = process

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def terminate(self) -> None:
        """Send SIGTERM, and do not wait."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL, and do not wait."""
        self._process.kill()

    def wait(self) -> None:
        """Return once the process has ended."""
        self._process.wait()

    def stop(self) -> None:
        """End the process: SIGTERM, a bounded wait, SIGKILL. Does nothing when it has ended."""
        _end(self._process)


def start(spec: ServiceSpec, timeout_s: float, *, until_healthy: bool = True) -> Service:
    """Start a service and wait until it is healthy, or only listens. Raises StagingError."""
    process = _spawned(spec)
    try:
        port = _reported_port(spec, process, timeout_s)
        if until_healthy:
            _check_health(spec, port, timeout_s)
    except BaseException:
        _end(process)
        raise
    return Service(spec, process, port)


def _spawned(spec: ServiceSpec) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", spec.module, "--port", str(spec.port), "--end-with-parent"]
    try:
        with spec.log_path.open("ab") as log:
            return subprocess.Popen(
                command,
                # Never written to: the process ends when this pipe does, and so with ours.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(spec),
                # Otherwise the interrupt of a terminal or a notebook would stop the services too.
                start_new_session=True,
            )
    except OSError as error:
        raise StagingError(f"cannot start the {spec.name}: {error}") from error


def _environment(spec: ServiceSpec) -> dict[str, str]:
    environment = {**os.environ, **spec.environment}
    # The process runs the same code as we do, wherever we were started.
    here = str(Path(__file__).resolve().parent.parent)
    known = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = here if not known else os.pathsep.join((here, known))
    return environment


def _reported_port(spec: ServiceSpec, process: subprocess.Popen[bytes], timeout_s: float) -> int:
    """Return the port in the first line that the process writes."""
    stdout = process.stdout
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read_line() -> None:
        if stdout is not None:
            lines.put(stdout.readline())

    # A pipe cannot be read with a timeout on every system, a queue can.
    threading.Thread(target=read_line, daemon=True).start()
    try:
        line = lines.get(timeout=timeout_s)
    except queue.Empty:
        raise _not_up(spec, f"said nothing in {timeout_s:g} s") from None
    try:
        report = json.loads(line)
    except ValueError:
        raise _not_up(spec, "ended") from None
    if "problem" in report:
        raise StagingError(
            f"{spec.name} {report['problem']}; choose another port, or 0 for any free one"
        )
    return int(report["port"])


def _check_health(spec: ServiceSpec, port: int, timeout_s: float) -> None:
    # The port listens already, and the answer comes when the service is up: one request is enough,
    # except through an edge that waits for what is behind it no longer than it was told to.
    deadline_ns = monotonic_ns() + round(timeout_s * 1e9)
    while (status := _health(spec, port, timeout_s)) != HTTPStatus.OK:
        if status != HTTPStatus.GATEWAY_TIMEOUT or monotonic_ns() > deadline_ns:
            raise _not_up(spec, f"answered /health with HTTP {status}, expected 200")


def _health(spec: ServiceSpec, port: int, timeout_s: float) -> int:
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise _not_up(spec, f"gave no answer to /health ({error})") from None
    finally:
        connection.close()


def _not_up(spec: ServiceSpec, what: str) -> StagingError:
    return StagingError(
        f"{spec.name} did not come up, it {what}; "
        f"the end of its log {spec.log_path}: {_tail(spec.log_path)}"
    )


def _tail(path: Path) -> str:
    """Return the last lines of a log as one line."""
    text = path.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-_TAIL_LINES:]) or "(empty)"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()

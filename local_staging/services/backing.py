"""Find or start Redis and PostgreSQL, in this order: where the environment says; a Docker engine;
programs on this machine; wheels of pip.

with backing_services(directory) as services:
    ... services.redis.url, services.postgres.url ...
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from local_staging.clock import monotonic_ns
from local_staging.errors import StagingError
from local_staging.services import postgres_server, redis_server
from local_staging.services.recipe import HOST, Recipe, Unavailable

# The ports of the test plan.
REDIS_PORT, POSTGRES_PORT = 6381, 5434

START_S = 30.0
FIRST_START_IN_DOCKER_S = 180.0
STOP_S = 12.0
_POLL_S = 0.02
_ANSWER_S = 2.0


class Kind(Protocol):
    """A kind of service: a module that knows the ways to have one."""

    NAME: str
    URL_VARIABLE: str
    DEFAULT_PORT: int

    def in_docker(self, port: int) -> Recipe:
        """Run an image. Raises Unavailable."""

    def on_this_machine(self, port: int) -> Recipe:
        """Run a program of this machine. Raises Unavailable."""

    def from_wheel(self, port: int) -> Recipe:
        """Run a program from a wheel. Raises Unavailable."""

    def answers(self, host: str, port: int, timeout_s: float) -> bool:
        """Whether it answers there."""


@dataclass(frozen=True, slots=True)
class BackingService:
    """A service that answers; `how` says for people where it came from."""

    name: str
    url: str = field(repr=False)
    how: str
    pid: int | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        parts = urlsplit(self.url)
        return parts.hostname or HOST, parts.port or 0

    def url_through(self, host: str, port: int) -> str:
        """Return the URL for those who reach it by another address, such as a fault proxy's."""
        parts = urlsplit(self.url)
        account = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{account}@{host}:{port}".lstrip("@")).geturl()


@dataclass(frozen=True, slots=True)
class BackingServices:
    """What the chat backend keeps its state in."""

    redis: BackingService
    postgres: BackingService


@contextmanager
def backing_services(
    directory: Path,
    *,
    redis_port: int = 0,
    postgres_port: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Iterator[BackingServices]:
    """Have both services for the time of the context; logs go to `directory`. Raises StagingError.

    Ports are those that are tried first when a service has to be started; 0 is any.
    """
    known = os.environ if environment is None else environment
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        redis, postgres = (
            stack.enter_context(_having(kind, port, directory, known))
            for kind, port in ((redis_server, redis_port), (postgres_server, postgres_port))
        )
        yield BackingServices(redis, postgres)


@contextmanager
def _having(
    kind: Kind, port: int, directory: Path, environment: Mapping[str, str]
) -> Iterator[BackingService]:
    url = environment.get(kind.URL_VARIABLE)
    if url:
        yield _given(kind, url)
        return
    log_path = directory / f"{kind.NAME.lower()}.log"
    reasons = [f"{kind.URL_VARIABLE} is not set"]
    ways: tuple[tuple[Callable[[int], Recipe], float], ...] = (
        (kind.in_docker, FIRST_START_IN_DOCKER_S),
        (kind.on_this_machine, START_S),
        (kind.from_wheel, START_S),
    )
    for way, timeout_s in ways:
        try:
            recipe = way(port)
            process = _started(kind, recipe, log_path, timeout_s)
        except Unavailable as reason:
            reasons.append(str(reason))
            continue
        try:
            yield BackingService(kind.NAME, recipe.url, recipe.how, process.pid)
        finally:
            end(process)
        return
    raise StagingError(f"there is no {kind.NAME}: {'; '.join(reasons)}")


def _given(kind: Kind, url: str) -> BackingService:
    # The URL itself may hold a password.
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or kind.DEFAULT_PORT
    except ValueError:
        host, port = None, 0
    if host is None:
        raise StagingError(
            f"{kind.URL_VARIABLE} is no URL with a host, expected scheme://host:port"
        )
    if not kind.answers(host, port, _ANSWER_S):
        raise StagingError(
            f"{kind.URL_VARIABLE} names {host}:{port}, and no {kind.NAME} answers there; start it, "
            "or unset the variable to have one started"
        )
    return BackingService(kind.NAME, url, kind.URL_VARIABLE)


def _started(
    kind: Kind, recipe: Recipe, log_path: Path, timeout_s: float
) -> subprocess.Popen[bytes]:
    process = _spawned(recipe, log_path)
    deadline_ns = monotonic_ns() + round(timeout_s * 1e9)
    while not kind.answers(HOST, recipe.port, _ANSWER_S):
        if monotonic_ns() > deadline_ns or _has_ended(process):
            end(process)
            raise Unavailable(f"{recipe.how} did not come up: {_last_line(log_path)} ({log_path})")
    return process


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait a moment, which is also the pause between two looks at the service."""
    try:
        process.wait(_POLL_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _spawned(recipe: Recipe, log_path: Path) -> subprocess.Popen[bytes]:
    keeper = [sys.executable, "-m", "local_staging.services.keeper"]
    keeper += ["--stop-signal", recipe.stop_signal.name]
    if recipe.user is not None:
        keeper += ["--user", recipe.user]
    if recipe.directory is not None:
        keeper += ["--remove", str(recipe.directory)]
    here = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, **recipe.environment}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (here, environment.get("PYTHONPATH"))))
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [*keeper, "--", *recipe.command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            # Programs without files to keep write none where we happen to be.
            cwd=recipe.directory or log_path.parent,
            # Otherwise the interrupt of a terminal or a notebook would stop the services too.
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a keeper, and so what it keeps."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(path: Path) -> str:
    lines = path.read_bytes()[-2_000:].decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "(empty)"

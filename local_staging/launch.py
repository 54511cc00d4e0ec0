"""Start all of local staging as real processes on the loopback interface, and stop it.

with launch(chat="incident", directory=Path("staging")) as staging:
    ... staging.chat_url ...
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from local_staging.chat_settings import ChatSettings
from local_staging.clock import monotonic_ns
from local_staging.dependencies import Dependencies
from local_staging.edge_settings import EdgeSettings
from local_staging.errors import StagingError
from local_staging.processes import HOST, Service, ServiceSpec, start
from local_staging.signing_key import write_signing_key

START_S = 30.0
LOOK_AGAIN_S = 0.02


@dataclass(frozen=True, slots=True)
class Staging:
    """Running staging: where it is reached, where it logs, and the key that signs its tokens."""

    build: str
    chat_url: str
    chat_health_url: str
    auth_url: str
    chat_log: Path
    auth_log: Path
    signing_key: Path
    edge_url: str | None
    services: tuple[Service, ...]

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The processes that were started."""
        return tuple(service.pid for service in self.services)

    def stop(self) -> None:
        """Stop the processes that were started, the last one first; a second call does nothing."""
        for service in reversed(self.services):
            service.stop()

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def launch(
    *,
    directory: Path,
    chat: ChatSettings | str = "incident",
    dependencies: Dependencies | None = None,
    edge: EdgeSettings | None = None,
    chat_port: int = 0,
    auth_port: int = 0,
) -> Staging:
    """Start staging and return when it is healthy; logs and the key are written to `directory`.

    `chat` may be the name of a build. With an edge it is the edge that listens on the chat's port,
    and that starts the instances. Port 0 is a free one. Files of an earlier start in the same
    directory are replaced. Raises StagingError.
    """
    settings = ChatSettings(chat) if isinstance(chat, str) else chat
    needed = Dependencies() if dependencies is None else dependencies
    chat_environment = settings.environment()
    edge_environment = {} if edge is None else edge.environment()
    for port in (chat_port, auth_port):
        if not 0 <= port <= 65_535:
            raise StagingError(f"the port is {port}, expected 0 to 65535")
    logs = {name: directory / f"{name}.log" for name in ("auth_service", "chat_backend", "edge")}
    _make(directory, logs.values())
    signing_key = directory / "signing_key.pem"
    write_signing_key(signing_key)
    told_auth = {"AUTH_SIGNING_KEY_FILE": str(signing_key.resolve())}
    with ExitStack() as started:
        auth = start(_service("auth_service", auth_port, logs["auth_service"], told_auth), START_S)
        started.callback(auth.stop)
        chat_environment |= needed.environment((HOST, auth.port))
        if edge is None:
            spec = _service("chat_backend", chat_port, logs["chat_backend"], chat_environment)
        else:
            instance_log = {"EDGE_INSTANCE_LOG": str(logs["chat_backend"])}
            told = {**chat_environment, **edge_environment, **instance_log}
            spec = _service("edge", chat_port, logs["edge"], told)
        backend = start(spec, START_S)
        started.callback(backend.stop)
        _wait_until_warm(backend.port)
        # All of it is up: from here on it is stopped by whoever has it.
        started.pop_all()
    return Staging(
        build=settings.build,
        chat_url=f"ws://{HOST}:{backend.port}/ws",
        chat_health_url=f"http://{HOST}:{backend.port}/health",
        auth_url=f"http://{HOST}:{auth.port}",
        chat_log=logs["chat_backend"],
        auth_log=auth.spec.log_path,
        signing_key=signing_key,
        edge_url=None if edge is None else f"http://{HOST}:{backend.port}",
        services=(auth, backend),
    )


def _make(directory: Path, logs: Iterable[Path]) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for log in logs:
            log.unlink(missing_ok=True)
    except OSError as error:
        raise StagingError(f"cannot make the directory {directory}: {error.strerror}") from error


def _wait_until_warm(port: int) -> None:
    """Wait until connections are served as they will be from then on."""
    deadline_ns = monotonic_ns() + round(START_S * 1e9)
    while not _health(port).get("warm", False):
        if monotonic_ns() > deadline_ns:
            raise StagingError(f"the chat backend is not warm after {START_S:g} s")
        threading.Event().wait(LOOK_AGAIN_S)


def _health(port: int) -> dict[str, object]:
    connection = http.client.HTTPConnection(HOST, port, timeout=START_S)
    try:
        connection.request("GET", "/health")
        told = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise StagingError(f"the chat backend gave no answer to /health: {error}") from None
    finally:
        connection.close()
    return told if isinstance(told, dict) else {}


def _service(name: str, port: int, log_path: Path, environment: Mapping[str, str]) -> ServiceSpec:
    return ServiceSpec(
        name=name.replace("_", " "),
        module=f"local_staging.{name}",
        port=port,
        log_path=log_path,
        environment=environment,
    )

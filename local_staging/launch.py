"""Start all of local staging as real processes on the loopback interface, and stop it.

with launch(chat="incident", directory=Path("staging")) as staging:
    ... staging.chat_url ...
"""

from __future__ import annotations

import http.client
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from local_staging.chat_settings import ChatSettings
from local_staging.clock import monotonic_ns
from local_staging.dependencies import Dependencies
from local_staging.edge_settings import EdgeSettings
from local_staging.errors import StagingError
from local_staging.model_access import ModelAccess
from local_staging.processes import HOST, Service, ServiceSpec, start
from local_staging.signing_key import write_signing_key

START_S = 30.0
LOOK_AGAIN_S = 0.02
SERVICES = ("auth_service", "model_service", "chat_backend", "edge")
# The name of the model that is ours.
OWN_MODEL = "staging-rules-1"


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
    model_url: str
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


class _Services:
    """Services that are started one after another, each with its log in `directory`.

    Raises StagingError when there cannot be such a directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.started: list[Service] = []
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name in SERVICES:
                self.log(name).unlink(missing_ok=True)
        except OSError as error:
            raise StagingError(
                f"cannot make the directory {directory}: {error.strerror}"
            ) from error

    def log(self, name: str) -> Path:
        """Return where a service logs."""
        return self._directory / f"{name}.log"

    def start(self, name: str, port: int, environment: Mapping[str, str]) -> Service:
        """Start one. Raises StagingError."""
        spec = ServiceSpec(
            name=name.replace("_", " "),
            module=f"local_staging.{name}",
            port=port,
            log_path=self.log(name),
            environment=environment,
        )
        self.started.append(start(spec, START_S))
        return self.started[-1]

    def start_model(self) -> ModelAccess:
        """Start the model that is ours. Raises StagingError."""
        key = secrets.token_urlsafe()
        service = self.start("model_service", 0, {"MODEL_KEY": key})
        return ModelAccess(f"http://{HOST}:{service.port}/v1", key, OWN_MODEL)

    def stop(self) -> None:
        """Stop them, the last one first."""
        for service in reversed(self.started):
            service.stop()


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
    services = _Services(directory)
    signing_key = directory / "signing_key.pem"
    write_signing_key(signing_key)
    try:
        told_auth = {"AUTH_SIGNING_KEY_FILE": str(signing_key.resolve())}
        auth = services.start("auth_service", auth_port, told_auth)
        model = needed.model or services.start_model()
        chat_environment |= needed.environment((HOST, auth.port), model)
        if edge is None:
            backend = services.start("chat_backend", chat_port, chat_environment)
        else:
            instance_log = {"EDGE_INSTANCE_LOG": str(services.log("chat_backend"))}
            told = {**chat_environment, **edge_environment, **instance_log}
            backend = services.start("edge", chat_port, told)
        _wait_until_warm(backend.port)
    except BaseException:
        services.stop()
        raise
    return Staging(
        build=settings.build,
        chat_url=f"ws://{HOST}:{backend.port}/ws",
        chat_health_url=f"http://{HOST}:{backend.port}/health",
        auth_url=f"http://{HOST}:{auth.port}",
        chat_log=services.log("chat_backend"),
        auth_log=auth.spec.log_path,
        signing_key=signing_key,
        edge_url=None if edge is None else f"http://{HOST}:{backend.port}",
        model_url=model.url,
        services=tuple(services.started),
    )


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

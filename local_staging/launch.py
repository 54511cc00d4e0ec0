"""Start all of local staging as real processes on the loopback interface, and stop it.

with launch(chat="incident", directory=Path("staging")) as staging:
    ... staging.chat_url ...
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from local_staging.chat_settings import ChatSettings
from local_staging.dependencies import Dependencies
from local_staging.errors import StagingError
from local_staging.processes import HOST, Service, ServiceSpec, start
from local_staging.signing_key import write_signing_key

START_S = 20.0


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
    chat_port: int = 0,
    auth_port: int = 0,
    start_timeout_s: float = START_S,
) -> Staging:
    """Start staging and return when it is healthy; logs and the key are written to `directory`.

    `chat` may be the name of a build. Port 0 is a free one. Files of an earlier start in the same
    directory are replaced. Raises StagingError.
    """
    settings = ChatSettings(chat) if isinstance(chat, str) else chat
    needed = Dependencies() if dependencies is None else dependencies
    chat_environment = settings.environment()
    for port in (chat_port, auth_port):
        if not 0 <= port <= 65_535:
            raise StagingError(f"the port is {port}, expected 0 to 65535")
    _make(directory)
    signing_key = directory / "signing_key.pem"
    write_signing_key(signing_key)
    auth = start(_auth_service(directory, auth_port, signing_key), start_timeout_s)
    try:
        chat_environment |= needed.environment((HOST, auth.port))
        spec = _chat_backend(directory, chat_port, chat_environment)
        backend = start(spec, start_timeout_s)
    except BaseException:
        auth.stop()
        raise
    return Staging(
        build=settings.build,
        chat_url=f"ws://{HOST}:{backend.port}/ws",
        chat_health_url=f"http://{HOST}:{backend.port}/health",
        auth_url=f"http://{HOST}:{auth.port}",
        chat_log=backend.spec.log_path,
        auth_log=auth.spec.log_path,
        signing_key=signing_key,
        services=(auth, backend),
    )


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StagingError(f"cannot make the directory {directory}: {error.strerror}") from error


def _auth_service(directory: Path, port: int, signing_key: Path) -> ServiceSpec:
    return ServiceSpec(
        name="auth service",
        module="local_staging.auth_service",
        port=port,
        log_path=directory / "auth_service.log",
        environment={"AUTH_SIGNING_KEY_FILE": str(signing_key.resolve())},
    )


def _chat_backend(directory: Path, port: int, environment: Mapping[str, str]) -> ServiceSpec:
    return ServiceSpec(
        name="chat backend",
        module="local_staging.chat_backend",
        port=port,
        log_path=directory / "chat_backend.log",
        environment=environment,
    )

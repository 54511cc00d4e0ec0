"""The instances of the chat backend: real processes, started and ended as the rules decide."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from local_staging.errors import StagingError
from local_staging.processes import Service, ServiceSpec, start

_log = logging.getLogger(__name__)


class Instances:
    """Processes by the numbers that the rules gave them; all write to one log."""

    def __init__(self, log_path: Path, start_timeout_s: float) -> None:
        self._log_path = log_path
        self._start_timeout_s = start_timeout_s
        self._listening: Callable[[int], None] = _nobody
        self._ended: Callable[[int], None] = _nobody
        self._services: dict[int, Service] = {}
        self._lives: dict[int, asyncio.Task[None]] = {}
        self._is_closed = False

    def tell(self, listening: Callable[[int], None], ended: Callable[[int], None]) -> None:
        """Say whom to tell of each."""
        self._listening, self._ended = listening, ended

    def start(self, instance: int) -> None:
        """Start a process, and tell when it listens and when it has ended."""
        if self._is_closed:
            return
        self._lives[instance] = asyncio.create_task(self._live(instance))

    def port(self, instance: int) -> int:
        """Return where an instance listens."""
        return self._services[instance].port

    def terminate(self, instance: int) -> None:
        """Send SIGTERM, if it runs."""
        if instance in self._services:
            self._services[instance].terminate()

    def kill(self, instance: int) -> None:
        """Send SIGKILL, if it runs."""
        if instance in self._services:
            self._services[instance].kill()

    async def close(self) -> None:
        """End all of them, and start no more."""
        self._is_closed = True
        services = tuple(self._services.values())
        await asyncio.gather(*(asyncio.to_thread(service.stop) for service in services))
        await asyncio.gather(*self._lives.values(), return_exceptions=True)

    async def _live(self, instance: int) -> None:
        spec = ServiceSpec(
            name=f"instance {instance}",
            module="local_staging.chat_backend",
            port=0,
            log_path=self._log_path,
        )
        try:
            # Cloud Run's startup probe asks for no more than that the port is open.
            service = await asyncio.to_thread(
                start, spec, self._start_timeout_s, until_healthy=False
            )
        except StagingError as error:
            _log.error("%s", error)
            self._ended(instance)
            return
        self._services[instance] = service
        _log.info("instance %d listens on port %d", instance, service.port)
        self._listening(instance)
        await asyncio.to_thread(service.wait)
        _log.info("instance %d ended", instance)
        self._services.pop(instance).stop()
        self._ended(instance)


def _nobody(instance: int) -> None:
    """Nobody wants to know yet."""

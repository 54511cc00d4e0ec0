"""A staging for one test: on real services, behind the edge; what fails says what its log says."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local_staging.chat_backend.builds import Build
from local_staging.chat_settings import ChatSettings
from local_staging.dependencies import Address, Dependencies
from local_staging.edge_settings import EdgeSettings
from local_staging.launch import Staging, launch
from local_staging.model_access import ModelAccess
from local_staging.services.backing import BackingServices
from tests.staging.endpoint import LocalEndpoint

LEVELS = ("ERROR", "WARNING", "INFO")
MOST_LINES = 60
# Cloud Run's own limits, with one instance that is there from the start.
CLOUD_RUN = EdgeSettings("cloud-run", {"min_instances": "1"})


@dataclass(frozen=True, slots=True)
class Staged:
    """How the staging of a test is to be."""

    services: BackingServices
    model: ModelAccess
    directory: Path
    namespace: str = field(default_factory=lambda: f"test_{secrets.token_hex(4)}")

    @contextmanager
    def running(
        self,
        build: Build,
        *,
        edge: EdgeSettings | None = CLOUD_RUN,
        through: Mapping[str, Address] | None = None,
        ping_interval_s: float | None = None,
        ping_timeout_s: float | None = None,
        reconnect_grace_s: float | None = None,
    ) -> Iterator[LocalEndpoint]:
        """Start it; an error in the body gets the end of the server's log as a note."""
        chat = ChatSettings(
            build.name,
            reconnect_grace_s=reconnect_grace_s,
            ping_interval_s=ping_interval_s,
            ping_timeout_s=ping_timeout_s,
        )
        dependencies = Dependencies(self.services, through or {}, self.model, self.namespace)
        directory = self.directory / secrets.token_hex(4)
        with launch(
            chat=chat, dependencies=dependencies, edge=edge, directory=directory
        ) as staging:
            try:
                yield LocalEndpoint(staging)
            except BaseException as error:
                error.add_note("\n".join(complaints(staging, *LEVELS)))
                raise
            found = complaints(staging, "ERROR")
            assert not found, "\n".join(found)


def complaints(staging: Staging, *levels: str) -> list[str]:
    """Return the last lines of the chat's log that are of these levels."""
    lines = staging.chat_log.read_text().splitlines()
    return [line for line in lines if any(f" {level} " in line for level in levels)][-MOST_LINES:]

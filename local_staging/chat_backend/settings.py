"""What the environment says about how the chat backend runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local_staging.chat_backend.builds import Build, build_named
from local_staging.service.settings import required, seconds

BUILD_VARIABLE = "CHAT_BUILD"
AUTH_URL_VARIABLE = "CHAT_AUTH_URL"
RECONNECT_GRACE_VARIABLE = "CHAT_RECONNECT_GRACE_S"
DEFAULT_BUILD = "fixed"
DEFAULT_RECONNECT_GRACE_S = 0.4


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process."""

    build: Build
    auth_url: str
    reconnect_grace_s: float = DEFAULT_RECONNECT_GRACE_S

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings. Raises StagingError."""
        return cls(
            build=build_named(environment.get(BUILD_VARIABLE, DEFAULT_BUILD)),
            auth_url=required(environment, AUTH_URL_VARIABLE, "the URL of the auth service"),
            reconnect_grace_s=seconds(
                environment, RECONNECT_GRACE_VARIABLE, DEFAULT_RECONNECT_GRACE_S
            ),
        )

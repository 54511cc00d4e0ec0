"""What the environment says about how the chat backend runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local_staging.chat_backend.builds import Build, build_named
from local_staging.chat_backend.heartbeat import Heartbeat
from local_staging.service.settings import required, seconds

BUILD_VARIABLE = "CHAT_BUILD"
AUTH_URL_VARIABLE = "CHAT_AUTH_URL"
RECONNECT_GRACE_VARIABLE = "CHAT_RECONNECT_GRACE_S"
PING_INTERVAL_VARIABLE = "CHAT_PING_INTERVAL_S"
PING_TIMEOUT_VARIABLE = "CHAT_PING_TIMEOUT_S"
DEFAULT_BUILD = "fixed"
DEFAULT_RECONNECT_GRACE_S = 0.4


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process; without a heartbeat it is the build's own."""

    build: Build
    auth_url: str
    reconnect_grace_s: float = DEFAULT_RECONNECT_GRACE_S
    heartbeat: Heartbeat | None = None

    @property
    def pings(self) -> Heartbeat:
        """How clients are pinged."""
        return self.build.heartbeat if self.heartbeat is None else self.heartbeat

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings. Raises StagingError."""
        build = build_named(environment.get(BUILD_VARIABLE, DEFAULT_BUILD))
        own = build.heartbeat
        return cls(
            build=build,
            auth_url=required(environment, AUTH_URL_VARIABLE, "the URL of the auth service"),
            reconnect_grace_s=seconds(
                environment, RECONNECT_GRACE_VARIABLE, DEFAULT_RECONNECT_GRACE_S
            ),
            heartbeat=Heartbeat(
                seconds(environment, PING_INTERVAL_VARIABLE, own.interval_s),
                seconds(environment, PING_TIMEOUT_VARIABLE, own.timeout_s),
            ),
        )

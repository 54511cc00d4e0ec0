"""What the environment says about how the chat backend runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from local_staging.chat_backend.builds import Build, build_named
from local_staging.chat_backend.heartbeat import Heartbeat
from local_staging.errors import StagingError
from local_staging.service.settings import required, seconds

BUILD_VARIABLE = "CHAT_BUILD"
AUTH_URL_VARIABLE = "CHAT_AUTH_URL"
RECONNECT_GRACE_VARIABLE = "CHAT_RECONNECT_GRACE_S"
PING_INTERVAL_VARIABLE = "CHAT_PING_INTERVAL_S"
PING_TIMEOUT_VARIABLE = "CHAT_PING_TIMEOUT_S"
REDIS_URL_VARIABLE = "CHAT_REDIS_URL"
POSTGRES_URL_VARIABLE = "CHAT_POSTGRES_URL"
MODEL_URL_VARIABLE = "CHAT_MODEL_URL"
MODEL_KEY_VARIABLE = "CHAT_MODEL_KEY"
MODEL_VARIABLE = "CHAT_MODEL"
NAMESPACE_VARIABLE = "CHAT_NAMESPACE"
# PostgreSQL's limit for the name of a schema.
NAMESPACE_PATTERN = "[a-z][a-z0-9_]{0,62}"
DEFAULT_NAMESPACE = "staging"
DEFAULT_BUILD = "fixed"
DEFAULT_RECONNECT_GRACE_S = 0.4


@dataclass(frozen=True, slots=True)
class ServiceAddresses:
    """Where Redis and PostgreSQL are, and the name under which this staging keeps its own there."""

    redis_url: str = field(repr=False)
    postgres_url: str = field(repr=False)
    namespace: str


@dataclass(frozen=True, slots=True)
class ModelAddress:
    """Where the model's API is, the key for it, and what the model is called there."""

    url: str
    key: str = field(repr=False)
    name: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process.

    Without a heartbeat it is the build's own, without services all is kept in memory.
    """

    build: Build
    auth_url: str
    model: ModelAddress
    reconnect_grace_s: float = DEFAULT_RECONNECT_GRACE_S
    heartbeat: Heartbeat | None = None
    services: ServiceAddresses | None = None

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
            model=ModelAddress(
                required(environment, MODEL_URL_VARIABLE, "the URL of an API like OpenAI's"),
                required(environment, MODEL_KEY_VARIABLE, "the key for the model's API"),
                required(environment, MODEL_VARIABLE, "the name of a model"),
            ),
            reconnect_grace_s=seconds(
                environment, RECONNECT_GRACE_VARIABLE, DEFAULT_RECONNECT_GRACE_S
            ),
            heartbeat=Heartbeat(
                seconds(environment, PING_INTERVAL_VARIABLE, own.interval_s),
                seconds(environment, PING_TIMEOUT_VARIABLE, own.timeout_s),
            ),
            services=_services(environment),
        )


def _services(environment: Mapping[str, str]) -> ServiceAddresses | None:
    given = [name for name in (REDIS_URL_VARIABLE, POSTGRES_URL_VARIABLE) if environment.get(name)]
    if not given:
        return None
    namespace = environment.get(NAMESPACE_VARIABLE, DEFAULT_NAMESPACE)
    if not re.fullmatch(NAMESPACE_PATTERN, namespace):
        raise StagingError(
            f"{NAMESPACE_VARIABLE} is {namespace!r}, expected lower case letters, digits and _, "
            "up to 63, a letter first"
        )
    return ServiceAddresses(
        required(environment, REDIS_URL_VARIABLE, f"the URL of Redis, because {given[0]} is set"),
        required(
            environment, POSTGRES_URL_VARIABLE, f"the URL of PostgreSQL, because {given[0]} is set"
        ),
        namespace,
    )

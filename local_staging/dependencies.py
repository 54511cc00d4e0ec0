"""What the chat backend of a staging depends on, and where it finds it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from local_staging.errors import StagingError
from local_staging.model_access import ModelAccess
from local_staging.services.backing import BackingServices

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the chat backend depends on, and under which addresses it is to look for it.

    Without services it keeps all in memory, without a model it gets the stand-in's own. `through`
    names `auth`, `model`, `redis` or `postgres` and an address in place of the real one, such as a
    fault proxy's. Stagings that share services share
    what is kept there only if they share the namespace; without one, each start has its own.
    """

    NAMES: ClassVar = ("auth", "model", "redis", "postgres")

    services: BackingServices | None = None
    through: Mapping[str, Address] = field(default_factory=dict)
    model: ModelAccess | None = None
    namespace: str = field(default_factory=lambda: f"staging_{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        for name in self.through:
            if name not in self.NAMES:
                raise StagingError(
                    f"there is no dependency {name!r}, expected one of {', '.join(self.NAMES)}"
                )
            if self.services is None and name in ("redis", "postgres"):
                raise StagingError(f"{name} is to be reached elsewhere, but nothing is kept there")

    def environment(self, auth: Address, model: ModelAccess) -> dict[str, str]:
        """Return the variables that say where they are; `auth` and `model` are the real ones.

        Raises StagingError.
        """
        host, port = self.through.get("auth", auth)
        told = {"CHAT_AUTH_URL": f"http://{host}:{port}"}
        elsewhere = self.through.get("model")
        told |= (model if elsewhere is None else model.through(*elsewhere)).environment()
        if self.services is not None:
            told["CHAT_NAMESPACE"] = self.namespace
            for name, variable, service in (
                ("redis", "CHAT_REDIS_URL", self.services.redis),
                ("postgres", "CHAT_POSTGRES_URL", self.services.postgres),
            ):
                there = self.through.get(name)
                told[variable] = service.url if there is None else service.url_through(*there)
        return told

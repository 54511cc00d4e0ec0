"""How the chat backend of a staging is to run."""

from __future__ import annotations

from dataclasses import dataclass

from local_staging.chat_backend.build_names import check_build_name


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """How the chat backend is to run; None leaves it to the environment or the default."""

    build: str = "incident"
    reconnect_grace_s: float | None = None
    ping_interval_s: float | None = None
    ping_timeout_s: float | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables that say so. Raises StagingError."""
        check_build_name(self.build)
        given = {
            "CHAT_RECONNECT_GRACE_S": self.reconnect_grace_s,
            "CHAT_PING_INTERVAL_S": self.ping_interval_s,
            "CHAT_PING_TIMEOUT_S": self.ping_timeout_s,
        }
        set_ = {name: repr(value) for name, value in given.items() if value is not None}
        return {"CHAT_BUILD": self.build, **set_}

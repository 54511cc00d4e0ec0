"""Where the agent's model is, and with which key: the stand-in's own, or a real one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from local_staging.errors import StagingError

URL_VARIABLE = "DEADHEAT_MODEL_URL"
KEY_VARIABLE = "DEADHEAT_MODEL_KEY"
NAME_VARIABLE = "DEADHEAT_MODEL"


@dataclass(frozen=True, slots=True)
class ModelAccess:
    """The base URL of an API that speaks OpenAI's, the key, and the model's name there."""

    url: str
    key: str = field(repr=False)
    name: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ModelAccess | None:
        """Return what the environment gives, None if it gives nothing. Raises StagingError.

        The names are not OpenAI's own: who has set those did not mean that a stand-in's chats
        should be sent there.
        """
        url = environment.get(URL_VARIABLE)
        if not url:
            return None
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise StagingError(
                f"{URL_VARIABLE} is no http or https URL without an account, "
                "expected such as https://api.openai.com/v1"
            )
        missing = [name for name in (KEY_VARIABLE, NAME_VARIABLE) if not environment.get(name)]
        if missing:
            raise StagingError(f"{URL_VARIABLE} is set, and {' and '.join(missing)} not")
        return cls(url, environment[KEY_VARIABLE], environment[NAME_VARIABLE])

    def through(self, host: str, port: int) -> ModelAccess:
        """Return the same by another address, such as a fault proxy's. Raises StagingError."""
        parts = urlsplit(self.url)
        if parts.scheme != "http":
            raise StagingError(
                f"the model at {self.url} is reached by TLS, which another address would break"
            )
        return ModelAccess(parts._replace(netloc=f"{host}:{port}").geturl(), self.key, self.name)

    def environment(self) -> dict[str, str]:
        """Return the variables that tell the chat backend."""
        return {
            "CHAT_MODEL_URL": self.url,
            "CHAT_MODEL_KEY": self.key,
            "CHAT_MODEL": self.name,
        }

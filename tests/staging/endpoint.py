"""What a client needs to know of a staging: where the chat is, and how to get a token."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import httpx

from local_staging.launch import Staging

CHAT_URL_VARIABLE = "DEADHEAT_E2E_CHAT_URL"
TOKEN_COMMAND_VARIABLE = "DEADHEAT_E2E_TOKEN_COMMAND"
LOG_IN_S = 30.0


class Endpoint(Protocol):
    """A staging, of whichever make."""

    @property
    def chat_url(self) -> str:
        """Where WebSockets are served."""

    async def token(self, user: str) -> str:
        """Return a fresh token of a user, by the staging's own authentication."""


@dataclass(frozen=True, slots=True)
class LocalEndpoint:
    """The stand-in, with `local` for what only it can do."""

    local: Staging

    @property
    def chat_url(self) -> str:
        """Where WebSockets are served."""
        return self.local.chat_url

    async def token(self, user: str) -> str:
        """Log in with the auth service, as a person does; return a real JWT."""
        fields = {"user": user, "password": f"{user}-staging-password"}
        async with httpx.AsyncClient(trust_env=False, timeout=LOG_IN_S) as http:
            response = await http.post(f"{self.local.auth_url}/token", data=fields)
            response.raise_for_status()
        token = response.json()["access_token"]
        assert isinstance(token, str)
        return token


@dataclass(frozen=True, slots=True)
class RealEndpoint:
    """Somebody's staging; the command prints a token for the user who is its last argument."""

    chat_url: str
    token_command: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RealEndpoint | None:
        """Return the one that the environment names, if it names one."""
        url, command = environment.get(CHAT_URL_VARIABLE), environment.get(TOKEN_COMMAND_VARIABLE)
        return cls(url, command) if url and command else None

    async def token(self, user: str) -> str:
        """Have the command log a user in."""
        process = await asyncio.create_subprocess_exec(
            *shlex.split(self.token_command), user, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await asyncio.wait_for(process.communicate(), LOG_IN_S)
        assert process.returncode == 0, f"{TOKEN_COMMAND_VARIABLE} failed for {user}"
        return printed.decode().strip()

"""What a client needs to know of a staging: where the chat is, and how to get a token."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from local_staging.launch import Staging
from tests.staging.sign_in import LOG_IN_S, signed_in

CHAT_URL_VARIABLE = "DEADHEAT_E2E_CHAT_URL"
TOKEN_COMMAND_VARIABLE = "DEADHEAT_E2E_TOKEN_COMMAND"
CYCLE_COMMAND_VARIABLE = "DEADHEAT_E2E_CYCLE_COMMAND"
CYCLE_S = 300.0


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
        """Log in with the auth service, as a person does in a browser; return a real JWT."""
        return await signed_in(self.local.auth_url, user)


@dataclass(frozen=True, slots=True)
class RealEndpoint:
    """Somebody's staging; the command prints a token for the user who is its last argument.

    A second one, if there is one, has the platform replace the instances.
    """

    chat_url: str
    token_command: str
    cycle_command: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RealEndpoint | None:
        """Return the one that the environment names, if it names one."""
        url, command = environment.get(CHAT_URL_VARIABLE), environment.get(TOKEN_COMMAND_VARIABLE)
        cycle = environment.get(CYCLE_COMMAND_VARIABLE) or None
        return cls(url, command, cycle) if url and command else None

    async def token(self, user: str) -> str:
        """Have the command log a user in."""
        command = [*shlex.split(self.token_command), user]
        return (await _printed(command, LOG_IN_S, TOKEN_COMMAND_VARIABLE)).strip()

    async def cycle(self) -> None:
        """Have the platform replace the instances."""
        assert self.cycle_command is not None, f"{CYCLE_COMMAND_VARIABLE} is not set"
        await _printed(shlex.split(self.cycle_command), CYCLE_S, CYCLE_COMMAND_VARIABLE)


async def _printed(command: list[str], within_s: float, variable: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await asyncio.wait_for(process.communicate(), within_s)
    assert process.returncode == 0, f"the command of {variable} failed: {shlex.join(command)}"
    return printed.decode()

"""Where fresh secrets come from: given values, OAuth 2 clients, a key to mint with, a command."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from capture.format.model import Secret
from replay.auth.mint import mint
from replay.errors import NoToken

TOKEN_COMMAND_TIMEOUT_S = 30
_HOW_TO_GIVE_ONE = {
    "jwt": "--jwt-key or --token-command",
    "token": "--token-command or --secret {id}=ENV|FILE",
}
_OTHERWISE = "--secret {id}=ENV|FILE"
_MINTED_OR_FETCHED = ("jwt", "token")


class TokenIssuer(Protocol):
    """Whoever issues tokens for some of the secrets of a recording."""

    @property
    def name(self) -> str:
        """What people call it, as in [oauth.staging]."""

    def is_for(self, secret: Secret) -> bool:
        """Whether it was named for this secret."""

    @property
    def is_for_the_rest(self) -> bool:
        """Whether it serves whatever nothing else does."""

    def token(self, now_s: int) -> str:
        """Return a token that is good now. Raises NoToken."""


@dataclass(frozen=True, slots=True)
class TokenSource:
    """Where fresh secrets come from.

    The first that fits: a value by placeholder id, an issuer named for it, a key to mint with, a
    command, an issuer for the rest.
    """

    jwt_key: str | bytes | None = field(default=None, repr=False)
    command: str | None = field(default=None, repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    issuers: tuple[TokenIssuer, ...] = field(default=(), repr=False)

    def origin(self, secret: Secret) -> str | None:
        """Return what a fresh secret would come from; None when nothing gives one."""
        if secret.id in self.values:
            return f"--secret {secret.id}"
        issuer = self._issuer(secret)
        if issuer is not None:
            return issuer.name
        if secret.kind == "jwt" and self.jwt_key is not None:
            return "--jwt-key"
        return "--token-command" if self._is_by_command(secret) else None

    def fresh(self, secret: Secret, now_s: int) -> str:
        """Return a fresh secret of the recorded kind. Raises NoToken."""
        if secret.id in self.values:
            return self.values[secret.id]
        issuer = self._issuer(secret)
        if issuer is not None:
            return issuer.token(now_s)
        if secret.kind == "jwt" and self.jwt_key is not None:
            return mint(secret, self.jwt_key, now_s)
        if self._is_by_command(secret) and self.command is not None:
            return _run(self.command)
        how = how_to_give(secret)
        raise NoToken(
            f"the recording has a {secret.kind} in its {secret.where} (placeholder {secret.id}), "
            f"and a replay needs a fresh one: pass {how}"
        )

    def sign_in(self, secrets: Iterable[Secret], now_s: int) -> None:
        """Ask the issuers of these secrets now, while a person can still answer. Raises NoToken."""
        for secret in secrets:
            issuer = None if secret.id in self.values else self._issuer(secret)
            if issuer is not None:
                issuer.token(now_s)

    def _issuer(self, secret: Secret) -> TokenIssuer | None:
        for issuer in self.issuers:
            if issuer.is_for(secret):
                return issuer
        has_key = secret.kind == "jwt" and self.jwt_key is not None
        if has_key or self._is_by_command(secret) or secret.kind not in _MINTED_OR_FETCHED:
            return None
        return next((issuer for issuer in self.issuers if issuer.is_for_the_rest), None)

    def _is_by_command(self, secret: Secret) -> bool:
        return secret.kind in _MINTED_OR_FETCHED and self.command is not None


def how_to_give(secret: Secret) -> str:
    """Return which options would supply a secret."""
    return _HOW_TO_GIVE_ONE.get(secret.kind, _OTHERWISE).format(id=secret.id)


def key_from(name: str) -> str | bytes:
    """Return the key in the file or environment variable `name`. Raises NoToken.

    A file that is no text is a key as it is: an HMAC key may be any bytes.
    """
    key = _named_bytes(name, "--jwt-key")
    try:
        return key.decode().strip()
    except UnicodeDecodeError:
        return key


def values_from(assignments: Iterable[str]) -> dict[str, str]:
    """Read `--secret ID=ENV|FILE` arguments. Raises NoToken."""
    return {
        secret_id: named_text(name, f"--secret names for {secret_id}")
        for secret_id, name in assigned(assignments, "--secret", "s1=MY_COOKIE").items()
    }


def assigned(assignments: Iterable[str], option: str, example: str) -> dict[str, str]:
    """Split `ID=NAME` arguments without looking at what they name. Raises NoToken."""
    names = {}
    for assignment in assignments:
        assigned_id, equals, name = assignment.partition("=")
        if not equals:
            # What was passed is not repeated: it may be the secret itself.
            raise NoToken(f"{option} expects ID=ENV or ID=FILE, for example {example}")
        names[assigned_id] = name
    return names


def named_text(name: str, what: str) -> str:
    """Return the text in the environment variable or file `name`. Raises NoToken."""
    return _text(_named_bytes(name, what.partition(" ")[0]), what)


def text_of(path: Path, what: str) -> str:
    """Return the text of a file without the white space around it. Raises NoToken."""
    return _text(_bytes_of(path, what), what)


def _text(content: bytes, what: str) -> str:
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        raise NoToken(f"what {what} is no text") from None


def _named_bytes(name: str, option: str) -> bytes:
    value = os.environ.get(name)
    if value is not None:
        return value.encode("utf-8", "surrogateescape")
    return _bytes_of(Path(name), option)


def _bytes_of(path: Path, option: str) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        # What was passed is not repeated here: it may be the secret itself.
        raise NoToken(
            f"what {option} names is neither an environment variable that is set nor a file that "
            "can be read"
        ) from None


def _run(command: str) -> str:
    try:
        done = subprocess.run(
            shlex.split(command),
            capture_output=True,
            text=True,
            timeout=TOKEN_COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoToken(f"--token-command did not end in {TOKEN_COMMAND_TIMEOUT_S} s") from None
    except (OSError, ValueError) as error:
        # The command is not repeated here: people put passwords into commands.
        why = (error.strerror if isinstance(error, OSError) else None) or "it is no command line"
        raise NoToken(f"--token-command could not run: {why}") from None
    if done.returncode == 0 and not done.stdout.strip():
        raise NoToken("--token-command ended well and printed no token")
    if done.returncode != 0:
        # Its output may hold a secret, so only its last line of complaint is shown.
        complaint = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NoToken(f"--token-command ended with status {done.returncode}: {complaint}")
    return done.stdout.strip().splitlines()[-1]

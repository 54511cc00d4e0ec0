"""Fresh secrets in place of recorded ones. They exist in memory for one run, and nowhere else."""

from __future__ import annotations

import base64
import os
import re
import shlex
import subprocess
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt

from capture.clock import unix_time_s
from capture.format.model import HeaderPairs, Secret
from capture.redaction import PLACEHOLDER, Redactor
from capture.redaction.known import KnownSecrets
from replay.errors import NoToken

TOKEN_COMMAND_TIMEOUT_S = 30
_HOW_TO_GIVE_ONE = {
    "jwt": "--jwt-key or --token-command",
    "token": "--token-command or --secret {id}=ENV|FILE",
}
_OTHERWISE = "--secret {id}=ENV|FILE"


@dataclass(frozen=True, slots=True)
class TokenSource:
    """Where fresh secrets come from: a key to mint with, a command, or values by placeholder id."""

    jwt_key: str | bytes | None = field(default=None, repr=False)
    command: str | None = field(default=None, repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    def fresh(self, secret: Secret, now_s: int) -> str:
        """Return a fresh secret of the recorded kind. Raises NoToken."""
        if secret.id in self.values:
            return self.values[secret.id]
        if secret.kind == "jwt" and self.jwt_key is not None:
            return mint(secret, self.jwt_key, now_s)
        if secret.kind in ("jwt", "token") and self.command is not None:
            return _run(self.command)
        how = _HOW_TO_GIVE_ONE.get(secret.kind, _OTHERWISE).format(id=secret.id)
        raise NoToken(
            f"the recording has a {secret.kind} in its {secret.where} (placeholder {secret.id}), "
            f"and a replay needs a fresh one: pass {how}"
        )


@dataclass(slots=True)
class Wallet:
    """The secrets of one run: each is made once, when first needed.

    For those that the server `issued` itself there need not be any: what it did not issue this time
    stays a placeholder.
    """

    secrets: Mapping[str, Secret]
    source: TokenSource
    now_s: Callable[[], int] = unix_time_s
    issued: frozenset[str] = frozenset()
    _made: dict[str, str] = field(default_factory=dict, repr=False)

    def fill(self, text: str) -> str:
        """Return a text with every placeholder replaced by its fresh secret. Raises NoToken."""
        return PLACEHOLDER.sub(self._in_place_of, text)

    def fill_headers(self, headers: HeaderPairs) -> HeaderPairs:
        """Return headers with fresh secrets; cookies that nobody gave are left out."""
        filled = []
        for name, value in headers:
            is_cookie = name.lower() == "cookie"
            kept = self._cookies(value) if is_cookie else value
            if kept or not is_cookie:
                filled.append((name, self.fill(kept)))
        return tuple(filled)

    def fill_payload(self, payload: bytes) -> bytes:
        """Return a message with fresh secrets."""
        if b"{{deadheat:" not in payload:
            return payload
        return self.fill(payload.decode("latin-1")).encode("latin-1")

    def check(self) -> None:
        """Make every secret that cannot be left out. Raises NoToken before anything is sent."""
        for given in self.source.values:
            if given not in self.secrets and given not in self.issued:
                known = ", ".join(self.secrets) or "none"
                raise NoToken(
                    f"--secret is for {given}, but the placeholders of the recording that a "
                    f"replay fills are: {known}"
                )
        for secret in self.secrets.values():
            is_optional = secret.kind == "cookie" or secret.id in self.issued
            if not is_optional or secret.id in self.source.values:
                self._of(secret.id)

    def redactor(self) -> Redactor:
        """Return a redactor that knows the secrets made so far, whatever they look like."""
        known, highest = KnownSecrets(), 0
        for secret in self.secrets.values():
            highest = max(highest, int(secret.id.removeprefix("s")))
            if secret.id in self._made:
                known.add(self._made[secret.id].encode(), secret, searched=True)
        return Redactor(known, highest)

    def _cookies(self, value: str) -> str:
        """Return a Cookie header without the cookies that cannot be filled."""
        return ";".join(pair for pair in value.split(";") if self._can_fill(pair)).strip()

    def _can_fill(self, cookie: str) -> bool:
        return all(
            match["kind"] != "cookie" or match["id"] in self.source.values
            for match in PLACEHOLDER.finditer(cookie)
        )

    def _in_place_of(self, placeholder: re.Match[str]) -> str:
        secret_id = placeholder["id"]
        if secret_id in self.issued and secret_id not in self.source.values:
            return placeholder[0]
        return self._of(secret_id)

    def _of(self, secret_id: str) -> str:
        if secret_id not in self._made:
            secret = self.secrets.get(secret_id)
            if secret is None:
                raise NoToken(f"the recording does not say what placeholder {secret_id} stood for")
            fresh = self.source.fresh(secret, self.now_s())
            if secret.encoding == "base64url":
                fresh = base64.urlsafe_b64encode(fresh.encode()).decode().rstrip("=")
            self._made[secret_id] = fresh
        return self._made[secret_id]


def mint(secret: Secret, key: str | bytes, now_s: int) -> str:
    """Return a JWT with the recorded claims, header and algorithm, fresh times and a fresh jti."""
    claims: dict[str, Any] = dict(secret.claims)
    if "iat" in claims:
        claims["iat"] = now_s
    if "nbf" in claims:
        claims["nbf"] = now_s
    if "exp" in claims:
        claims["exp"] = now_s + (3600 if secret.lifetime_s is None else secret.lifetime_s)
    if "auth_time" in claims:
        claims["auth_time"] = now_s
    if "jti" in claims:
        claims["jti"] = str(uuid.uuid4())
    header = {name: value for name, value in secret.header.items() if name != "typ"}
    try:
        return jwt.encode(claims, key, algorithm=secret.algorithm or "HS256", headers=header)
    except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError) as error:
        raise NoToken(
            f"cannot mint a {secret.algorithm} token with the key that --jwt-key names: {error}"
        ) from None


def key_from(name: str) -> str | bytes:
    """Return the key in the file or environment variable `name`. Raises NoToken.

    A file that is no text is a key as it is: an HMAC key may be any bytes.
    """
    key = _named_bytes(name, "--jwt-key")
    try:
        return key.decode().strip()
    except UnicodeDecodeError:
        return key


def values_from(assignments: list[str]) -> dict[str, str]:
    """Read `--secret ID=ENV|FILE` arguments. Raises NoToken."""
    values = {}
    for assignment in assignments:
        secret_id, equals, name = assignment.partition("=")
        if not equals:
            raise NoToken("--secret expects ID=ENV or ID=FILE, for example s1=MY_COOKIE")
        try:
            values[secret_id] = _named_bytes(name, "--secret").decode().strip()
        except UnicodeDecodeError:
            raise NoToken(f"what --secret names for {secret_id} is no text") from None
    return values


def _named_bytes(name: str, option: str) -> bytes:
    value = os.environ.get(name)
    if value is not None:
        return value.encode("utf-8", "surrogateescape")
    try:
        return Path(name).read_bytes()
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

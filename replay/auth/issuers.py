"""The OAuth 2 clients of the configuration. Their secrets are read when a token is needed."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from capture.server_url import verified_tls
from replay.auth.oauth import OAuthIssuer, OAuthSecrets
from replay.auth.sources import named_text, text_of
from replay.configuration import Configuration, OAuthSettings, SecretName
from replay.errors import NoToken
from replay.target import check_endpoint


@dataclass(frozen=True, slots=True)
class Surrounding:
    """What the clients need beside the configuration.

    `codes` names, by client, the variable or file of an authorization code. `ask_person` is told
    the client and the URL at which a person has to sign in.
    """

    allowed_hosts: Sequence[str]
    ask_person: Callable[[str, str], None]
    codes: Mapping[str, str] = field(default_factory=dict)
    ca_file: Path | None = None


def issuers_from(configuration: Configuration, around: Surrounding) -> tuple[OAuthIssuer, ...]:
    """Return the clients. Raises NoToken when a code is for none of them."""
    unknown = set(around.codes) - set(configuration.oauth)
    if unknown:
        known = ", ".join(configuration.oauth)
        raise NoToken(f"--oauth-code is for {min(unknown)!r}, expected one of: {known}")
    return tuple(
        OAuthIssuer(
            settings,
            partial(_secrets, settings, configuration, around),
            partial(_tls, settings, around),
            around.ask_person,
        )
        for settings in configuration.oauth.values()
    )


def _tls(settings: OAuthSettings, around: Surrounding) -> ssl.SSLContext:
    """Return whom to trust, once the endpoints may be asked. Raises ReplayError."""
    for name in ("token_url", "authorize_url"):
        url = getattr(settings, name)
        if url:
            check_endpoint(url, around.allowed_hosts, f"[oauth.{settings.name}] {name}")
    return verified_tls(around.ca_file)


def _secrets(
    settings: OAuthSettings, configuration: Configuration, around: Surrounding
) -> OAuthSecrets:
    """Read the secrets of a client. Raises NoToken."""
    code = around.codes.get(settings.name)

    def read(name: str, secret: SecretName | None) -> str | None:
        if secret is None:
            return None
        where = f"[oauth.{settings.name}] {name}"
        if secret.env is not None:
            return _variable(secret.env, where)
        return text_of(configuration.secret_file(secret.file or ""), where)

    return OAuthSecrets(
        client_secret=read("client_secret", settings.client_secret),
        refresh_token=read("refresh_token", settings.refresh_token),
        code=None if code is None else named_text(code, "--oauth-code names"),
        code_verifier=read("code_verifier", settings.code_verifier),
    )


def _variable(name: str, where: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise NoToken(f"{where}: the environment variable {name} is not set")
    return value

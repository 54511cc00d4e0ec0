"""OAuth 2 clients: a token is asked for once, kept in memory, and renewed before it expires."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

from capture.format.model import Secret
from capture.redaction import Redactor
from replay.auth.sign_in import CodeListener, SignIn
from replay.configuration import ClientAuthentication, Grant, OAuthSettings
from replay.errors import NoToken

TIMEOUT_S = 10.0
# A token is renewed this long before its end, or after three quarters of a short life.
RENEW_BEFORE_S = 60
# Where the endpoint does not say how long a token lives (RFC 6749 only recommends it).
ASSUMED_LIFETIME_S = 300
LONGEST_DESCRIPTION = 160
VERIFIER_LENGTH = 64
_LOGGERS = ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.proxy")
_SERVED_KINDS = ("jwt", "token")
_PLACEHOLDER_ID = re.compile(r"s\d+")


@dataclass(frozen=True, slots=True)
class OAuthSecrets:
    """The secrets of one client, read from where the configuration says."""

    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    code_verifier: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class OAuthIssuer:
    """One `[oauth.NAME]`: issues the same token until it is nearly over.

    `read_secrets` and `connect` are called when a token is first needed: the latter says whom to
    trust, or that the endpoint may not be asked. `ask_person` is told the client and the URL at
    which a person has to sign in.
    """

    settings: OAuthSettings
    read_secrets: Callable[[], OAuthSecrets] = field(repr=False)
    connect: Callable[[], ssl.SSLContext] = field(repr=False)
    ask_person: Callable[[str, str], None] = field(repr=False)
    _tls: ssl.SSLContext | None = field(default=None, repr=False)
    _secrets: OAuthSecrets = field(default_factory=OAuthSecrets, repr=False)
    _token: str | None = field(default=None, repr=False)
    _renew_at_s: int = 0
    _refresh_token: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What people call it."""
        return f"[oauth.{self.settings.name}]"

    @property
    def is_for_the_rest(self) -> bool:
        """Whether it serves whatever nothing else does."""
        return not self.settings.serves

    def is_for(self, secret: Secret) -> bool:
        """Whether it was named for this secret: by its placeholder, its kind or its place."""
        return any(_names(pattern, secret) for pattern in self.settings.serves)

    def token(self, now_s: int) -> str:
        """Return a token that is good now. Raises NoToken."""
        if self._tls is None:
            tls, self._secrets = self.connect(), self.read_secrets()
            self._tls, self._refresh_token = tls, self._secrets.refresh_token
        if self._token is None or now_s >= self._renew_at_s:
            with _unlogged():
                answer = self._asked()
            self._keep(answer, now_s)
        if self._token is None:
            raise RuntimeError(f"{self.name} kept no token")
        return self._token

    def _asked(self) -> Mapping[str, Any]:
        grant = self.settings.grant
        if self._refresh_token is not None:
            return self._refreshed(self._refresh_token)
        if grant is Grant.CLIENT_CREDENTIALS:
            return self._posted({"grant_type": grant.value, **self._audience()})
        if self._token is not None:
            # In the middle of a hunt nobody signs in again.
            raise NoToken(
                f"{self.name}: the token is over and came without a refresh token: ask for one "
                "with scope, as in offline_access, or hunt for a shorter time"
            )
        return self._by_code()

    def _refreshed(self, refresh_token: str) -> Mapping[str, Any]:
        try:
            return self._posted({"grant_type": "refresh_token", "refresh_token": refresh_token})
        except NoToken:
            if self.settings.grant is not Grant.CLIENT_CREDENTIALS:
                raise
            # It can ask anew as it did at first.
            self._refresh_token = None
            return self._asked()

    def _by_code(self) -> Mapping[str, Any]:
        """Return the answer to an authorization code: a given one, or of whoever signs in."""
        settings = self.settings
        if self._secrets.code is not None:
            return self._exchanged(
                self._secrets.code, settings.redirect_uri, self._secrets.code_verifier
            )
        verifier = generate_token(VERIFIER_LENGTH) if settings.pkce else None
        with CodeListener.on(settings.redirect_uri, self.name) as listener:
            redirect_uri = listener.redirect_uri
            with self._client(redirect_uri) as client:
                url, state = client.create_authorization_url(
                    settings.authorize_url, code_verifier=verifier, **self._audience()
                )
            sign_in = SignIn(self.name, redirect_uri, state)
            code = self._code_without_a_person(sign_in, url)
            if code is None:
                self.ask_person(self.name, url)
                code = listener.code(sign_in, settings.sign_in_timeout_s)
        return self._exchanged(code, redirect_uri, verifier)

    def _code_without_a_person(self, sign_in: SignIn, url: str) -> str | None:
        """Return the code where the endpoint sends one back at once, as servers for tests do."""
        try:
            with httpx.Client(verify=self._tls or True, timeout=TIMEOUT_S, trust_env=False) as http:
                answer = http.get(url)
        except httpx.HTTPError as error:
            self._fail("authorize_url", error)
        location = answer.headers.get("location", "")
        if answer.is_redirect and sign_in.is_answer(location):
            return sign_in.code_in(location)
        return None

    def _exchanged(self, code: str, redirect_uri: str, verifier: str | None) -> Mapping[str, Any]:
        proof = {} if verifier is None else {"code_verifier": verifier}
        return self._posted(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                **proof,
            }
        )

    def _posted(self, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        """Return what the token endpoint answered. Raises NoToken."""
        with self._client(None) as client:
            try:
                answer = client.fetch_token(self.settings.token_url, **parameters)
            except OAuthError as error:
                self._refuse(error, parameters)
            except (httpx.HTTPError, ValueError, TypeError, AttributeError) as error:
                # What is no answer of a token endpoint breaks the library in its own ways.
                self._fail("token_url", error)
        if not isinstance(answer, Mapping):
            self._fail("token_url", TypeError())
        if not isinstance(answer.get("access_token"), str) or not answer["access_token"]:
            raise NoToken(f"{self.name}: the token endpoint answered without an access_token")
        fields: Mapping[str, Any] = answer
        return fields

    def _keep(self, answer: Mapping[str, Any], now_s: int) -> None:
        self._token = answer["access_token"]
        rotated = answer.get("refresh_token")
        if isinstance(rotated, str) and rotated:
            self._refresh_token = rotated
        lifetime_s = _whole_seconds(answer.get("expires_in"))
        self._renew_at_s = now_s + lifetime_s - min(RENEW_BEFORE_S, max(1, lifetime_s // 4))

    def _client(self, redirect_uri: str | None) -> AbstractContextManager[Any]:
        """Return a client that talks to nobody but the endpoint: no proxy, netrc or redirect."""
        settings = self.settings
        method = settings.token_endpoint_auth_method
        if method is None:
            has_secret = self._secrets.client_secret is not None
            method = ClientAuthentication.BASIC if has_secret else ClientAuthentication.NONE
        client: AbstractContextManager[Any] = OAuth2Client(
            client_id=settings.client_id,
            client_secret=self._secrets.client_secret,
            token_endpoint_auth_method=method.value,
            scope=settings.scope or None,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            verify=self._tls or True,
            timeout=TIMEOUT_S,
            trust_env=False,
            follow_redirects=False,
            event_hooks={"response": [_check_speaks_json]},
        )
        return client

    def _audience(self) -> dict[str, str]:
        return {"audience": self.settings.audience} if self.settings.audience else {}

    def _refuse(self, error: OAuthError, sent: Mapping[str, str]) -> NoReturn:
        secrets = self._secrets
        hidden = (sent.get(name) for name in ("code", "code_verifier", "refresh_token"))
        known = (secrets.client_secret, *hidden)
        said = f"{error.error}: {error.description}" if error.description else f"{error.error}"
        for each in known:
            if each:
                said = said.replace(each, "…")
        raise NoToken(f"{self.name}: the token endpoint refused: {_one_line(said)}") from None

    def _fail(self, which: str, error: Exception) -> NoReturn:
        host = urlsplit(getattr(self.settings, which)).netloc
        if isinstance(error, httpx.HTTPStatusError):
            what = f"answered {error.response.status_code}"
        elif isinstance(error, httpx.TimeoutException):
            what = f"did not answer in {TIMEOUT_S:.0f} s"
        elif isinstance(error, httpx.HTTPError):
            what = f"cannot be reached: {_one_line(str(error))}"
        else:
            what = "answered something else than JSON with a token: is it the right URL?"
        raise NoToken(f"{self.name}: {which} at {host} {what}") from None


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep the HTTP libraries from logging: at DEBUG their lines hold codes and tokens."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _names(pattern: str, secret: Secret) -> bool:
    if _PLACEHOLDER_ID.fullmatch(pattern):
        return pattern == secret.id
    if pattern in _SERVED_KINDS:
        return pattern == secret.kind
    return fnmatchcase(secret.where.lower(), pattern.lower())


def _check_speaks_json(response: httpx.Response) -> None:
    """Raise httpx.HTTPStatusError for pages and redirects, which are no answer."""
    if not response.is_success and "json" not in response.headers.get("Content-Type", ""):
        response.raise_for_status()


def _whole_seconds(expires_in: object) -> int:
    try:
        lifetime_s = int(str(expires_in))
    except ValueError:
        return ASSUMED_LIFETIME_S
    return max(0, lifetime_s)


def _one_line(said: str) -> str:
    """Return what an endpoint said, safe to show: one line, not long, and no secret in it."""
    clean = Redactor().text(" ".join(said.split()), where="an error")[0]
    return "".join(each for each in clean if each.isprintable())[:LONGEST_DESCRIPTION]

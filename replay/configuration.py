"""What deadheat.toml says, checked before anything is done.

It is looked for in the working directory, and above it up to the root of the git repository: not
further, since whoever may write there could allow hosts. It names secrets and never holds one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from replay.errors import ConfigurationError
from replay.limits import Limits

CONFIG_FILE = Path("deadheat.toml")
SECRETS = ("client_secret", "refresh_token", "code_verifier")


class Grant(StrEnum):
    """How an OAuth 2 client gets its tokens."""

    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"
    AUTHORIZATION_CODE = "authorization_code"


class ClientAuthentication(StrEnum):
    """How a client tells the token endpoint who it is."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    NONE = "none"


class SecretName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret is: in an environment variable, or in a file."""

    env: str | None = None
    file: str | None = None


class OAuthSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[oauth.NAME]`.

    `serves` (in the file: `for`) names the secrets of a recording that its tokens stand in for:
    placeholders (`s1`), kinds (`jwt`), or where they stood (`header authorization`, `query *`).
    Without it, all JWTs and tokens that nothing else stands in for.
    """

    grant: Grant
    token_url: str
    client_id: str
    name: str = ""
    client_secret: SecretName | None = None
    authorize_url: str = ""
    redirect_uri: str = "http://127.0.0.1:0/callback"
    refresh_token: SecretName | None = None
    code_verifier: SecretName | None = None
    scope: str = ""
    audience: str = ""
    pkce: bool = True
    token_endpoint_auth_method: ClientAuthentication | None = None
    sign_in_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 120.0
    serves: tuple[str, ...] = msgspec.field(default=(), name="for")


class ReplaySection(Limits, frozen=True, forbid_unknown_fields=True):
    """`[replay]`: the hosts that may be sent to, and limits for all of them."""

    allowed_hosts: tuple[str, ...] = ()


class ChecksSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[checks]`: what has to hold in every run, as `--check` takes it, or as a table."""

    named: tuple[str | dict[str, Any], ...] = ()


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; `path` is None where there is none."""

    replay: ReplaySection = ReplaySection()
    hosts: dict[str, Limits] = {}
    oauth: dict[str, OAuthSettings] = {}
    checks: ChecksSection = ChecksSection()
    path: Path | None = None

    def limits_of(self, host: str) -> Limits:
        """Return what the file says of a host: its own section first, then `[replay]`."""
        own = {name.lower(): limits for name, limits in self.hosts.items()}
        return own.get(host.lower(), Limits()).or_else(self.replay)

    def secret_file(self, name: str) -> Path:
        """Return a file that a secret is in: relative to the configuration file."""
        return Path(name) if self.path is None else self.path.parent / Path(name).expanduser()


_CHOICES: Mapping[str, type[StrEnum]] = {
    "grant": Grant,
    "token_endpoint_auth_method": ClientAuthentication,
}
_WORDS = {
    "array": "a list",
    "object": "a table",
    "str | object": "a text or a table",
    "str": "a text",
    "int | null": "a whole number",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
T = TypeVar("T")


def find_configuration(directory: Path) -> Path | None:
    """Return the configuration file for a working directory, if there is one."""
    folders = [directory, *directory.parents]
    root = next((number for number, each in enumerate(folders) if (each / ".git").exists()), 0)
    found = (each / CONFIG_FILE for each in folders[: root + 1])
    return next((path for path in found if path.is_file()), None)


def here() -> Configuration:
    """Return the configuration for the working directory. Raises ConfigurationError."""
    return read_configuration(find_configuration(Path.cwd()))


def read_configuration(path: Path | None) -> Configuration:
    """Return what a file says; without a file, nothing. Raises ConfigurationError."""
    if path is None:
        return Configuration()
    try:
        tables = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is no TOML: {error}") from None
    try:
        return _checked(tables, path)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _checked(tables: Mapping[str, Any], path: Path) -> Configuration:
    _check_names(tables, _fields(Configuration) - {"path"}, "")
    for section, kind in (("hosts", Limits), ("oauth", OAuthSettings)):
        for name, table in _tables(tables.get(section, {}), section):
            _check_names(table, _fields(kind) - {"name"}, f"{section}.{name}")
    if isinstance(replay := tables.get("replay"), Mapping):
        _check_names(replay, _fields(ReplaySection), "replay")
        for host in replay.get("allowed_hosts", ()):
            _check_host(host, "replay.allowed_hosts")
    if isinstance(checks := tables.get("checks"), Mapping):
        _check_names(checks, _fields(ChecksSection), "checks")
    for name, table in _tables(tables.get("oauth", {}), "oauth"):
        _check_no_literal(table, f"oauth.{name}")
    for host in tables.get("hosts", {}):
        _check_host(host, "hosts")
    configuration = Configuration(
        replay=_converted(tables.get("replay", {}), ReplaySection, "replay"),
        hosts={
            host: _converted(table, Limits, f"hosts.{host}")
            for host, table in tables.get("hosts", {}).items()
        },
        oauth={
            name: _converted({**table, "name": name}, OAuthSettings, f"oauth.{name}")
            for name, table in tables.get("oauth", {}).items()
        },
        checks=_converted(tables.get("checks", {}), ChecksSection, "checks"),
        path=path.absolute(),
    )
    for settings in configuration.oauth.values():
        _check_oauth(settings)
    _check_one_serves_the_rest(configuration.oauth.values())
    return configuration


def _converted(table: object, kind: type[T], where: str) -> T:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        # Its messages name types and places; only of a choice it repeats what stands there.
        what, _, place = str(error).partition(" - at ")
        name = place.strip("`").removeprefix("$").removeprefix(".")
        if name in _CHOICES:
            what = "expected one of: " + ", ".join(_CHOICES[name])
        for term, word in _WORDS.items():
            what = what.replace(f"`{term}`", word)
        raise ConfigurationError(
            f"[{where}] {f'{name}: ' if name else ''}{what[0].lower()}{what[1:]}"
        ) from None


def _tables(section: object, name: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    if not isinstance(section, Mapping) or not all(
        isinstance(table, Mapping) for table in section.values()
    ):
        raise ConfigurationError(f"[{name}] holds values, expected tables as in [{name}.NAME]")
    return section.items()


def _check_names(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in table:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "expected " + ", ".join(sorted(known))
            raise ConfigurationError(f"{f'[{where}] ' if where else ''}{name} is unknown: {hint}")


def _check_no_literal(table: Mapping[str, Any], where: str) -> None:
    for name in SECRETS:
        secret = table.get(name)
        if secret is None:
            continue
        if not isinstance(secret, Mapping):
            # What stands there is not repeated: it is a secret.
            raise ConfigurationError(
                f"[{where}] {name} stands in the file itself: name it instead, as in "
                f'{name} = {{ env = "NAME" }} or {{ file = "PATH" }}'
            )
        _check_names(secret, {"env", "file"}, f"{where}.{name}")
        if len(secret) != 1:
            raise ConfigurationError(f"[{where}] {name}: expected either env or file")


def _check_host(host: object, where: str) -> None:
    has_port = isinstance(host, str) and host.count(":") == 1
    if isinstance(host, str) and (has_port or any(mark in host for mark in "/*@ [")):
        raise ConfigurationError(
            f"[{where}] {host!r}: expected the name or address of one host alone, as in "
            '"staging.example.com" or "fd00::1"'
        )


def _check_oauth(settings: OAuthSettings) -> None:
    where = f"[oauth.{settings.name}]"
    wanted = {
        Grant.CLIENT_CREDENTIALS: ("client_secret", settings.client_secret is not None),
        Grant.REFRESH_TOKEN: ("refresh_token", settings.refresh_token is not None),
        Grant.AUTHORIZATION_CODE: ("authorize_url", settings.authorize_url != ""),
    }
    name, given = wanted[settings.grant]
    if not given:
        raise ConfigurationError(f"{where} has the grant {settings.grant}, which needs {name}")
    method = settings.token_endpoint_auth_method
    if method not in (None, ClientAuthentication.NONE) and settings.client_secret is None:
        raise ConfigurationError(f"{where} authenticates by {method}, which needs client_secret")


def _check_one_serves_the_rest(clients: Iterable[OAuthSettings]) -> None:
    rest = [settings.name for settings in clients if not settings.serves]
    if len(rest) > 1:
        raise ConfigurationError(
            f"[oauth.{rest[0]}] and [oauth.{rest[1]}] both serve all secrets: say which, as in "
            'for = ["s1"]'
        )


def _fields(kind: type[msgspec.Struct]) -> set[str]:
    return set(kind.__struct_encode_fields__)

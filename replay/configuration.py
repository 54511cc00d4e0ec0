"""deadheat.toml: what holds for all commands in a directory. Unknown names are mistakes."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from replay.errors import ReplayError

CONFIG_FILE = Path("deadheat.toml")
REPLAY = ("allowed_hosts", "max_connections", "max_sends_per_s")
OAUTH = (
    *("grant", "token_url", "client_id", "client_secret", "refresh_token", "authorize_url"),
    *("redirect_uri", "scope", "audience", "secrets"),
)
# The names of OAuth clients are the person's own.
SECTIONS: Mapping[str, Collection[str] | None] = {
    "replay": REPLAY,
    "checks": ("named",),
    "oauth": None,
}


def read_section(name: str, path: Path = CONFIG_FILE) -> Mapping[str, Any]:
    """Return a section of the file; empty without one, or without a file. Raises ReplayError."""
    try:
        config = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ReplayError(f"cannot read {path}: {error}") from error
    check_names(config, SECTIONS, str(path))
    for each, names in SECTIONS.items():
        section = config.get(each, {})
        if not isinstance(section, dict):
            raise ReplayError(f"{path}: {each} is {section!r}, expected a section [{each}]")
        if names is not None:
            check_names(section, names, f"{path}: [{each}]")
    section = config.get(name, {})
    return section if isinstance(section, dict) else {}


def check_names(given: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Raise ReplayError when there is a name that nobody reads."""
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            meant = f"did you mean {near[0]}?" if near else f"expected {', '.join(known)}"
            raise ReplayError(f"{where} has {name!r}: {meant}")

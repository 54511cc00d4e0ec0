"""The checks of a session: those in the configuration file, then those of the command line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from replay.configuration import CONFIG_FILE, read_section
from replay.errors import CheckError
from replay.oracles.checks import Check, from_json, parse


def chosen_checks(texts: Iterable[str], path: Path = CONFIG_FILE) -> tuple[Check, ...]:
    """Return the configured checks and those in `texts`, each once. Raises CheckError."""
    return tuple(dict.fromkeys((*configured_checks(path), *map(parse, texts))))


def configured_checks(path: Path = CONFIG_FILE) -> tuple[Check, ...]:
    """Return what `[checks] named` lists: texts as `--check` takes them, or tables.

    Raises CheckError; without a file there are none.
    """
    named = read_section("checks", path).get("named", [])
    if not isinstance(named, list) or not all(isinstance(each, str | dict) for each in named):
        raise CheckError(f"{path}: [checks] named is {named!r}, expected a list of checks")
    return tuple(parse(each) if isinstance(each, str) else from_json(each) for each in named)

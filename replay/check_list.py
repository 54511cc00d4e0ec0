"""The checks of a session: those in the configuration file, then those of the command line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from replay.configuration import here, read_configuration
from replay.oracles.checks import Check, from_json, parse


def chosen_checks(texts: Iterable[str], path: Path | None = None) -> tuple[Check, ...]:
    """Return the configured checks and those in `texts`, each once. Raises ReplayError."""
    return tuple(dict.fromkeys((*configured_checks(path), *map(parse, texts))))


def configured_checks(path: Path | None = None) -> tuple[Check, ...]:
    """Return what `[checks] named` lists: texts as `--check` takes them, or tables.

    Without a path the file is looked for; without a file there are none. Raises ReplayError.
    """
    configuration = here() if path is None else read_configuration(path if path.is_file() else None)
    named = configuration.checks.named
    return tuple(parse(each) if isinstance(each, str) else from_json(each) for each in named)

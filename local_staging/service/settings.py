"""Read the environment variables of a service; a bad one ends the process with a clear line."""

from __future__ import annotations

from collections.abc import Mapping

from local_staging.errors import StagingError


def required(environment: Mapping[str, str], name: str, what: str) -> str:
    """Return a variable that must be set. Raises StagingError."""
    value = environment.get(name, "")
    if not value:
        raise StagingError(f"{name} is not set, expected {what}")
    return value


def seconds(environment: Mapping[str, str], name: str, default_s: float) -> float:
    """Return a variable that holds seconds, 0 or more. Raises StagingError."""
    text = environment.get(name)
    if text is None:
        return default_s
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise StagingError(f"{name} is {text!r}, expected seconds, 0 or more")
    return value

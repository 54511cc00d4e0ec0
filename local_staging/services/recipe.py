"""What it takes to start one service, and where it will be."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A program to run: `how` says for people what it is, `directory` is removed after it."""

    how: str
    command: tuple[str, ...]
    port: int
    url: str = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: str | None = None
    directory: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM


class Unavailable(Exception):
    """This way to have the service is not open here; the text says why."""


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def port_for(preferred: int) -> int:
    """Return that port, or any free one when it is taken or 0."""
    if preferred and is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def is_root() -> bool:
    """Whether we may become somebody else."""
    return hasattr(os, "geteuid") and os.geteuid() == 0

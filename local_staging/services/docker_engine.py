"""Docker, if there is an engine: a client alone answers to `docker`, too."""

from __future__ import annotations

import shutil
import subprocess

from local_staging.services.recipe import HOST, Unavailable

_ANSWER_S = 5.0


def run_command(
    image: str,
    port: int,
    container_port: int,
    *,
    variables: tuple[str, ...] = (),
    arguments: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Return the command that runs an image until it is stopped. Raises Unavailable.

    `variables` are names: their values come from the environment of the command.
    """
    program = _client_of_an_engine()
    publish = ("--publish", f"{HOST}:{port}:{container_port}")
    environment = tuple(part for name in variables for part in ("--env", name))
    return (program, "run", "--rm", "--init", *publish, *environment, image, *arguments)


def _client_of_an_engine() -> str:
    program = shutil.which("docker")
    if program is None:
        raise Unavailable("no docker on the path")
    command = [program, "version", "--format", "{{.Server.Version}}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_ANSWER_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise Unavailable(f"no Docker engine answered within {_ANSWER_S:g} s") from None
    if done.returncode != 0 or not done.stdout.strip():
        raise Unavailable("no Docker engine is running")
    return program

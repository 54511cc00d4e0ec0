"""What is asked of Docker. Where an engine runs, the integration tests run the images."""

import os
from pathlib import Path

import pytest

from local_staging.services.docker_engine import run_command
from local_staging.services.recipe import Unavailable


def client(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return program


def test_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match="no docker on the path"):
        run_command("redis:7-alpine", 6381, 6379)


def test_a_client_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(tmp_path, "echo 'Cannot connect to the Docker daemon' >&2; exit 1", monkeypatch)
    with pytest.raises(Unavailable, match="no Docker engine is running"):
        run_command("redis:7-alpine", 6381, 6379)


def test_ports_are_published_on_loopback_and_secrets_named_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = client(tmp_path, "echo 28.2.2", monkeypatch)
    command = run_command(
        "postgres:16-alpine", 5434, 5432, variables=("POSTGRES_PASSWORD",), arguments=("postgres",)
    )
    assert command == (
        str(program),
        *("run", "--rm", "--init", "--publish", "127.0.0.1:5434:5432"),
        *("--env", "POSTGRES_PASSWORD", "postgres:16-alpine", "postgres"),
    )

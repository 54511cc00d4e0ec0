"""Starts a server of this folder in a process of its own, on a free port."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@contextmanager
def serving(
    name: str, *arguments: str, log: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Start a server; yield its port. What it writes to standard error goes to `log`."""
    program = shutil.which("node") or "node" if name.endswith(".js") else sys.executable
    with log.open("wb") if log else open(os.devnull, "wb") as stderr:
        process = subprocess.Popen(
            [program, str(HERE / name), *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **(env or {})},
        )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["port"]
    finally:
        process.kill()
        process.communicate()


def require_node_ws() -> None:
    """Skip where Node or its ws is missing; where CI is set that is a failure."""
    if shutil.which("node") and (HERE / "node_modules" / "ws").is_dir():
        return
    reason = "Node's ws is missing: sh tests/install_tools.sh"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)

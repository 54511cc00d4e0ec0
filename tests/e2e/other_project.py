"""A project that is not this one, with the chat backend as its server under test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFTEST = """
import pytest
from local_staging.launch import launch


@pytest.fixture(scope="session")
def staging(tmp_path_factory):
    with launch(chat="BUILD", directory=tmp_path_factory.mktemp("staging")) as staging:
        yield staging


@pytest.fixture(scope="session")
def deadheat_target(staging):
    return staging.chat_url


@pytest.fixture(scope="session")
def deadheat_tokens(staging):
    return staging.signing_key


@pytest.fixture(scope="session")
def deadheat_log(staging):
    return staging.chat_log
"""


def project(folder: Path, build: str) -> None:
    """Make a project whose tests start this build."""
    (folder / "conftest.py").write_text(CONFTEST.replace("BUILD", build))


def command(module: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )

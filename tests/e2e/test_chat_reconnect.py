"""The committed sample as a test in CI: the fixed chat backend stands the timing of the race."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_staging.launch import Staging, launch
from replay.pytest_plugin.marked_test import MarkedTest
from tests.e2e.other_project import ROOT, command, project
from tests.jwt_shape import JWT_SHAPE

CAPTURE = "data/samples/chat_reconnect.capture.jsonl"
FINDING = "data/samples/chat_reconnect.finding.json"


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    with launch(chat="fixed", directory=tmp_path_factory.mktemp("staging")) as staging:
        yield staging


@pytest.fixture(scope="module")
def deadheat_target(staging: Staging) -> str:
    return staging.chat_url


@pytest.fixture(scope="module")
def deadheat_tokens(staging: Staging) -> Path:
    return staging.signing_key


@pytest.mark.deadheat(CAPTURE, finding=FINDING, runs=4)
def test_the_fixed_build_stands_the_reconnect(deadheat_replay: MarkedTest) -> None:
    assert deadheat_replay.rate.failures == 0


@pytest.mark.deadheat(CAPTURE)
async def test_the_fixed_build_does_as_recorded() -> None:
    pass


def test_an_exported_test_fails_on_the_incident_build(tmp_path: Path) -> None:
    """With a deadheat and a pytest of their own, as in another project."""
    project(tmp_path, "incident")
    export = ("export", str(ROOT / FINDING), "--to", "pytest", "--out", "test_reconnect.py")
    done = command("deadheat", *export, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    arguments = (
        "-q",
        "-p",
        "no:cacheprovider",
        "--junitxml=report.xml",
        "--deadheat-runs-dir=kept",
    )
    done = command("pytest", *arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert "deadheat: refused: c2: the handshake was answered 500" in done.stdout
    assert "fails     in 4 of 4 runs" in done.stdout
    assert 'WebSocket is not connected. Need to call "accept" first.' in done.stdout
    assert "    expected  101" in done.stdout
    assert "    came      500 Internal Server Error" in done.stdout
    written = [path.read_text() for path in tmp_path.rglob("*.*") if path.is_file()]
    assert len(written) > 10
    assert [text for text in [done.stdout, *written] if JWT_SHAPE.search(text)] == []

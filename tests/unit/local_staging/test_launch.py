from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local_staging import launch as launching
from local_staging.errors import StagingError
from local_staging.launch import launch
from local_staging.model_service import completion
from local_staging.processes import ServiceSpec


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chat": "broken"}, "'broken', expected incident or fixed"),
        ({"chat_port": 65_536}, "65536, expected 0 to 65535"),
        ({"auth_port": -1}, "-1, expected 0 to 65535"),
    ],
)
def test_refuses_before_it_starts_anything(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(StagingError, match=message):
        launch(directory=tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_says_when_the_directory_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(StagingError, match="cannot make the directory"):
        launch(directory=path)


def test_service_that_came_up_is_stopped_when_the_next_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = []

    class Running:
        port = 8081

        def __init__(self, name: str) -> None:
            self.name = name

        def stop(self) -> None:
            stopped.append(self.name)

    def start(spec: ServiceSpec, timeout_s: float) -> Running:
        if spec.name == "chat backend":
            raise StagingError("chat backend did not come up")
        return Running(spec.name)

    monkeypatch.setattr("local_staging.launch.start", start)
    with pytest.raises(StagingError, match="chat backend did not come up"):
        launch(directory=tmp_path)
    assert stopped == ["model service", "auth service"]


def test_the_model_that_is_started_has_the_name_that_is_asked_for() -> None:
    assert launching.OWN_MODEL == completion.MODEL


def test_import_is_light() -> None:
    heavy = ("starlette", "uvicorn", "httpx", "jwt", "cryptography", "redis", "asyncpg")
    code = f"import sys, local_staging.launch; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

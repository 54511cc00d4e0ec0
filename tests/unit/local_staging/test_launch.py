from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local_staging.errors import StagingError
from local_staging.launch import launch


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"build": "broken"}, "'broken', expected incident or fixed"),
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


def test_import_is_light() -> None:
    heavy = ("starlette", "uvicorn", "httpx", "jwt", "cryptography", "sqlite3")
    code = f"import sys, local_staging.launch; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

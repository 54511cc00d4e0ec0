from __future__ import annotations

import json
import socket
import sys

import pytest
from starlette.applications import Starlette

from local_staging.service.listening import run_service


def test_port_that_is_taken_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def taken(*_: object, **__: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(socket, "create_server", taken)
    monkeypatch.setattr(sys, "argv", ["service", "--port", "8080"])
    with pytest.raises(SystemExit) as caught:
        run_service("chat backend", Starlette())
    assert caught.value.code == 1
    assert json.loads(capsys.readouterr().out) == {
        "problem": "cannot listen on 127.0.0.1:8080: Address already in use"
    }

from pathlib import Path

import pytest

from replay.engine.virtual.asgi_server import AsgiServer
from replay.engine.virtual.served_application import ServedApplication
from replay.engine.virtual.uvicorn_server import UvicornServer


def test_two_of_its_servers_have_the_same_time_of_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "quiet_app.py").write_text("async def app(scope, receive, send): ...\n")
    monkeypatch.chdir(tmp_path)
    application = ServedApplication("quiet_app:app", {"ws_ping_interval": 7})
    first, second = application.server(), application.server()
    assert isinstance(first, UvicornServer)
    assert isinstance(second, UvicornServer)
    assert (first.epoch_ns, first.options) == (second.epoch_ns, {"ws_ping_interval": 7})
    direct = ServedApplication("quiet_app:app", is_direct=True).server()
    assert isinstance(direct, AsgiServer)

from pathlib import Path

import pytest

from replay.engine.virtual.services.asgi_in_memory import AsgiInMemory
from replay.engine.virtual.services.named import fake_named
from replay.engine.virtual.services.redis_in_memory import RedisInMemory
from replay.engine.virtual.services.tape import Tape
from replay.errors import HostNotAllowed, ReplayError


def test_a_redis() -> None:
    address, fake = fake_named("redis=cache.internal:6379")
    assert address == ("cache.internal", 6379)
    assert isinstance(fake, RedisInMemory)
    assert fake_named("redis=[::1]:6379")[0] == ("::1", 6379)


def test_an_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "quiet_prices.py").write_text("async def app(scope, receive, send): ...\n")
    monkeypatch.chdir(tmp_path)
    address, fake = fake_named("quiet_prices:app=127.0.0.1:8080")
    assert address == ("127.0.0.1", 8080)
    assert isinstance(fake, AsgiInMemory)
    assert fake.name == "quiet_prices:app"


def test_a_tape_asks_this_machine_and_who_is_allowed() -> None:
    address, fake = fake_named("tape=127.0.0.1:8080")
    assert address == ("127.0.0.1", 8080)
    assert isinstance(fake, Tape)
    assert isinstance(fake_named("tape=prices.example:80", ["prices.example"])[1], Tape)
    with pytest.raises(HostNotAllowed, match=r"--fake tape leads to prices\.example"):
        fake_named("tape=prices.example:80")


@pytest.mark.parametrize("text", ["", "redis", "redis=", "redis=h", "redis=h:", "redis=h:70000"])
def test_what_is_no_fake_is_told(text: str) -> None:
    with pytest.raises(ReplayError, match="expected redis=HOST:PORT"):
        fake_named(text)


def test_what_nobody_knows_is_told() -> None:
    with pytest.raises(ReplayError, match="knows no 'mysql'"):
        fake_named("mysql=h:1")

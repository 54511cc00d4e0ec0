import socket
import threading
from pathlib import Path

import pytest

from local_staging.services import redis_server
from local_staging.services.recipe import HOST, Unavailable, port_for


def answering(reply: bytes) -> int:
    """Listen for one client, and answer it so."""
    server = socket.create_server((HOST, 0))

    def serve() -> None:
        with server, server.accept()[0] as connection:
            connection.recv(64)
            connection.sendall(reply)

    threading.Thread(target=serve, daemon=True).start()
    port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("reply", "is_one"),
    [
        (b"+PONG\r\n", True),
        (b"-NOAUTH Authentication required.\r\n", True),
        (b"HTTP/1.1 400", False),
    ],
)
def test_what_a_redis_says(reply: bytes, is_one: bool) -> None:
    assert redis_server.answers(HOST, answering(reply), 5.0) is is_one


def test_nobody_listens() -> None:
    assert not redis_server.answers(HOST, port_for(0), 1.0)


def test_without_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match="no redis-server on the path"):
        redis_server.on_this_machine(0)


def test_the_program_listens_on_loopback_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "redis-server"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    recipe = redis_server.on_this_machine(0)
    assert recipe.command[0] == str(program)
    assert recipe.command[3:] == ("--bind", HOST, "--save", "", "--appendonly", "no")
    assert recipe.url == f"redis://{HOST}:{recipe.port}/0"

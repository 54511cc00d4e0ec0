import socket
import threading
from pathlib import Path

import pytest

from local_staging.services import postgres_server
from local_staging.services.recipe import HOST, Unavailable, port_for


def answering(reply: bytes) -> int:
    """Listen for one client, and answer it so."""
    server = socket.create_server((HOST, 0))

    def serve() -> None:
        with server, server.accept()[0] as connection:
            connection.recv(256)
            connection.sendall(reply)

    threading.Thread(target=serve, daemon=True).start()
    port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("reply", "is_ready"),
    [
        (b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0", True),
        (b"E\0\0\0\x50SFATAL\0C28000\0Mno entry\0\0", True),
        (b"E\0\0\0\x50SFATAL\0C57P03\0Mthe database system is starting up\0\0", False),
        (b"HTTP/1.1 400", False),
    ],
)
def test_what_a_postgresql_says(reply: bytes, is_ready: bool) -> None:
    assert postgres_server.answers(HOST, answering(reply), 5.0) is is_ready


def test_nobody_listens() -> None:
    assert not postgres_server.answers(HOST, port_for(0), 1.0)


def test_a_folder_without_the_server_is_no_way(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"a wheel: there is no .*initdb"):
        postgres_server._recipe("a wheel", tmp_path, 0)


def test_an_initdb_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("initdb", "postgres"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho 'no space left' >&2\nexit 1\n")
        program.chmod(0o755)
    made = tmp_path / "made"
    made.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(made))
    monkeypatch.setattr(postgres_server, "is_root", lambda: False)
    with pytest.raises(Unavailable, match="initdb failed: no space left"):
        postgres_server._recipe("these", tmp_path, 0)
    assert list(made.iterdir()) == []

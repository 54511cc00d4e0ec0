"""The order of the ways, with a program of our own in the place of the services' programs."""

import sys
from pathlib import Path

import pytest

from local_staging.errors import StagingError
from local_staging.services import backing, redis_server
from local_staging.services.backing import BackingService, backing_services
from local_staging.services.recipe import HOST, Recipe, Unavailable, port_for

SERVER = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        with server.accept()[0] as connection:
            connection.recv(64)
            connection.sendall(b"+PONG\\r\\n")
"""


class Kind:
    """A service of which only some ways are open."""

    NAME = "Redis"
    URL_VARIABLE = "THE_URL"
    DEFAULT_PORT = 6379
    answers = staticmethod(redis_server.answers)

    def __init__(self, **ways: str) -> None:
        self.ways = ways

    def _way(self, name: str) -> Recipe:
        if name not in self.ways:
            raise Unavailable(f"no {name}")
        port = port_for(0)
        command = (sys.executable, "-c", self.ways[name], str(port))
        return Recipe(name, command, port, f"redis://{HOST}:{port}/0")

    def in_docker(self, port: int) -> Recipe:
        return self._way("docker")

    def on_this_machine(self, port: int) -> Recipe:
        return self._way("machine")

    def from_wheel(self, port: int) -> Recipe:
        return self._way("wheel")


def test_the_first_way_that_is_open(tmp_path: Path) -> None:
    with backing._having(Kind(machine=SERVER, wheel=SERVER), 0, tmp_path, {}) as service:
        assert service.how == "machine"
        assert redis_server.answers(*service.address, 5.0)
    assert not redis_server.answers(*service.address, 1.0)


def test_a_way_that_fails_is_not_the_last(tmp_path: Path) -> None:
    kind = Kind(docker="raise SystemExit('no such image')", wheel=SERVER)
    with backing._having(kind, 0, tmp_path, {}) as service:
        assert service.how == "wheel"
    assert "no such image" in (tmp_path / "redis.log").read_text()


def test_what_the_environment_says_comes_first(tmp_path: Path) -> None:
    with backing._having(Kind(machine=SERVER), 0, tmp_path, {}) as running:
        given = {"THE_URL": running.url}
        with backing._having(Kind(docker=SERVER), 0, tmp_path, given) as service:
            assert (service.url, service.how, service.pid) == (running.url, "THE_URL", None)


def test_no_way_is_open_and_each_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(
            StagingError,
            match="there is no Redis: THE_URL is not set; no docker; no machine; no wheel",
        ),
        backing._having(Kind(), 0, tmp_path, {}),
    ):
        pass


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("redis://:secret@127.0.0.1:1/0", "THE_URL names 127.0.0.1:1, and no Redis answers there"),
        ("secret", "THE_URL is no URL with a host"),
        ("redis://secret:secret@h:port/", "THE_URL is no URL with a host"),
    ],
)
def test_an_address_that_leads_nowhere(tmp_path: Path, url: str, complaint: str) -> None:
    with (
        pytest.raises(StagingError, match=complaint) as error,
        backing._having(Kind(machine=SERVER), 0, tmp_path, {"THE_URL": url}),
    ):
        pass
    assert "secret" not in str(error.value)


def test_the_url_by_another_address_keeps_the_account() -> None:
    service = BackingService("PostgreSQL", "postgresql://me:secret@127.0.0.1:5/db", "given")
    assert service.url_through("127.0.0.1", 7) == "postgresql://me:secret@127.0.0.1:7/db"
    assert service.address == ("127.0.0.1", 5)
    assert "secret" not in repr(service)
    plain = BackingService("Redis", "redis://127.0.0.1:5/0", "given")
    assert plain.url_through("127.0.0.1", 7) == "redis://127.0.0.1:7/0"


def test_a_service_that_is_not_there_ends_the_other_one(tmp_path: Path) -> None:
    url = "postgresql://127.0.0.1:1/x"
    with (
        pytest.raises(StagingError, match="DEADHEAT_POSTGRES_URL names"),
        backing_services(tmp_path, environment={"DEADHEAT_POSTGRES_URL": url}),
    ):
        pass

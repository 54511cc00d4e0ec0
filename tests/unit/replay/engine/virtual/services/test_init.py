import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.services import Answer, Services


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class EchoInMemory:
    def notes(self) -> Iterator[str]:
        yield "a fake echoed"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Answer]:
        yield Echo


async def echoed(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"hello")
    heard = await reader.read(5)
    writer.close()
    return heard


def within(services: Services, host: str, port: int) -> bytes:
    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.services = services
        async with services.serving():
            return await echoed(host, port)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


@pytest.mark.parametrize(
    ("named", "asked"),
    [("127.0.0.1", "localhost"), ("localhost", "127.0.0.1"), ("Cache.internal", "cache.internal")],
)
def test_a_fake_answers_by_whatever_name_means_its_host(named: str, asked: str) -> None:
    services = Services({(named, 7): EchoInMemory()})
    assert within(services, asked, 7) == b"hello"
    assert list(services.notes()) == ["a fake echoed"]


def test_who_looks_a_fake_up_finds_it() -> None:
    services = Services({("one.internal", 7): EchoInMemory(), ("two.internal", 7): EchoInMemory()})

    async def main() -> tuple[str, bytes]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.services = services
        async with services.serving():
            (found, *_) = await loop.getaddrinfo(b"two.internal", 7, type=socket.SOCK_STREAM)
            return found[4][0], await echoed(*found[4])

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == ("240.0.0.2", b"hello")


def test_a_real_service_of_this_machine_is_asked_and_noted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        services = Services()

        async def main() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            loop.services = services
            async with services.serving():
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(main())
    assert list(services.notes()) == [
        f"the application asked a service that is real: 127.0.0.1:{port}"
    ]


@pytest.mark.parametrize("host", ["192.0.2.1", "elsewhere.invalid"])
def test_another_machine_is_not_connected_to(host: str) -> None:
    services = Services()
    with pytest.raises(ConnectionRefusedError, match=f"keeps the application from {host}"):
        within(services, host, 7)
    assert list(services.notes()) == [f"the application was kept from connecting to {host}"]


@pytest.mark.parametrize("connect", [socket.socket.connect, socket.socket.connect_ex])
def test_nor_does_a_client_that_blocks(connect: Callable[..., object]) -> None:
    services = Services({("127.0.0.1", 7): EchoInMemory()})

    async def main() -> None:
        async with services.serving():
            for address in (("192.0.2.1", 7), ("127.0.0.1", 7)):
                with socket.socket() as blocking, pytest.raises(ConnectionRefusedError):
                    getattr(blocking, connect.__name__)(address)

    asyncio.run(main())
    assert list(services.notes()) == [
        "the application was kept from connecting to 192.0.2.1",
        "a client that blocks was kept from passing by the fake at 127.0.0.1:7",
        "a fake echoed",
    ]
    # Afterwards all is as it was.
    assert connect in (socket.socket.connect, socket.socket.connect_ex)


def test_where_a_host_is_allowed_so_are_its_addresses() -> None:
    services = Services(allowed_hosts=("shop.example",))
    services.looked_up("shop.example", ["192.0.2.1"])
    services.looked_up("other.example", ["192.0.2.2"])
    services.check("192.0.2.1")
    with pytest.raises(ConnectionRefusedError):
        services.check("192.0.2.2")

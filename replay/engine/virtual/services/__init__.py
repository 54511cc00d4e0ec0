"""What an application of this process talks to: fakes in memory, the real thing where it may.

A fake is there anew for each run, on the time of the run, so that runs with it are the same again.
It is found by connections that asyncio makes. What Python connects otherwise, as clients do that
block, is seen here, too; code in C that connects by itself is not.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Protocol

from replay.engine.remarks import ASKED, KEPT_FROM, PASSED_BY
from replay.errors import HostNotAllowed
from replay.target import check_host, is_loopback

Address = tuple[str, int]
Answer = Callable[[], asyncio.Protocol]

MACHINE = "localhost"
# Of a network that nobody has.
NOWHERE = "240.0.0.{}"


class Fake(Protocol):
    """A service in memory."""

    def serving(self) -> AbstractAsyncContextManager[Answer]:
        """Begin with nothing; yield what makes the server's end of each connection."""

    def notes(self) -> Iterable[str]:
        """Return what to note of a run."""


@dataclass(slots=True)
class Services:
    """Fakes by their addresses, and the hosts that may be connected to beside this machine."""

    fakes: Mapping[Address, Fake] = field(default_factory=dict)
    allowed_hosts: Collection[str] = ()
    _answers: dict[Address, Answer] = field(default_factory=dict)
    _resolved: set[str] = field(default_factory=set)
    _asked: dict[str, None] = field(default_factory=dict)
    _kept_from: dict[str, None] = field(default_factory=dict)
    _passed_by: dict[str, None] = field(default_factory=dict)
    _checked: tuple[Callable[..., Any], Callable[..., Any]] | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Have the fakes there for the time of one run."""
        for noted in (self._asked, self._kept_from, self._passed_by):
            noted.clear()
        if not self.fakes:
            with self._seeing_sockets():
                yield
            return
        async with AsyncExitStack() as stack:
            for (host, port), fake in self.fakes.items():
                answer = await stack.enter_async_context(fake.serving())
                self._answers[_name(host), port] = answer
                if address := self.address(host):
                    self._answers[address, port] = answer
            try:
                with self._seeing_sockets():
                    yield
            finally:
                self._answers.clear()

    @contextmanager
    def _seeing_sockets(self) -> Iterator[None]:
        """See whatever connects, and keep it from where it may not go."""
        kept = socket.socket.connect, socket.socket.connect_ex
        if self._checked is None:
            self._checked = self._seen(kept[0]), self._seen(kept[1])
        try:
            socket.socket.connect, socket.socket.connect_ex = self._checked  # type: ignore[method-assign]
            yield
        finally:
            socket.socket.connect, socket.socket.connect_ex = kept  # type: ignore[method-assign]

    def _seen(self, connect: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(connect)
        def checked(sock: socket.socket, address: Any) -> Any:  # noqa: ANN401 - as the original
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                self._connects(*address[:2])
            return connect(sock, address)

        return checked

    def _connects(self, host: str, port: int) -> None:
        """Hear that a real socket connects. Raises ConnectionRefusedError where it may not."""
        if self.answer(host, port) is not None:
            self._passed_by[f"{host}:{port}"] = None
            raise ConnectionRefusedError(f"deadheat has a fake at {host}:{port}, for asyncio only")
        self.check(host)
        self._asked[f"{host}:{port}"] = None

    def answer(self, host: object, port: object) -> Answer | None:
        """Return what answers in memory at an address, if a fake does."""
        if isinstance(host, str) and isinstance(port, int | str) and str(port).isdecimal():
            return self._answers.get((_name(host), int(port)))
        return None

    def address(self, host: str) -> str | None:
        """Return the IP address that a fake has for who looks its host's name up."""
        names = dict.fromkeys(_name(host) for host, _ in self.fakes)
        named = [name for name in names if name != MACHINE and not _is_address(name)]
        return NOWHERE.format(named.index(_name(host)) + 1) if _name(host) in named else None

    def check(self, host: str) -> None:
        """Raise ConnectionRefusedError when a host may not be connected to."""
        if host in self._resolved:
            return
        try:
            check_host(host, tuple(self.allowed_hosts))
        except HostNotAllowed as error:
            self._kept_from[host] = None
            raise ConnectionRefusedError(f"deadheat keeps the application from {host}") from error

    def looked_up(self, host: str, addresses: Collection[str]) -> None:
        """Hear to which addresses a host leads: who may be connected to by name may be by these."""
        try:
            check_host(host, tuple(self.allowed_hosts))
        except HostNotAllowed:
            return
        self._resolved.update(addresses)

    def notes(self) -> Iterator[str]:
        """Yield what to note of a run."""
        if self._asked:
            yield f"{ASKED}{', '.join(self._asked)}"
        for host in self._kept_from:
            yield f"{KEPT_FROM}{host}"
        if self._passed_by:
            yield f"{PASSED_BY}{', '.join(self._passed_by)}"
        for fake in self.fakes.values():
            yield from fake.notes()


def _name(host: str) -> str:
    """Return one name for all that mean this machine."""
    return MACHINE if is_loopback(host) else host.lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

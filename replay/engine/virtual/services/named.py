"""Fakes by the names that a user gives them: redis=, tape= or module:attribute=HOST:PORT."""

from __future__ import annotations

from collections.abc import Sequence

from replay.engine.virtual.application import application_maker
from replay.engine.virtual.services import Address, Fake
from replay.errors import ReplayError
from replay.target import check_host

REDIS, TAPE = "redis", "tape"


def fake_named(text: str, allowed_hosts: Sequence[str] = ()) -> tuple[Address, Fake]:
    """Return the address that a fake answers at, and the fake.

    Raises ReplayError, HostNotAllowed where it has to ask a host that is not allowed.
    """
    what, _, address = text.rpartition("=")
    host, _, port = address.rpartition(":")
    if not (what and host and port.isascii() and port.isdecimal()) or int(port) > 65_535:
        raise ReplayError(
            f"--fake is {text!r}, expected redis=HOST:PORT, tape=HOST:PORT, or "
            "module:attribute=HOST:PORT with an ASGI application, and the address that the "
            "application under test connects to"
        )
    at = (host.strip("[]"), int(port))
    return at, _fake(what, at, allowed_hosts)


def _fake(what: str, at: Address, allowed_hosts: Sequence[str]) -> Fake:
    # Each is imported when it is named: few runs need them.
    if what == REDIS:
        from replay.engine.virtual.services.redis_in_memory import RedisInMemory

        return RedisInMemory()
    if what == TAPE:
        from replay.engine.virtual.services.tape import Tape

        check_host(at[0], allowed_hosts, "--fake tape")
        return Tape(*at)
    if ":" not in what:
        raise ReplayError(f"--fake knows no {what!r}, expected {REDIS}, {TAPE} or module:attribute")
    from replay.engine.virtual.services.asgi_in_memory import AsgiInMemory

    return AsgiInMemory(what, application_maker(what))

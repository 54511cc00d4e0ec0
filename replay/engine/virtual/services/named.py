"""Fakes by the names that a user gives them: redis=HOST:PORT, module:attribute=HOST:PORT."""

from __future__ import annotations

from replay.engine.virtual.application import application_maker
from replay.engine.virtual.services import Address, Fake
from replay.errors import ReplayError

REDIS = "redis"


def fake_named(text: str) -> tuple[Address, Fake]:
    """Return the address that a fake answers at, and the fake. Raises ReplayError."""
    what, _, address = text.rpartition("=")
    host, _, port = address.rpartition(":")
    if not (what and host and port.isascii() and port.isdecimal()) or int(port) > 65_535:
        raise ReplayError(
            f"--fake is {text!r}, expected redis=HOST:PORT, or module:attribute=HOST:PORT with an "
            "ASGI application, and the address that the application under test connects to"
        )
    return (host.strip("[]"), int(port)), _fake(what)


def _fake(what: str) -> Fake:
    # Each is imported when it is named: few runs need them.
    if what == REDIS:
        from replay.engine.virtual.services.redis_in_memory import RedisInMemory

        return RedisInMemory()
    if ":" not in what:
        raise ReplayError(f"--fake knows no {what!r}, expected {REDIS} or module:attribute")
    from replay.engine.virtual.services.asgi_in_memory import AsgiInMemory

    return AsgiInMemory(what, application_maker(what))

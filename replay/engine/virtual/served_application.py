"""Which application is served and how: enough to have it served here, or in another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from capture.clock import unix_time_s
from replay.engine.virtual.application import application_maker
from replay.engine.virtual.asgi_server import AsgiServer
from replay.engine.virtual.edge_limits import NO_LIMITS, EdgeLimits
from replay.engine.virtual.repeatable import NS_PER_S
from replay.engine.virtual.services import Services
from replay.engine.virtual.services.named import fake_named
from replay.engine.virtual.uvicorn_server import UvicornServer


@dataclass(frozen=True, slots=True)
class ServedApplication:
    """`name` is module:attribute, `options` are uvicorn's; the time of day is the same each run.

    `fakes` are services in memory, as in redis=HOST:PORT; others it may connect to on
    `allowed_hosts` and this machine. `edge` stands before it.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    is_direct: bool = False
    fakes: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    edge: EdgeLimits = NO_LIMITS
    epoch_ns: int = field(default_factory=lambda: unix_time_s() * NS_PER_S)

    def server(self) -> UvicornServer | AsgiServer:
        """Return what carries runs to it. Raises ReplayError."""
        make_app = application_maker(self.name)
        fakes = dict(fake_named(text, self.allowed_hosts) for text in self.fakes)
        services = Services(fakes, self.allowed_hosts)
        server = UvicornServer(make_app, self.options, services, self.edge, epoch_ns=self.epoch_ns)
        return AsgiServer(server) if self.is_direct else server

"""An ASGI application behind uvicorn's own protocol classes, without its sockets.

So its pings, its queues, its closing handshake and what it makes of an exception take part.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, get_args, get_type_hints

import msgspec
import uvicorn
from uvicorn.importer import ImportFromStringError
from uvicorn.lifespan.off import LifespanOff
from uvicorn.lifespan.on import LifespanOn

from capture.clock import NowNs, unix_time_s
from capture.redaction import Redactor
from replay.engine.carrier import Connect
from replay.engine.virtual.anyio_support import support_anyio
from replay.engine.virtual.edge import Edge
from replay.engine.virtual.edge_limits import NO_LIMITS, EdgeLimits
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.memory_transport import connect
from replay.engine.virtual.program_log import ProgramLog
from replay.engine.virtual.repeatable import NS_PER_S, repeatable
from replay.engine.virtual.served import SERVER, Served
from replay.engine.virtual.services import Services
from replay.errors import ReplayError
from replay.plan import Plan
from replay.target import Target
from replay.timers import timers_note

DEFAULT_LATENCY_NS = 250_000
DEFAULT_MAX_MESSAGE_BYTES = 16 * 1024 * 1024
# A client comes to a server that has been up for a while, and that goes on when the client left.
UP_BEFORE_S = 10.0
UP_AFTER_S = 5.0
# How long it may take to end what it began, before that is cut off.
ENDS_WITHIN_S = 5.0
UVICORN_EXITS = "Application startup failed. Exiting."
# An application may say in this attribute which options of uvicorn it is served with.
OWN_OPTIONS = "uvicorn_options"


@dataclass(frozen=True, slots=True)
class AppTarget(Target):
    """The application as a target: `name` is what it is called on the command line."""

    name: str = ""

    @property
    def shown(self) -> str:
        """What may be written down of it."""
        return self.name


def app_target(name: str) -> AppTarget:
    """Return the target for an application of that name."""
    return AppTarget(f"ws://{SERVER[0]}", name=name)


@dataclass(slots=True)
class UvicornServer:
    """Carries runs to an application, which `make_app` gives; `options` are uvicorn's.

    `services` are what it may connect to itself, `edge` are the limits of what stands before it.

    Everything that the application began ends with its run. Raises ReplayError when uvicorn does
    not know an option, or the application does not start.
    """

    make_app: Callable[[], Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    services: Services = field(default_factory=Services)
    edge: EdgeLimits = NO_LIMITS
    latency_ns: int = DEFAULT_LATENCY_NS
    spin_ns: int = 0
    is_repeatable: bool = True
    fidelity: str = "uvicorn"
    epoch_ns: int = field(default_factory=lambda: unix_time_s() * NS_PER_S)
    log: ProgramLog = field(default_factory=ProgramLog)
    _made: tuple[object, uvicorn.Config] | None = None
    _served: Served | None = None
    _edge: Edge | None = None

    @property
    def served(self) -> Served:
        """The application, while it is up. Raises ConnectionRefusedError."""
        if self._served is None:
            raise ConnectionRefusedError("the application does not serve")
        return self._served

    @property
    def max_message_bytes(self) -> int:
        """How long a message may be for uvicorn not to close the connection."""
        own = self.options.get("ws_max_size", DEFAULT_MAX_MESSAGE_BYTES)
        return own if isinstance(own, int) else DEFAULT_MAX_MESSAGE_BYTES

    @property
    def now_ns(self) -> NowNs:
        """The clock that jumps."""
        return running_loop().read_ns

    def notes_after(self, began_ns: int) -> Iterator[str]:
        """Yield which timers the program and uvicorn set, and which services were asked."""
        if text := timers_note(running_loop().timers_after(began_ns)):
            yield text
        yield from self.services.notes()

    def carrying(self, plan: Plan) -> UvicornServer:
        """Every plan is carried."""
        return self

    def prepared(self, target: Target, connections: int) -> Connect:
        """Return how to connect; the target has no say in it."""
        return self._connect

    @asynccontextmanager
    async def serving(self, seed: int) -> AsyncIterator[None]:
        """Start the application, and end it with all that it began."""
        support_anyio()
        loop = running_loop()
        loop.begin_anew()
        loop.services = self.services
        with repeatable(loop, seed, self.epoch_ns), self.log:
            async with self.services.serving():
                config = self._configured()
                lifespan = config.lifespan_class(config)
                try:
                    await lifespan.startup()
                    if lifespan.should_exit:
                        raise ReplayError(self._why_it_did_not_start())
                    self._begin(Served(config, lifespan.state))
                    await loop.passed(UP_BEFORE_S)
                    yield
                    await loop.passed(UP_AFTER_S)
                finally:
                    # What is cut off by the end of its time complains of that alone.
                    self.log.is_listening = False
                    served, self._served, self._edge = self._served, None, None
                    for connection in () if served is None else tuple(served.state.connections):
                        connection.shutdown()
                    await _shut_down(loop, lifespan)
                    await _end(loop, loop.tasks_begun())
                    loop.drop_agenda()
                    if served is not None:
                        served.part()

    def _why_it_did_not_start(self) -> str:
        lines = [line.strip() for line in self.log.lines if UVICORN_EXITS not in line]
        told = [line for line in lines if line]
        why = f": {Redactor().text(told[-1], where='log')[0]}" if told else ""
        return f"the application did not start: its lifespan failed{why}"

    def _begin(self, served: Served) -> None:
        """Have an application serve, behind an edge if there is one."""
        self._served = served
        if self.edge:
            to_server = partial(self._connect_server, latency_ns=self.latency_ns // 2)
            self._edge = Edge(self.edge, to_server)

    async def _connect(self, client: asyncio.Protocol, receive_buffer_bytes: int | None) -> None:
        # SYN and SYN ACK.
        await asyncio.sleep(2 * self.latency_ns / 1e9)
        if self._edge is None:
            self._connect_server(client, self.latency_ns)
            return
        # It lies half way.
        addresses = (self.served.next_client(), self.served.address)
        connect(running_loop(), client, self._edge.new_client(), self.latency_ns // 2, addresses)

    def _connect_server(self, client: asyncio.Protocol, latency_ns: int) -> None:
        served, loop = self.served, running_loop()
        server = served.config.http_protocol_class(  # type: ignore[call-arg]
            config=served.config, server_state=served.state, app_state=served.app_state, _loop=loop
        )
        connect(loop, client, server, latency_ns, (served.next_client(), served.address))

    def _configured(self) -> uvicorn.Config:
        try:
            app = self.make_app()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise ReplayError(f"the application's factory failed: {said}") from error
        try:
            if self._made is not None and self._made[0] is app:
                return self._made[1]
            own = getattr(app, OWN_OPTIONS, {})
            options = {**own, **self.options}
            _check_numbers(options)
            config = uvicorn.Config(app, log_config=None, **options)
            config.load()
        except (TypeError, ValueError, LookupError, ImportError, ImportFromStringError) as error:
            raise ReplayError(f"uvicorn does not take these options: {error}") from None
        self._made = (app, config)
        return config


def _check_numbers(options: Mapping[str, Any]) -> None:
    """Raise ValueError for what is no number, or not true or false, where uvicorn needs that.

    It takes anything itself, and fails in the middle of a connection.
    """
    for name, value in options.items():
        wanted = _types_of_options().get(name)
        if {wanted, *get_args(wanted)} & {int, float, bool}:
            try:
                msgspec.convert(value, wanted)
            except msgspec.ValidationError as error:
                raise ValueError(f"{name} is {value!r}: {error}") from None


@cache
def _types_of_options() -> dict[str, Any]:
    return get_type_hints(uvicorn.Config.__init__)


def running_loop() -> VirtualLoop:
    """Return the loop that runs, whose time jumps. Raises TypeError where it is another."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise TypeError(f"an application in this process needs a VirtualLoop, not {loop!r}")
    return loop


async def _shut_down(loop: VirtualLoop, lifespan: LifespanOn | LifespanOff) -> None:
    """Have an application end by itself; one that takes too long is not waited for."""
    # Held, or what only waits for itself may be collected meanwhile.
    held = loop.tasks_begun()
    if isinstance(lifespan, LifespanOn):
        enough_ns = loop.now_ns + round(ENDS_WITHIN_S * NS_PER_S)
        loop.at(enough_ns, lifespan.shutdown_event.set)
    await lifespan.shutdown()
    held.clear()


async def _end(loop: VirtualLoop, left: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel what is still running; what goes on even so is closed."""
    if not left:
        return
    pending = set(left)
    for closes in (False, False, True):
        for task in [each for each in left if each in pending]:
            if closes:
                with suppress(RuntimeError):
                    task.get_coro().close()
            task.cancel()
        enough = loop.passed(ENDS_WITHIN_S)
        while pending and not enough.done():
            done, _ = await asyncio.wait({*pending, enough}, return_when=asyncio.FIRST_COMPLETED)
            pending -= done
            for task in [each for each in left if each in done]:
                # Looked at, so that nobody complains that it was not.
                task.cancelled() or task.exception()

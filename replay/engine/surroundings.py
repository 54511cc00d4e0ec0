"""What a plan's cues may change beside the connections: the server itself."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from replay.engine.remarks import UNDONE
from replay.errors import PlanError
from replay.fault_proxy import Fault
from replay.fault_proxy.proxy import Address, FaultProxy
from replay.plan import Change, Plan, ProxyFault, Restart

RESTART_TIMEOUT_S = 60.0

Tell = Callable[[str], None]


@dataclass(slots=True)
class Surroundings:
    """What is there to be changed.

    `restart_command` restarts the server; it is to return once the restart is under way. `proxies`
    are fault proxies by name, each with where it listens and its upstream: they run as long as the
    surroundings are entered.
    """

    restart_command: str | None = None
    proxies: Mapping[str, tuple[Address, Address]] = field(default_factory=dict)
    seed: int = 0
    _running: dict[str, FaultProxy] = field(default_factory=dict, repr=False)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set, compare=False, repr=False)

    def check(self, plan: Plan) -> None:
        """Raise PlanError when a plan wants something changed that is not here."""
        if any(isinstance(cue.change, Restart) for cue in plan.cues):
            if self.restart_command is None:
                raise PlanError("the plan restarts the server: pass --restart-command CMD")
            self._arguments()
        for cue in plan.cues:
            if isinstance(cue.change, ProxyFault) and cue.change.proxy not in self.proxies:
                name = cue.change.proxy
                raise PlanError(
                    f"the plan has a fault for {name!r}: pass --fault-proxy {name}=LISTEN=UPSTREAM"
                )

    async def __aenter__(self) -> Surroundings:
        for name, (listen, upstream) in self.proxies.items():
            proxy = FaultProxy(upstream, listen, seed=self.seed)
            self._running[name] = await self._open.enter_async_context(proxy)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()
        self._running.clear()

    def change(self, change: Change, tell: Tell) -> None:
        """Begin a change; `tell` hears of it."""
        if isinstance(change, Restart):
            tell("the restart command runs")
            task = asyncio.create_task(self._restart(tell))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        elif isinstance(change, ProxyFault):
            proxy = self._running[change.proxy]
            if isinstance(change.fault, Fault):
                proxy.apply(change.key, change.fault)
                tell(f"{change.proxy}: {change.fault} is on")
            else:
                proxy.lift(change.key)
                tell(f"{change.proxy}: the fault is lifted")

    async def settled(self) -> None:
        """Return when all that was begun has ended, with no fault left on."""
        for proxy in self._running.values():
            proxy.lift_all()
        if self._under_way:
            await asyncio.wait(self._under_way)

    def _arguments(self) -> list[str]:
        try:
            arguments = shlex.split(self.restart_command or "")
        except ValueError:
            arguments = []
        if not arguments:
            raise PlanError("--restart-command is no command line")
        return arguments

    async def _restart(self, tell: Tell) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._arguments(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            tell(f"{UNDONE}the restart command could not run: {error.strerror}")
            return
        try:
            async with asyncio.timeout(RESTART_TIMEOUT_S):
                status = await process.wait()
        except TimeoutError:
            process.kill()
            waited = f"{RESTART_TIMEOUT_S:.0f} s"
            tell(f"{UNDONE}the restart command did not end in {waited} and was ended")
            return
        tell(f"{UNDONE if status else ''}the restart command ended with status {status}")

"""How often connections succeed, and whether all five events of each run arrive, under chaos.

`make soak` runs it for two minutes against the `fixed` build: users connect, chat, vanish in
mid-run and come back, while instances are cycled, networks part, Redis and PostgreSQL are slow or
away, and the auth service is slow. Bounded in time; nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from local_staging.chat_backend.builds import build_named
from local_staging.clock import monotonic_ns
from local_staging.launch import HOST
from local_staging.services.backing import backing_services
from local_staging.services.recipe import port_for
from replay.fault_proxy import parse_fault
from replay.fault_proxy.proxy import FaultProxy
from replay.statistics import rate
from tests.staging.chat_client import FIVE, ChatClient, Fields
from tests.staging.cloud_run import CloudRun
from tests.staging.endpoint import LocalEndpoint
from tests.staging.own_model import own_model
from tests.staging.staged import CLOUD_RUN, Staged

SUCCESS_WANTED = 0.999
TRIES = 4
PATIENCE_S = 20.0
FAULTS = ("latency:delay_ms=40,jitter_ms=30", "down", "blackhole", "slicer:size_bytes=40")


@dataclass(slots=True)
class Tally:
    """What came of it."""

    connections: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    # On a connection that stayed, within the client's patience: not even a first event came.
    unanswered: int = 0
    broken: int = 0
    incomplete: list[str] = field(default_factory=list)
    chaos: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class User:
    """One user who chats until the time is over; what the user does is drawn from a seed."""

    name: str
    staging: LocalEndpoint
    tally: Tally
    draw: random.Random
    token: str = ""
    heard: dict[str, dict[int, Fields]] = field(default_factory=dict)

    async def chat_until(self, deadline_ns: int) -> None:
        """Connect, ask a few things, leave or vanish, and come back for what is missing."""
        self.token = await self.staging.token(self.name)
        while monotonic_ns() < deadline_ns:
            await self._visit(asks=self.draw.randint(1, 4), vanishes=self.draw.random() < 0.3)
            await asyncio.sleep(self.draw.uniform(0, 0.4))
        await self._collect()

    async def _visit(self, asks: int, *, vanishes: bool) -> None:
        client = await self._connected()
        if client is None:
            return
        before = set(self.heard)
        try:
            await client.say(type="connection_ack")
            for _ in range(asks):
                text = self.draw.choice(("6 * 7", "hello", "wait 0.1 s"))
                await client.say(type="chat", text=text)
            wanted = 0 if vanishes else asks
            while len(self._complete() - before) < wanted:
                self._note(await client.receive(PATIENCE_S))
            if vanishes:
                self._note(await client.receive(PATIENCE_S))
                client.vanish()
            else:
                await client.leave()
        except TimeoutError:
            begun = len(set(self.heard) - before)
            self.tally.unanswered += max(0, asks - begun)
            client.vanish()
        except ConnectionClosed:
            # What was said on a connection that was lost may not have been heard; what was begun is
            # finished, and waited for.
            self.tally.broken += 1
            client.vanish()

    async def _collect(self) -> None:
        """Come back until every run that began is complete."""
        for _ in range(TRIES):
            if len(self._complete()) == len(self.heard):
                break
            client = await self._connected()
            if client is None:
                continue
            try:
                await client.say(type="connection_ack")
                while len(self._complete()) < len(self.heard):
                    self._note(await client.receive(PATIENCE_S / TRIES))
                await client.leave()
            except (ConnectionClosed, TimeoutError):
                client.vanish()
        self.tally.runs += len(self.heard)
        complete = self._complete()
        self.tally.incomplete += [f"{self.name} {run}" for run in self.heard if run not in complete]

    async def _connected(self) -> ChatClient | None:
        self.tally.connections += 1
        try:
            return await ChatClient.ready(self.staging, self.name, token=self.token)
        except (InvalidHandshake, ConnectionClosed, TimeoutError, OSError) as error:
            self.tally.refused[f"{type(error).__name__}: {error}"] += 1
            return None

    def _note(self, event: Fields) -> None:
        if event["type"] in FIVE:
            self.heard.setdefault(event["run_id"], {})[event["sequence"]] = event

    def _complete(self) -> set[str]:
        return {run for run, events in self.heard.items() if len(events) == len(FIVE)}


async def make_trouble(
    staging: LocalEndpoint,
    proxies: dict[str, FaultProxy],
    tally: Tally,
    draw: random.Random,
    deadline_ns: int,
) -> None:
    """Do something to the platform every second or so, one thing at a time."""
    run = CloudRun(staging)
    while monotonic_ns() < deadline_ns:
        match draw.choice(("cycle", "partition", "delay", "fault", "fault")):
            case "cycle":
                await run.cycle()
                tally.chaos["instances cycled"] += 1
            case "partition":
                await run.part(draw.choice(("client", "instance")), draw.uniform(0.05, 0.5))
                tally.chaos["partitions"] += 1
            case "delay":
                await run.delay_handshakes(draw.choice((0.0, 0.1, 0.3)))
                tally.chaos["handshakes delayed"] += 1
            case _:
                name = draw.choice(tuple(proxies))
                fault = draw.choice(FAULTS if name != "auth" else (FAULTS[0], FAULTS[3]))
                proxies[name].apply("fault", parse_fault(fault))
                await asyncio.sleep(draw.uniform(0.2, 1.5))
                proxies[name].lift_all()
                tally.chaos[f"{name}: {fault.partition(':')[0]}"] += 1
        await asyncio.sleep(draw.uniform(0.3, 1.2))


async def soak(staged: Staged, options: argparse.Namespace) -> Tally:
    """Soak a staging for so many seconds, and return what came of it."""
    tally, draw = Tally(), random.Random(options.seed)
    auth_listen = (HOST, port_for(0))
    async with (
        FaultProxy(staged.services.redis.address, seed=options.seed) as redis,
        FaultProxy(staged.services.postgres.address, seed=options.seed) as postgres,
    ):
        through = {"redis": redis.address, "postgres": postgres.address, "auth": auth_listen}
        started = staged.running(build_named(options.build), edge=CLOUD_RUN, through=through)
        staging = await asyncio.to_thread(started.__enter__)
        try:
            auth_port = int(staging.local.auth_url.rpartition(":")[2])
            async with FaultProxy((HOST, auth_port), listen=auth_listen) as auth:
                proxies = {"redis": redis, "postgres": postgres, "auth": auth}
                deadline_ns = monotonic_ns() + round(options.seconds * 1e9)
                users = [
                    User(f"user-{n:02}", staging, tally, random.Random(f"{options.seed} {n}"))
                    for n in range(1, options.users + 1)
                ]
                trouble = make_trouble(staging, proxies, tally, draw, deadline_ns)
                await asyncio.gather(trouble, *(user.chat_until(deadline_ns) for user in users))
        finally:
            staging.local.stop()
    return tally


def _share(count: int, of: int) -> str:
    measured = rate(count, of)
    return f"{count} of {of} (95 % interval {measured.low:.2%} to {measured.high:.2%})"


def main() -> int:
    """Soak, print the figures, and fail below what the plan wants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--users", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", default="fixed")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the logs there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="deadheat-soak-") as scratch:
        directory = options.keep or Path(scratch)
        with backing_services(directory) as services, own_model(directory) as model:
            tally = asyncio.run(soak(Staged(services, model, directory), options))
    failed = sum(tally.refused.values())
    lost, runs = len(tally.incomplete) + tally.unanswered, tally.runs + tally.unanswered
    print(f"chaos: {json.dumps(tally.chaos, sort_keys=True)}")
    if not tally.connections:
        print("nobody connected: longer than --seconds 0 is needed")
        return 1
    print(f"connections that failed: {_share(failed, tally.connections)}")
    for why, times in tally.refused.most_common(5):
        print(f"  {times} times {why}")
    print(f"connections that broke later, and whose users came back: {tally.broken}")
    print(f"runs without all five events: {_share(lost, runs)}")
    print(f"  {tally.unanswered} of them without any")
    for run in tally.incomplete[:5]:
        print(f"  {run}")
    is_good = bool(runs) and failed <= (1 - SUCCESS_WANTED) * tally.connections and not lost
    print("as the plan wants it" if is_good else "NOT as the plan wants it: 99.9 % and all events")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())

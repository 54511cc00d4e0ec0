"""A client on the `websockets` library, as an application would write it, on uvloop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.proxy.loads import Load
from benchmarks.proxy.sample import Sample


class LibraryClient:
    """Keeps `in_flight` messages on their way on each connection, for a time."""

    def __init__(self, port: int, load: Load) -> None:
        self.uri = f"ws://127.0.0.1:{port}/echo"
        self.load = load
        self.text = load.text
        self.compression = "deflate" if load.ends == "library-deflate" else None

    def measure(self, warm_up_s: float, seconds: float, drained: Callable[[], None]) -> Sample:
        """Return what was echoed; call `drained` once all is, before the connections close."""
        return uvloop.run(self._measure(warm_up_s, seconds, drained))

    async def _measure(
        self, warm_up_s: float, seconds: float, drained: Callable[[], None]
    ) -> Sample:
        sample = Sample(seconds=seconds)
        opening = (
            connect(self.uri, compression=self.compression, proxy=None, ping_interval=None)
            for _ in range(self.load.connections)
        )
        connections = await asyncio.gather(*opening)
        begin = time.perf_counter() + warm_up_s
        await asyncio.gather(
            *(self._talk(each, begin, begin + seconds, sample) for each in connections)
        )
        drained()
        await asyncio.gather(*(each.close() for each in connections))
        return sample

    async def _talk(
        self, connection: ClientConnection, begin: float, end: float, sample: Sample
    ) -> None:
        in_flight = self.load.in_flight
        for _ in range(in_flight):
            await connection.send(self.text)
        sample.sent += in_flight
        sent_at = time.perf_counter()
        while in_flight:
            await connection.recv()
            now = time.perf_counter()
            if begin <= now < end:
                sample.messages += 1
                if self.load.is_latency:
                    sample.latencies_ns.append(int((now - sent_at) * 1e9))
            if now >= end:
                in_flight -= 1
                continue
            sent_at = now
            sample.sent += 1
            await connection.send(self.text)

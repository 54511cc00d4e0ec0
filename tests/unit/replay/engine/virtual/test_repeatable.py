import asyncio
import os
import random
import secrets
import time
import uuid

import pytest

from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.repeatable import repeatable

EPOCH_NS = 1_700_000_000 * 10**9


def drawn(seed: int) -> tuple[object, ...]:
    """What a program draws and reads, on a loop of its own."""

    async def main() -> tuple[object, ...]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        await asyncio.sleep(seed)
        with repeatable(loop, seed % 2, EPOCH_NS):
            await asyncio.sleep(1.5)
            return (
                *(random.random(), uuid.uuid4(), secrets.token_hex(), os.urandom(4)),
                *(time.time_ns(), time.monotonic_ns(), time.perf_counter_ns()),
            )

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def test_the_same_seed_draws_the_same_at_the_same_time() -> None:
    assert drawn(1) == drawn(3)
    assert drawn(1)[:4] != drawn(2)[:4]


def test_clocks_go_with_the_loop_and_sleep_holds_it_up() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        with repeatable(loop, 0, EPOCH_NS):
            began_s, monotonic_s = time.time(), time.monotonic()
            await asyncio.sleep(3_600)
            time.sleep(400)
            assert time.time() - began_s == pytest.approx(4_000, abs=1e-3)
            assert time.monotonic() - monotonic_s == pytest.approx(4_000, abs=1e-3)
            assert began_s == pytest.approx(1_700_000_000)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())


def test_all_is_as_before_when_it_is_over_and_chance_when_the_loop_is() -> None:
    before, state = (os.urandom, time.time, time.monotonic_ns, time.sleep), random.getstate()
    loop = VirtualLoop()

    def fail() -> None:
        with repeatable(loop, 0, EPOCH_NS):
            random.random()
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert (os.urandom, time.time, time.monotonic_ns, time.sleep) == before
    assert random.getstate() != state
    loop.close()
    assert random.getstate() == state


def test_who_waits_by_looking_at_the_clock_has_time_pass() -> None:
    async def main() -> tuple[int, float]:
        loop, looks = asyncio.get_running_loop(), 0
        assert isinstance(loop, VirtualLoop)
        with repeatable(loop, 0, EPOCH_NS):
            end = time.monotonic() + 0.2
            while time.monotonic() < end:
                looks += 1
            return looks, time.monotonic() - end

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        looks, late_s = runner.run(main())
    assert looks < 100_000
    assert 0 <= late_s < 0.001

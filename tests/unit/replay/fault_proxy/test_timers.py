"""Acts are done at their times; the waits are short, and no bound is tight."""

from __future__ import annotations

import asyncio

import pytest

from capture.clock import monotonic_ns
from replay.fault_proxy.timers import SWEEP_AT, Timers

MS = 1_000_000


async def test_acts_in_order_and_never_early() -> None:
    timers, start_ns = Timers(monotonic_ns), monotonic_ns()
    done: list[tuple[str, int]] = []
    all_done = asyncio.Event()
    for name, at_ms in (("c", 30), ("a", 5), ("b", 20), ("now", 0)):

        def act(name: str = name) -> None:
            done.append((name, monotonic_ns() - start_ns))
            if len(done) == 4:
                all_done.set()

        timers.at(start_ns + at_ms * MS, act)
    await asyncio.wait_for(all_done.wait(), 10)
    assert [name for name, _ in done] == ["now", "a", "b", "c"]
    assert all(at >= due * MS for (_, at), due in zip(done, (0, 5, 20, 30), strict=True))


async def test_who_is_due_sooner_does_not_wait_for_who_came_before() -> None:
    timers, ended = Timers(monotonic_ns), asyncio.Event()
    timers.at(monotonic_ns() + 3_600_000 * MS, lambda: None)
    timers.at(monotonic_ns() + 5 * MS, ended.set)
    await asyncio.wait_for(ended.wait(), 10)
    timers.close()


async def test_what_was_cancelled_is_not_done() -> None:
    timers = Timers(monotonic_ns)
    done: list[str] = []
    ended = asyncio.Event()
    first = timers.at(monotonic_ns() + 5 * MS, lambda: done.append("first"))
    timers.at(monotonic_ns() + 20 * MS, ended.set)
    assert not first.is_off
    first.cancel()
    assert first.is_off
    await asyncio.wait_for(ended.wait(), 10)
    assert done == []


async def test_an_act_that_fails_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    timers, ended = Timers(monotonic_ns), asyncio.Event()

    def fail() -> None:
        raise RuntimeError("it failed")

    timers.at(monotonic_ns() + MS, fail)
    timers.at(monotonic_ns() + 10 * MS, ended.set)
    await asyncio.wait_for(ended.wait(), 10)
    assert "it failed" in caplog.text


async def test_closed_it_does_nothing() -> None:
    timers = Timers(monotonic_ns)
    done: list[str] = []
    timers.at(monotonic_ns() + MS, lambda: done.append("done"))
    timers.close()
    await asyncio.sleep(0.02)
    assert done == []


async def test_many_that_were_cancelled_far_ahead_are_forgotten() -> None:
    timers = Timers(monotonic_ns)
    for _ in range(5 * SWEEP_AT):
        timers.at(monotonic_ns() + 10**15, lambda: None).cancel()
    assert len(timers._heap) <= SWEEP_AT
    timers.close()

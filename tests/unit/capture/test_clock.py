"""The clock is monotonic, in nanoseconds, and never wakes early."""

import asyncio
from datetime import datetime

import pytest

from capture import clock


def test_monotonic_ns_does_not_go_back() -> None:
    first = clock.monotonic_ns()
    assert isinstance(first, int)
    assert clock.monotonic_ns() >= first


def test_wall_time_is_utc_with_microseconds() -> None:
    text = clock.wall_time()
    assert text.endswith("Z")
    moment = datetime.fromisoformat(text)
    assert moment.utcoffset() is not None
    assert len(text.partition(".")[2]) == len("123456Z")


def test_unix_time_is_whole_seconds_of_now() -> None:
    now_s = datetime.fromisoformat(clock.wall_time()).timestamp()
    assert abs(clock.unix_time_s() - now_s) < 2


class Clock:
    """A clock that only sleeping, or being read, moves."""

    def __init__(self) -> None:
        self.ns = 0
        self.slept_s: list[float] = []

    def now_ns(self) -> int:
        self.ns += 1_000
        return self.ns

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.ns += round(seconds * 1e9)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(asyncio, "sleep", fake.sleep)
    return fake


async def test_sleep_until_sleeps_first_and_spins_the_last_stretch(fake: Clock) -> None:
    await clock.sleep_until(10_000_000, fake.now_ns)
    assert fake.ns >= 10_000_000
    coarse, *spins = fake.slept_s
    assert coarse == pytest.approx((10_000_000 - clock.SPIN_NS) / 1e9, abs=1e-5)
    assert spins
    assert set(spins) == {0}


async def test_sleep_until_a_time_that_is_over_returns_at_once(fake: Clock) -> None:
    await clock.sleep_until(0, fake.now_ns)
    assert fake.slept_s == []

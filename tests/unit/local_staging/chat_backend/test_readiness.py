import asyncio

import pytest

from local_staging.chat_backend.readiness import Check, one_after_another, side_by_side


def check(name: str, takes_s: float, timeout_s: float = 10.0) -> Check:
    return Check(name, lambda: asyncio.sleep(takes_s), timeout_s)


def hung(name: str, timeout_s: float) -> Check:
    return Check(name, asyncio.Event().wait, timeout_s)


async def test_times_add_up_one_after_another() -> None:
    readiness = await one_after_another([hung("redis", 0.02), hung("postgres", 0.03)])
    assert list(readiness.problems) == ["redis", "postgres"]
    assert readiness.took_s >= 0.05
    assert "not ready after" in str(readiness)
    assert "redis: no answer within 0.02 s" in str(readiness)


async def test_side_by_side_all_are_asked_before_any_answers() -> None:
    asked: list[str] = []
    gate = asyncio.Event()

    def asks(name: str) -> Check:
        async def ask() -> None:
            asked.append(name)
            if len(asked) == 3:
                gate.set()
            await gate.wait()

        return Check(name, ask, 10.0)

    readiness = await side_by_side([asks("redis"), asks("postgres"), asks("auth")], 10.0)
    assert readiness.is_ready
    assert str(readiness).startswith("ready after")


async def test_the_budget_bounds_each() -> None:
    readiness = await side_by_side([hung("redis", 60.0), check("auth", 0)], 0.02)
    assert readiness.problems == {"redis": "no answer within 0.02 s"}


@pytest.mark.parametrize("ask", [one_after_another, lambda checks: side_by_side(checks, 1.0)])
async def test_a_dependency_that_is_not_well_says_why(ask) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    async def refused() -> None:
        raise ConnectionRefusedError("nobody listens")

    readiness = await ask([Check("redis", refused, 1.0)])
    assert readiness.problems == {"redis": "ConnectionRefusedError: nobody listens"}

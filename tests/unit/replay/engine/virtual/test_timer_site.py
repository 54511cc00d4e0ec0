import asyncio
from collections.abc import Callable

import anyio
import pytest

import replay.engine.live
from replay.engine.virtual.anyio_support import support_anyio
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.timer_site import timer_site

HERE = "test_timer_site.py"


def sites_of(program: Callable[[], object]) -> list[str]:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(program())  # type: ignore[arg-type]
        return [timer.site for timer in loop.timers_after(0)]
    finally:
        loop.close()


async def sleeps() -> None:
    await asyncio.sleep(5)


async def gives_up() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 7)


async def moves_on() -> None:
    support_anyio()
    with anyio.move_on_after(3):
        await anyio.sleep(9)


@pytest.mark.parametrize("program", [sleeps, gives_up, moves_on])
def test_it_is_the_line_that_asked_whatever_it_asked_with(program: Callable[[], object]) -> None:
    first = program.__code__.co_firstlineno  # type: ignore[attr-defined]
    found = {site.partition(":")[::2] for site in sites_of(program)}
    assert {file for file, _ in found} == {HERE}
    assert all(first < int(line) <= first + 4 for _, line in found)


def test_what_carries_runs_out_has_no_timers_of_the_program() -> None:
    compiled = compile("def set_timer(): return site()", replay.engine.live.__file__, "exec")
    names = {"site": timer_site}
    exec(compiled, names)
    assert names["set_timer"]() == ""

"""What programs may rely on holds on the loop, and they do the same, run after run."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio
import pytest

from replay.engine.virtual.anyio_support import support_anyio
from replay.engine.virtual.loop import NothingWillHappen, VirtualLoop

T = TypeVar("T")
RUNS = 40


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end on a loop of its own, which also leaves nothing behind."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def orders_of(main: Callable[[], Coroutine[Any, Any, tuple[int, ...]]]) -> set[tuple[int, ...]]:
    """Return the different results of many runs, between which memory is used in odd ways."""
    orders, keep = set(), []
    for number in range(RUNS):
        keep.append([object() for _ in range(number * 7)])
        orders.add(run(main))
    return orders


def test_time_jumps_to_what_is_due() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(7 * 86_400)
        return loop.time() - began

    assert run(main) == pytest.approx(7 * 86_400, abs=1e-5)


def test_nothing_is_early() -> None:
    async def main() -> list[float]:
        loop, early = asyncio.get_running_loop(), []
        for number in range(1, 2_000):
            due = loop.time() + number / 997
            await asyncio.sleep(due - loop.time())
            early.append(due - loop.time())
        return early

    assert max(run(main)) <= 1e-9


def test_equal_delays_end_in_the_order_in_which_they_began() -> None:
    async def main() -> list[int]:
        ended: list[int] = []

        async def sleep(number: int) -> None:
            await asyncio.sleep(1)
            ended.append(number)

        await asyncio.gather(*(sleep(number) for number in range(50)))
        return ended

    assert run(main) == list(range(50))


def test_callbacks_run_in_the_order_in_which_they_were_scheduled() -> None:
    async def main() -> list[int]:
        called: list[int] = []
        for number in range(50):
            asyncio.get_running_loop().call_soon(called.append, number)
        await asyncio.sleep(0)
        return called

    assert run(main) == list(range(50))


def test_a_group_that_fails_cancels_its_tasks_in_one_order() -> None:
    async def main() -> tuple[int, ...]:
        cancelled: list[int] = []

        async def wait(number: int) -> None:
            try:
                await asyncio.sleep(9)
            finally:
                cancelled.append(number)

        async def fail() -> None:
            await asyncio.sleep(1)
            raise LookupError

        async def work() -> None:
            async with asyncio.TaskGroup() as tasks:
                for number in range(12):
                    tasks.create_task(wait(number))
                tasks.create_task(fail())

        with pytest.raises(ExceptionGroup):
            await work()
        return tuple(cancelled)

    assert len(orders_of(main)) == 1


def test_what_begins_anew_is_the_same_whatever_was_before() -> None:
    async def times_and_order(loop: VirtualLoop) -> tuple[object, ...]:
        loop.begin_anew()
        for divisor in range(3, 40):
            await asyncio.sleep(1 / divisor)
        futures = {loop.create_future() for _ in range(5)}
        return loop.now_ns, tuple(future.number for future in futures)

    async def main() -> set[object]:
        loop, seen = asyncio.get_running_loop(), set()
        assert isinstance(loop, VirtualLoop)
        for number in range(RUNS):
            seen.add(await times_and_order(loop))
            await asyncio.sleep(1_000 / 7 * number)
            [loop.create_future() for _ in range(number)]
        return seen

    assert len(run(main)) == 1


def test_what_waits_when_all_begins_anew_waits_on() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        await asyncio.sleep(100)
        waiting = asyncio.create_task(asyncio.sleep(5))
        await asyncio.sleep(2)
        loop.begin_anew()
        await waiting
        return loop.time()

    assert run(main) == pytest.approx(3, abs=1e-5)


def test_a_set_of_futures_has_one_order() -> None:
    async def main() -> tuple[int, ...]:
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in range(12)]
        number_of = {id(future): number for number, future in enumerate(futures)}
        loop.call_later(1, lambda: [future.set_result(None) for future in futures])
        done, _ = await asyncio.wait(futures)
        return tuple(number_of[id(future)] for future in done)

    assert len(orders_of(main)) == 1


def test_scopes_of_anyio_are_cancelled_in_one_order() -> None:
    support_anyio()

    async def main() -> tuple[int, ...]:
        cancelled: list[int] = []

        async def wait(number: int) -> None:
            with anyio.CancelScope():
                try:
                    await anyio.sleep(9)
                finally:
                    cancelled.append(number)

        with anyio.move_on_after(1):
            async with anyio.create_task_group() as tasks:
                for number in range(12):
                    tasks.start_soon(wait, number)
        return tuple(cancelled)

    assert len(orders_of(main)) == 1


Threaded = Callable[[Callable[[], str]], Awaitable[str]]


async def in_own_executor(work: Callable[[], str]) -> str:
    with ThreadPoolExecutor() as executor:
        return await asyncio.get_running_loop().run_in_executor(executor, work)


@pytest.mark.parametrize("threaded", [asyncio.to_thread, anyio.to_thread.run_sync, in_own_executor])
def test_work_for_a_thread_runs_inline_a_moment_later(threaded: Threaded) -> None:
    support_anyio()
    known: contextvars.ContextVar[str] = contextvars.ContextVar("known", default="unset")

    def work() -> str:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        here = threading.current_thread() is threading.main_thread()
        return f"{known.get()} {here}"

    async def main() -> tuple[str, float]:
        known.set("set")
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(1):
            said = await threaded(work)
        return said, asyncio.get_running_loop().time() - began

    said, took_s = run(main)
    # An executor does not hand its caller's context on, on any loop.
    assert said == ("unset True" if threaded is in_own_executor else "set True")
    assert 0 < took_s < 0.01


def test_work_for_a_thread_that_fails() -> None:
    def fail() -> None:
        raise LookupError("no such thing")

    async def main() -> None:
        await asyncio.to_thread(fail)

    with pytest.raises(LookupError, match="no such thing"):
        run(main)


@contextmanager
def slow_server(answers_after_s: float) -> Iterator[tuple[str, int]]:
    """A server in a thread of its own, in the world's time; it says back what it hears."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection = listening.accept()[0]
        with connection:
            while data := connection.recv(100):
                threading.Event().wait(answers_after_s)
                connection.sendall(data)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()
    finally:
        thread.join(10)
        listening.close()


def test_time_stands_still_while_a_real_socket_owes_an_answer() -> None:
    with slow_server(0.03) as (host, port):

        async def main() -> tuple[list[bytes], float]:
            loop, heard = asyncio.get_running_loop(), []
            began = loop.time()
            # Less than the world takes for all of it.
            async with asyncio.timeout(0.02):
                reader, writer = await asyncio.open_connection(host, port)
                for number in range(5):
                    writer.write(b"%d" % number)
                    heard.append(await reader.read(100))
            writer.close()
            await writer.wait_closed()
            return heard, loop.time() - began

        heard, took_s = run(main)
    assert heard == [b"0", b"1", b"2", b"3", b"4"]
    assert took_s < 0.02


def test_who_waits_for_what_never_comes_is_told() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    loop = VirtualLoop()
    task = loop.create_task(main())
    with pytest.raises(NothingWillHappen):
        loop.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_time_passes_while_a_program_always_has_more_to_do() -> None:
    async def main() -> tuple[int, float]:
        loop, turns = asyncio.get_running_loop(), 0
        ready = asyncio.Event()
        loop.call_later(1.0, ready.set)
        while not ready.is_set():
            turns += 1
            await asyncio.sleep(0)
        return turns, loop.time()

    turns, took_s = run(main)
    assert turns < 100_000
    assert took_s == pytest.approx(1.0, abs=0.001)


def test_to_watch_the_clock_takes_no_time() -> None:
    loop = VirtualLoop()
    before = loop.read_ns()
    assert loop.read_ns() == before
    loop.time()
    assert loop.read_ns() > before
    loop.close()


def test_the_agenda_is_followed_in_the_order_of_its_times() -> None:
    async def main() -> list[tuple[str, int]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.begin_anew()
        done: list[tuple[str, int]] = []

        def act(name: str) -> None:
            done.append((name, loop.now_ns // 1_000_000))

        loop.call_later(0.02, act, "timer")
        loop.at(30_000_000, act, "third")
        loop.at(10_000_000, act, "first")
        loop.at(10_000_000, act, "second")
        await asyncio.sleep(0.05)
        return done

    assert run(main) == [("first", 10), ("second", 10), ("timer", 20), ("third", 30)]


def test_what_the_agenda_wakes_runs_before_its_next_entry() -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        done: list[str] = []
        woken = loop.create_future()

        async def program() -> None:
            await woken
            done.append("program")
            await asyncio.sleep(0.001)
            done.append("program again")

        task = asyncio.create_task(program())
        loop.at(loop.now_ns + 1_000_000, woken.set_result, None)
        loop.at(loop.now_ns + 1_500_000, done.append, "agenda")
        loop.at(loop.now_ns + 5_000_000, done.append, "agenda again")
        await task
        return done

    assert run(main) == ["program", "agenda", "program again"]


def test_the_agenda_is_enough_to_wait_for_and_ends_with_a_new_beginning() -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        done: list[str] = []
        loop.at(10**9, done.append, "never")
        loop.begin_anew()
        ended = loop.create_future()
        loop.at(10**12, ended.set_result, None)
        await ended
        return done

    assert run(main) == []


def test_what_the_agenda_raises_is_told() -> None:
    def fail() -> None:
        raise LookupError("no such entry")

    async def main() -> str:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        told = loop.create_future()
        loop.agenda_failed = lambda error: told.set_result(str(error))
        loop.at(0, fail)
        return str(await told)

    assert run(main) == "no such entry"

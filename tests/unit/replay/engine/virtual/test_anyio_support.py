from replay.engine.virtual.anyio_support import OrderedSet, support_anyio


def test_a_set_in_the_order_in_which_it_was_filled() -> None:
    ordered = OrderedSet([3, 1])
    ordered.add(2)
    ordered.add(3)
    ordered.discard(1)
    ordered.discard(9)
    assert list(ordered) == [3, 2]
    assert len(ordered) == 2
    assert 2 in ordered
    assert 1 not in ordered


def test_other_loops_are_left_alone() -> None:
    import asyncio
    import threading

    import anyio

    support_anyio()
    support_anyio()

    async def main() -> bool:
        with anyio.CancelScope() as scope:
            assert type(scope._child_scopes) is set  # type: ignore[attr-defined]
            thread = await anyio.to_thread.run_sync(threading.current_thread)
        return thread is not threading.main_thread()

    assert asyncio.run(main())

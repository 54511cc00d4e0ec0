"""anyio on a loop of ours: its threads run inline, and its sets have one order.

FastAPI and Starlette run `def` functions through it. Rests on names that anyio keeps to itself:
`_asyncio.AsyncIOBackend.run_sync_in_worker_thread`, `_asyncio.CancelScope._child_scopes`, `_tasks`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, MutableSet
from contextvars import copy_context
from functools import cache, partial
from typing import Any, TypeVar

from replay.engine.virtual.loop import VirtualLoop

T = TypeVar("T")


class OrderedSet(MutableSet[T]):
    """A set that is gone through in the order in which it was filled."""

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items = dict.fromkeys(items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: T) -> None:
        """Add an item, at the end unless it is there."""
        self._items[item] = None

    def discard(self, item: T) -> None:
        """Take an item out, if it is there."""
        self._items.pop(item, None)


@cache
def support_anyio() -> None:
    """Have anyio do as a virtual loop needs it, where it runs on one. Does nothing without it."""
    try:
        from anyio import CancelScope as AnyScope
        from anyio._backends import _asyncio as backend
    except ImportError:
        return
    begin_scope = backend.CancelScope.__init__
    to_thread = backend.AsyncIOBackend.run_sync_in_worker_thread

    def begin_ordered(scope: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401
        begin_scope(scope, *args, **options)
        if _is_virtual():
            scope._child_scopes, scope._tasks = OrderedSet(), OrderedSet()

    async def inline(
        cls: Any,  # noqa: ANN401
        func: Callable[..., Any],
        args: tuple[Any, ...],
        abandon_on_cancel: bool = False,
        limiter: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        if not _is_virtual():
            return await to_thread(func, args, abandon_on_cancel, limiter)
        await cls.checkpoint()
        async with limiter or cls.current_default_thread_limiter():
            with AnyScope(shield=not abandon_on_cancel):
                work = partial(copy_context().run, func, *args)
                return await asyncio.get_running_loop().run_in_executor(None, work)

    backend.CancelScope.__init__ = begin_ordered  # type: ignore[assignment, method-assign]
    backend.AsyncIOBackend.run_sync_in_worker_thread = classmethod(inline)  # type: ignore[assignment, method-assign]


def _is_virtual() -> bool:
    try:
        return isinstance(asyncio.get_running_loop(), VirtualLoop)
    except RuntimeError:
        return False

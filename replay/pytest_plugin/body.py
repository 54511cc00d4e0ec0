"""The body of a marked test, with its replay before it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

from replay.oracles.verdict import Verdict
from replay.pytest_plugin.explanation import explanation
from replay.pytest_plugin.marked_test import MarkedTest
from replay.pytest_plugin.own_loop import beside_this_loop, in_own_loop
from replay.pytest_plugin.session import without_traceback

Properties = list[tuple[str, object]]


def after_replay(
    body: Callable[..., Any], marked: MarkedTest, properties: Properties
) -> Callable[..., Any]:
    """Return a function that replays, judges, and then goes on with the body.

    A coroutine function stays one, and its loop goes on meanwhile: the server may live in it. An
    application in this process has all the time for itself, as time jumps then.
    """
    new_loop = marked.place.new_loop
    if inspect.iscoroutinefunction(body):

        @wraps(body)
        async def awaited(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  the body's own
            __tracebackhide__ = True
            with without_traceback():
                if new_loop is None:
                    await beside_this_loop(marked.carry_out())
                else:
                    in_own_loop(marked.carry_out(), new_loop)
            _conclude(marked, properties)
            return await body(*arguments, **options)

        return awaited

    @wraps(body)
    def called(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  the body's own
        __tracebackhide__ = True
        with without_traceback():
            in_own_loop(marked.carry_out(), new_loop)
        _conclude(marked, properties)
        return body(*arguments, **options)

    return called


def _conclude(marked: MarkedTest, properties: Properties) -> None:
    """Note the figures for the report, and fail the test unless it passes."""
    __tracebackhide__ = True
    properties += marked.properties().items()
    if marked.replay.verdict is not Verdict.PASS:
        pytest.fail(explanation(marked.replay, marked.whereabouts()), pytrace=False)

"""What makes no two runs of a healthy server alike: ids, latencies, ticks, words."""

# ruff: noqa: TID251  a server reads its own clock

from __future__ import annotations

import argparse
import asyncio
import json
import random
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

Say = Callable[[str], Awaitable[Any]]
GREETINGS = ("good morning", "hello", "hi there", "welcome back", "nice to see you")


def options() -> argparse.Namespace:
    """Read what each of these servers is started with."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--build", choices=("racy", "healthy"), required=True)
    return parser.parse_args()


def message(kind: str, **fields: object) -> str:
    """Return a message with an id and a time of its own."""
    stamps = {"id": str(uuid.uuid4()), "at": datetime.now(UTC).isoformat()}
    return json.dumps({"type": kind, **fields, **stamps})


def greeting() -> str:
    """Return a greeting in random words."""
    return message("hello", text=random.choice(GREETINGS), load=random.randint(1, 99))


async def latency() -> None:
    """Take as long as a server takes, which is never the same."""
    await asyncio.sleep(random.uniform(0.000_2, 0.006))


async def tick(say: Say) -> None:
    """Say unasked, at odd times, how things are; until the connection is gone."""
    number = 0
    while True:
        await asyncio.sleep(random.uniform(0.09, 0.31))
        number += 1
        await say(message("tick", n=number, users=random.randint(3, 400)))

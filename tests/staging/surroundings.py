"""Options with which a replay or a hunt may change what is around the stand-in."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from local_staging.launch import HOST, Staging
from local_staging.services.backing import BackingServices
from local_staging.services.recipe import port_for

DEADHEAT = (sys.executable, "-m", "deadheat")
Address = tuple[str, int]


def free_addresses() -> dict[str, Address]:
    """Return where the fault proxies of each service are to listen."""
    return {name: (HOST, port_for(0)) for name in ("auth", "redis", "postgres")}


def cycling(staging: Staging) -> tuple[str, ...]:
    """Return options that have an instance cycled as the restart."""
    port = staging.chat_url.rpartition(":")[2].partition("/")[0]
    return ("--restart-command", " ".join((*DEADHEAT, "staging", "cycle", "--port", port)))


def faulty(
    staging: Staging, services: BackingServices, through: Mapping[str, Address]
) -> tuple[str, ...]:
    """Return options that put the fault proxies where the chat looks for its services."""
    upstream = {
        "auth": (HOST, int(staging.auth_url.rpartition(":")[2])),
        "redis": services.redis.address,
        "postgres": services.postgres.address,
    }
    pairs = (
        f"{name}={listen[0]}:{listen[1]}={upstream[name][0]}:{upstream[name][1]}"
        for name, listen in through.items()
    )
    return tuple(part for pair in pairs for part in ("--fault-proxy", pair))

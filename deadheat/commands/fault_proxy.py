"""`deadheat fault-proxy`: a relay with faults, for any TCP service."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deadheat import event_loop
from deadheat.addresses import address_from

if TYPE_CHECKING:
    from replay.fault_proxy import Fault
    from replay.fault_proxy.proxy import FaultProxy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--upstream", required=True, metavar="HOST:PORT", help="the service")
    parser.add_argument(
        "--listen",
        default="127.0.0.1:0",
        metavar="HOST:PORT",
        help="where to take connections (default: a free port of 127.0.0.1)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help="a fault to begin with, as in latency:delay_ms=100,jitter_ms=20 (may be repeated)",
    )
    parser.add_argument(
        "--schedule",
        type=Path,
        metavar="FILE",
        help='faults over time: a JSON list of {"at_ms": 0, "for_ms": 500, "fault": {"name": …}}',
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST",
        help="allow an upstream that is not this machine (also in deadheat.toml)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Relay until a signal."""
    from replay.fault_proxy import parse_fault
    from replay.target import check_host, configured_hosts

    upstream = address_from(options.upstream, "--upstream")
    listen = address_from(options.listen, "--listen")
    check_host(upstream[0], (*options.allow_host, *configured_hosts()))
    faults = [parse_fault(text) for text in options.fault]
    schedule = _schedule(options.schedule) if options.schedule is not None else []
    connections = event_loop.run(_serve(upstream, listen, faults, schedule, options.seed))
    print(f"relayed {connections} connections", file=sys.stderr)
    return 0


async def _serve(
    upstream: tuple[str, int],
    listen: tuple[str, int],
    faults: list[Fault],
    schedule: list[dict[str, Any]],
    seed: int,
) -> int:
    from replay.fault_proxy.proxy import FaultProxy

    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    began_s = loop.time()

    def tell(what: str) -> None:
        at_ms = round((loop.time() - began_s) * 1e3, 1)
        print(json.dumps({"at_ms": at_ms, "event": what}), flush=True)

    async with FaultProxy(upstream, listen, seed=seed, tell=tell) as proxy:
        host, port = proxy.address
        print(json.dumps({"ready": True, "listen": f"{host}:{port}"}), flush=True)
        for number, fault in enumerate(faults, 1):
            proxy.apply(f"fault {number}", fault)
        for number, entry in enumerate(schedule, 1):
            _later(loop, proxy, f"scheduled {number}", entry)
        await stopped.wait()
    return proxy.connections


def _later(
    loop: asyncio.AbstractEventLoop, proxy: FaultProxy, key: str, entry: dict[str, Any]
) -> None:
    loop.call_later(entry["at_ms"] / 1e3, proxy.apply, key, entry["fault"])
    if entry["for_ms"] is not None:
        loop.call_later((entry["at_ms"] + entry["for_ms"]) / 1e3, proxy.lift, key)


def _schedule(path: Path) -> list[dict[str, Any]]:
    """Read a schedule. Raises PlanError."""
    from replay.errors import PlanError
    from replay.fault_proxy import fault_from

    try:
        entries = json.loads(path.read_text())
        return [
            {
                "at_ms": float(entry["at_ms"]),
                "for_ms": None if entry.get("for_ms") is None else float(entry["for_ms"]),
                "fault": fault_from(entry["fault"]),
            }
            for entry in entries
        ]
    except OSError as error:
        raise PlanError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        expected = 'a list of {"at_ms": 0, "for_ms": 500, "fault": {"name": …}}'
        raise PlanError(f"{path} is no schedule ({error}), expected {expected}") from error

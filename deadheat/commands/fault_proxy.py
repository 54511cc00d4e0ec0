"""`deadheat fault-proxy`: a relay with faults, for any TCP service."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deadheat import event_loop
from deadheat.addresses import address_from

if TYPE_CHECKING:
    from replay.fault_proxy import Fault, Scheduled
    from replay.fault_proxy.proxy import FaultProxy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--upstream", required=True, metavar="HOST:PORT", help="the service")
    parser.add_argument(
        "--listen",
        default="127.0.0.1:0",
        metavar="HOST:PORT",
        help="where clients connect (default: 127.0.0.1 and a free port)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help="on from the start, as in latency:delay_ms=100,jitter_ms=20 (may be repeated)",
    )
    parser.add_argument(
        "--schedule",
        type=Path,
        metavar="FILE",
        help='faults over time: a JSON list of {"at_ms": 0, "for_ms": 500, "fault": {"name": …}}',
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="what chance is drawn from (default: 0)"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST",
        help="allow an upstream that is not this machine (also in deadheat.toml)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Relay until SIGINT or SIGTERM; one JSON line says when clients can connect."""
    from capture.clock import monotonic_ns
    from replay.fault_proxy import parse_fault, read_schedule
    from replay.fault_proxy.proxy import FaultProxy
    from replay.target import check_host, configured_hosts

    upstream = address_from(options.upstream, "--upstream")
    listen = address_from(options.listen, "--listen")
    check_host(upstream[0].lower(), (*options.allow_host, *configured_hosts()))
    faults = [parse_fault(text) for text in options.fault]
    schedule = read_schedule(options.schedule) if options.schedule is not None else ()
    began_ns = monotonic_ns()

    def tell(what: str) -> None:
        _print({"at_ms": round((monotonic_ns() - began_ns) / 1e6, 3), "event": what})

    proxy = FaultProxy(upstream, listen, seed=options.seed, tell=tell)
    event_loop.run(_serve(proxy, faults, schedule))
    relayed = ", ".join(f"{n} bytes {way}" for way, n in sorted(proxy.passed_bytes.items()))
    number = f"{proxy.connections} connection{'s' * (proxy.connections != 1)}"
    print(f"relayed {number}{': ' * bool(relayed)}{relayed}", file=sys.stderr)
    return 0


async def _serve(proxy: FaultProxy, faults: list[Fault], schedule: tuple[Scheduled, ...]) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    async with proxy:
        host, port = proxy.address
        shown = f"[{host}]" if ":" in host else host
        _print({"ready": True, "listen": f"{shown}:{port}"})
        # Nobody is accepted before the loop turns, so the first connection has them too.
        for number, fault in enumerate(faults, 1):
            proxy.apply(f"fault {number}", fault)
        proxy.follow(schedule)
        await stopped.wait()


def _print(line: dict[str, object]) -> None:
    try:
        print(json.dumps(line), flush=True)
    except BrokenPipeError:
        # Who started it reads no more; its clients are still there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

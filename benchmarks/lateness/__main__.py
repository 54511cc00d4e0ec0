"""`python -m benchmarks.lateness`: how late sends arrive, planned time to the receiver's stamp.

Loopback only, about seventy seconds. What is measured, and what came out: ../README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.lateness.senders import SENDERS, Load
from replay.lateness import summary_of

RATES_PER_S = (200, 1_000)
CONNECTIONS = (1, 20)


def main() -> int:
    """Run every load with every sender, print the table, write the JSON."""
    options = _options()
    busy = os.getloadavg()[0]
    if busy > 0.5:
        print(f"other work keeps {busy:.1f} cores busy: expect noise", file=sys.stderr)
    rows = []
    print(f"{'load':28} {'sender':14} {'early':>6} {'p50 µs':>8} {'p99 µs':>8} {'worst µs':>9}")
    for per_s in RATES_PER_S:
        for connections in CONNECTIONS:
            load = Load(per_s, connections, options.seconds)
            for sender in SENDERS:
                rows.append(measured(load, sender))
                print(_line(rows[-1]), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(_document(busy, options.seconds, rows), indent=1) + "\n")
    return int(any(row["early"] for row in rows if row["sender"] == "deadheat"))


def measured(load: Load, sender: str) -> dict[str, Any]:
    """Return the lateness of one sender under one load."""
    command = [sys.executable, "-m", "benchmarks.lateness.receiver", str(load.connections)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as receiver:
        port = json.loads(receiver.stdout.readline())["port"]
        planned = asyncio.run(_sent(sender, load, port))
        stamps = json.loads(receiver.stdout.read())
    arrived = {int(number): at_ns for number, at_ns in stamps.items()}
    if arrived.keys() != planned.keys() or len(arrived) != load.sends:
        raise RuntimeError(f"{sender}: {len(arrived)} of {load.sends} messages arrived")
    return _row(load, sender, [arrived[number] - at_ns for number, at_ns in planned.items()])


async def _sent(sender: str, load: Load, port: int) -> dict[int, int]:
    return await SENDERS[sender](load, port)


def _row(load: Load, sender: str, late_ns: Sequence[int]) -> dict[str, Any]:
    late = summary_of(late_ns)
    return {
        "per_s": load.per_s,
        "connections": load.connections,
        "sender": sender,
        "sends": late.sends,
        "early": sum(each_ns < 0 for each_ns in late_ns),
        "p50_us": late.median_ns / 1e3,
        "p99_us": late.p99_ns / 1e3,
        "worst_us": late.worst_ns / 1e3,
    }


def _line(row: dict[str, Any]) -> str:
    plural = "" if row["connections"] == 1 else "s"
    load = f"{row['per_s']}/s, {row['connections']} connection{plural}"
    figures = f"{row['p50_us']:8.0f} {row['p99_us']:8.0f} {row['worst_us']:9.0f}"
    return f"{load:28} {row['sender']:14} {row['early']:6} {figures}"


def _document(busy: float, seconds: float, rows: list[dict[str, Any]]) -> dict[str, Any]:
    about = {
        "busy_before": round(busy, 2),
        "seconds": seconds,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    return {"about": about, "rows": rows}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lateness", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

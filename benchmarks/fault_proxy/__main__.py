"""`python -m benchmarks.fault_proxy`: what the fault proxy costs without a fault, beside HAProxy.

And how close to its time a delay comes. Loopback only, under a minute. What came out: ../README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.fault_proxy.client import Load, Sample, measured
from benchmarks.fault_proxy.contestants import DEADHEAT, DELAY_MS, DIRECT, HAPROXY, LATE, started

LOADS = (
    Load("ping-pong, 1 connection", 1, 100),
    Load("ping-pong, 10 connections", 10, 100),
    Load("bulk, 1 connection", 1, 1 << 20, is_bulk=True),
    Load("bulk, 4 connections", 4, 1 << 20, is_bulk=True),
)
LATE_LOAD = Load(f"ping-pong, answers {DELAY_MS} ms late", 10, 100)

Samples = Mapping[str, list[Sample]]
"""The rounds of each contestant."""


def main() -> int:
    """Run the rounds, print the table, write the JSON."""
    options = _options()
    busy = os.getloadavg()[0]
    if busy > 0.5:
        print(f"other work keeps {busy:.1f} cores busy: expect noise", file=sys.stderr)
    rows = []
    for load, samples in _measured(options.rounds, options.seconds).items():
        for name in samples:
            rows.append(_row(load, name, samples))
            print(_line(rows[-1]))
    if options.json is not None:
        about = {"busy_before": round(busy, 2), "rounds": options.rounds, "cores": os.cpu_count()}
        options.json.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_proxy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=0.4, help="of each measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here too")
    return parser.parse_args()


def _measured(rounds: int, seconds: float) -> dict[Load, dict[str, list[Sample]]]:
    """Measure all of a load in every round; who goes first changes from round to round."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="deadheat-bench-"))
        ports = started(stack, Path(folder))
        plain = [name for name in ports if name != LATE]
        turns = {load: plain for load in LOADS} | {LATE_LOAD: [LATE]}
        samples: dict[Load, dict[str, list[Sample]]] = {
            load: {name: [] for name in names} for load, names in turns.items()
        }
        for number in range(rounds):
            for load, names in turns.items():
                first = number % len(names)
                for name in names[first:] + names[:first]:
                    samples[load][name].append(measured(ports[name], load, seconds))
    return samples


def _row(load: Load, name: str, samples: Samples) -> dict[str, Any]:
    """Return medians of the rounds, and of our ratios within each."""
    row: dict[str, Any] = {"load": load.name, "proxy": name}
    measures: dict[str, Callable[[Sample], float]] = (
        {"mbytes_per_s": lambda sample: sample.mbytes_per_s}
        if load.is_bulk
        else {"p50_us": lambda s: s.percentile_us(50), "p99_us": lambda s: s.percentile_us(99)}
    )
    for measure, of in measures.items():
        row[measure] = statistics.median(of(sample) for sample in samples[name])
        for peer in (DIRECT, HAPROXY):
            if name == DEADHEAT and peer in samples:
                pairs = zip(samples[name], samples[peer], strict=True)
                ratios = sorted(of(own) / of(other) for own, other in pairs)
                row[f"{measure}_to_{peer}"] = statistics.median(ratios)
                row[f"{measure}_to_{peer}_range"] = [ratios[0], ratios[-1]]
    return row


def _line(row: Mapping[str, Any]) -> str:
    cells = [f"{row['load']:30} {row['proxy']:15}"]
    for measure in ("p50_us", "p99_us", "mbytes_per_s"):
        if measure in row:
            cells.append(f"{row[measure]:6.0f} {measure}")
            for peer in (DIRECT, HAPROXY):
                if (ratio := row.get(f"{measure}_to_{peer}")) is not None:
                    low, high = row[f"{measure}_to_{peer}_range"]
                    cells.append(f"{ratio:5.2f} x {peer} ({low:.2f} to {high:.2f})")
    return "  ".join(cells)


if __name__ == "__main__":
    sys.exit(main())

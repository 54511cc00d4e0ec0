"""`python -m benchmarks.lateness`: how late sends are on the wire, and a thousand connections.

Loopback only, fifteen minutes with all contestants. What is measured, and what came out:
../README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.lateness import peers, report, wire
from benchmarks.lateness.load import Load
from benchmarks.lateness.machine import wait_for_calm
from benchmarks.lateness.measure import Sample, in_process, measured, measured_packets
from replay.plan import Pace

Measure = Callable[[Load], Sample]
SHAPES = ((200, 1), (200, 20), (1_000, 1), (1_000, 20))
MANY = 1_000
MANY_PER_S = 1_000
CURVE = (200, 500, 2_000)
PACES = (Pace.RECORDED, Pace.CAUSAL, Pace.HYBRID)
OWN = ("deadheat", "deadheat on asyncio", "asyncio.sleep", "bare spin")


def main() -> int:
    """Run the rounds, print the tables, write the JSON; say what is wrong or misses a target."""
    options = _options()
    on_wire = wire.is_allowed()
    if not on_wire:
        print("no raw sockets here: the server's stamps count, its waking up too", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="deadheat-bench-") as name:
        contestants = _contestants(options, Path(name), on_wire=on_wire)
        shapes = [Load(*shape, options.seconds) for shape in SHAPES]
        table = _rounds(options, {(load, c): m for load in shapes for c, m in contestants.items()})
    many = _rounds(options, _many(options, on_wire=on_wire))
    print("\nthe calmest of each row:\n" + report.HEAD)
    for group in report.grouped(table).values():
        print(report.line(report.calmest(group)))
    for group in report.grouped(many).values():
        best = report.calmest(group)
        print(f"{report.line(best)}  {report.cost(best)}")
    everything = [*table, *many]
    if options.json is not None:
        document = {"about": _about(options, on_wire), "rows": report.document(everything)}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    wrong = list(report.wrongs(everything, on_wire=on_wire))
    missed = list(report.missed(everything))
    for each in wrong + missed:
        print(each, file=sys.stderr)
    return int(bool(wrong) or (options.check and bool(missed)))


def _contestants(
    options: argparse.Namespace, folder: Path, *, on_wire: bool
) -> Mapping[str, Measure]:
    """Return who takes part; who is missing was named."""
    sends = {name: in_process(name) for name in OWN}
    if "artillery" not in options.without and (
        executable := peers.artillery(options.artillery, folder)
    ):
        sends["artillery hook"] = peers.artillery_hook(executable, folder)
        sends["artillery think"] = peers.artillery_think(executable, folder)

    def measure(name: str) -> Measure:
        return lambda load: measured(load, name, sends[name], on_wire=on_wire)

    measures = {name: measure(name) for name in sends}
    if "tcpreplay" not in options.without:
        if not on_wire:
            print("tcpreplay is left out: it needs raw sockets", file=sys.stderr)
        elif found := peers.tcpreplay(options.tcpreplay):
            packets = peers.tcpreplay_packets(found, folder)
            measures["tcpreplay"] = lambda load: measured_packets(
                load, "tcpreplay", peers.NOBODYS_PORT, packets
            )
    return measures


def _many(options: argparse.Namespace, *, on_wire: bool) -> Mapping[tuple[Load, str], Measure]:
    """Return the measurements of many connections to a server that answers every message."""

    def measure(pace: Pace) -> Measure:
        send = in_process("deadheat", pace)
        name = f"deadheat, {pace}"
        return lambda load: measured(load, name, send, on_wire=on_wire, answers=True)

    loads = {(Load(MANY_PER_S, MANY, options.many_seconds), pace): pace for pace in PACES}
    for connections in CURVE:
        loads[Load(MANY_PER_S, connections, options.many_seconds), Pace.RECORDED] = Pace.RECORDED
    return {key: measure(pace) for key, pace in loads.items()}


def _rounds(
    options: argparse.Namespace, measures: Mapping[tuple[Load, str], Measure]
) -> list[Sample]:
    """Measure all, again and again; who goes first changes from round to round."""
    samples = []
    chosen = [
        (load, m) for (load, name), m in measures.items() if options.only in f"{load}, {name}"
    ]
    for number in range(options.rounds):
        first = number * len(chosen) // options.rounds
        print(f"\nround {number + 1} of {options.rounds}\n{report.HEAD}")
        for load, measure in chosen[first:] + chosen[:first]:
            wait_for_calm(options.wait_for_calm)
            samples.append(measure(load))
            print(report.line(samples[-1]), flush=True)
    return samples


def _about(options: argparse.Namespace, on_wire: bool) -> dict[str, Any]:
    return {
        "stamps": "wire" if on_wire else "server",
        "rounds": options.rounds,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lateness", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument(
        "--many-seconds", type=float, default=10, metavar="S", help="with many connections"
    )
    parser.add_argument(
        "--wait-for-calm",
        type=float,
        default=0,
        metavar="S",
        help="wait up to S seconds before each measurement for the machine to be idle",
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name has this")
    parser.add_argument("--artillery", metavar="PATH", help="default: installed for this run")
    parser.add_argument("--tcpreplay", metavar="PATH", help="default: tcpreplay on the PATH")
    parser.add_argument("--without", action="append", default=[], choices=peers.HOW_TO_GET)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here too")
    parser.add_argument("--check", action="store_true", help="fail where a target is missed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

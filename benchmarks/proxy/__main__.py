"""`python -m benchmarks.proxy`: our recording proxy beside HAProxy and mitmproxy.

Loopback only, three minutes at most. What is measured, and what limits it: ../README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.proxy import ceiling, contestants, report
from benchmarks.proxy.contestants import Standing
from benchmarks.proxy.loads import LOADS, Load
from benchmarks.proxy.rounds import Rounds


def main() -> int:
    """Run, print the table, write the JSON; exit 1 only with --check and a target missed."""
    options = _options()
    busy = os.getloadavg()[0]
    if busy > 0.5:
        print(f"other work keeps {busy:.1f} cores busy: expect noise", file=sys.stderr)
    loads = tuple(each for each in LOADS if options.only in f"{each.ends}, {each.name}")
    with tempfile.TemporaryDirectory(prefix="deadheat-bench-") as name:
        folder = Path(name)
        ceilings = _ceilings(folder)
        with contextlib.ExitStack() as stack:
            rounds = Rounds(folder, _standing(stack, folder, options), 0.1, options.seconds)
            _run(rounds, loads, options)
    rows = report.summary(rounds, loads)
    print(report.table(rows))
    print("\nthe recorder alone, no socket (decode, redact, write):")
    for each in ceilings:
        what = f"{each['size']:6} bytes, {each['at_once']:2} a read"
        how = "" if each["redacts"] else ", secrets kept"
        print(f"  {what}: {each['frames_per_s']:9.0f} frames/s{how}")
    if options.json is not None:
        options.json.write_text(
            json.dumps(_document(busy, options, rows, ceilings), indent=1) + "\n"
        )
    return int(options.check and not all(row.get("meets", True) for row in rows))


def _run(rounds: Rounds, loads: tuple[Load, ...], options: argparse.Namespace) -> None:
    begin = time.perf_counter()
    for number in range(options.rounds):
        if sys.stderr.isatty():
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        rounds.run(loads, number)
        spent_s = time.perf_counter() - begin
        if spent_s * (number + 2) / (number + 1) > options.within:
            break


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proxy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="at most")
    parser.add_argument("--seconds", type=float, default=0.3, help="of each measurement")
    parser.add_argument("--within", type=float, default=165, metavar="SECONDS", help="of all")
    parser.add_argument("--only", default="", metavar="TEXT", help="loads whose name has this")
    parser.add_argument("--haproxy", metavar="PATH", help="default: haproxy on the PATH")
    parser.add_argument("--mitmdump", metavar="PATH", help="default: mitmdump on the PATH")
    parser.add_argument("--without", action="append", default=[], choices=contestants.HOW_TO_GET)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here too")
    parser.add_argument("--check", action="store_true", help="fail where a target is missed")
    return parser.parse_args()


def _standing(
    stack: contextlib.ExitStack, folder: Path, options: argparse.Namespace
) -> dict[str, Standing]:
    standing = {"direct": stack.enter_context(contestants.servers(folder))}
    upstreams = standing["direct"].ports
    asked = {"haproxy": options.haproxy, "mitmproxy": options.mitmdump}
    starts = {"haproxy": contestants.haproxy, "mitmproxy": contestants.mitmproxy}
    for name, start in starts.items():
        if name not in options.without and (executable := contestants.found(name, asked[name])):
            standing[name] = stack.enter_context(start(folder, upstreams, executable))
    return standing


def _ceilings(folder: Path) -> list[dict[str, Any]]:
    return [
        asdict(each) | {"frames_per_s": ceiling.frames_per_s(folder, each, 0.4)}
        for each in ceiling.CEILINGS
    ]


def _document(
    busy: float,
    options: argparse.Namespace,
    rows: list[dict[str, Any]],
    ceilings: list[dict[str, Any]],
) -> dict[str, Any]:
    about = {
        "busy_before": round(busy, 2),
        "rounds": rows[0]["rounds"],
        "seconds": options.seconds,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    return {"about": about, "rows": rows, "recorder_alone": ceilings}


if __name__ == "__main__":
    sys.exit(main())

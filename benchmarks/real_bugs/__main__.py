"""`python -m benchmarks.real_bugs`: does a hunt find bugs of released packages?

Each case is recorded and hunted in a bad version and in a fixed one. What came of it:
docs/real_bugs.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.real_bugs.case import Build, Case
from benchmarks.real_bugs.cases import CASES
from benchmarks.real_bugs.hunting import Asked, hunted
from benchmarks.real_bugs.known import replayed
from benchmarks.real_bugs.outcome import Outcome, failed, outcome_of
from benchmarks.real_bugs.serving import record, serving
from benchmarks.real_bugs.table import line_of, markdown

RUNS = Path("runs/real_bugs")


def main() -> int:
    """Hunt in every build, print the table; 1 when a verdict is not as known."""
    options = _options()
    asked = None if options.known else Asked(options.seed, options.budget)
    outcomes = []
    for case, build in _chosen(options.names, options.builds):
        try:
            outcomes.append(_outcome(case, build, asked, options.out))
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            outcomes.append(failed(case, build, str(error)))
        print(line_of(outcomes[-1]), file=sys.stderr, flush=True)
    table = markdown(outcomes)
    print(table, end="")
    if options.markdown is not None:
        options.markdown.write_text(table)
    if options.json is not None:
        rows = [asdict(outcome) | {"is_right": outcome.is_right} for outcome in outcomes]
        options.json.write_text(json.dumps({"seed": options.seed, "rows": rows}, indent=1) + "\n")
    return 0 if all(outcome.is_right for outcome in outcomes) else 1


def _outcome(case: Case, build: Build, asked: Asked | None, out: Path) -> Outcome:
    """Start the server, record a healthy session, hunt in it; or replay the known plan."""
    folder = (out / case.name / build.name.replace(" ", "_")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    capture = folder / "session.capture.jsonl"
    for stale in (capture, folder / "server.log"):
        stale.unlink(missing_ok=True)
    with serving(case, build, folder) as url:
        record(case, url, capture)
        if asked is None:
            found = replayed(case, url, folder)
        else:
            found = hunted(case, asked, url, folder)
    pattern = case.sign if asked is None else case.symptom
    return outcome_of(case, build, found.result, found.seconds, pattern)


def _chosen(names: Sequence[str], builds: Sequence[str]) -> Iterator[tuple[Case, Build]]:
    for case in CASES:
        for build in case.builds:
            if (not names or case.name in names) and (not builds or build.name in builds):
                yield case, build


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_bugs", description=__doc__)
    # argparse would check an empty default against `choices`, so that is done by hand.
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(c.name for c in CASES))
    parser.add_argument("--build", dest="builds", action="append", default=[], help="only this one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=int, help="of each hunt, in place of its default")
    parser.add_argument("--known", action="store_true", help="replay the known plan, no search")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    parser.add_argument("--out", type=Path, default=RUNS, metavar="DIR", help="records of the runs")
    options = parser.parse_args()
    unknown = set(options.names) - {case.name for case in CASES}
    if unknown:
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())

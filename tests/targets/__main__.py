"""Does the hunt find the race of each target, with its window, and accuse no healthy one?

`python -m tests.targets` starts each server of `tests/targets/servers`, records a healthy session,
and hunts on both builds with the default budget. `--json FILE` keeps what was done, and what is in
it is not done again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.targets.catalogue import ALL, named
from tests.targets.hunting import hunted
from tests.targets.outcome import Edges, Outcome
from tests.targets.process import missing
from tests.targets.table import table
from tests.targets.target import BUILDS, Target

COMMAND = "python -m tests.targets"
BUDGET = 200
INTRODUCTION = """# Targets hunted

Small servers of other makes ([tests/targets](../tests/targets)), each with a real race whose window
is known, and a healthy build full of legitimate nondeterminism. Hunted with `deadheat hunt`, which
on a racy build ends with its first finding. An edge is right within 20 % of it, and one at 0 within
20 % of the window. Written by

```
{command}
```

{table}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Hunt, and print the table. Returns 1 when a hunt did not end as it should."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="targets, by default all")
    parser.add_argument("--build", choices=BUILDS, action="append")
    parser.add_argument("--seeds", type=int, default=1, metavar="N")
    parser.add_argument("--budget", type=int, default=BUDGET, metavar="B")
    parser.add_argument("--json", type=Path, metavar="FILE", help="one line a hunt, appended")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--keep", type=Path, default=Path("runs/targets"), metavar="DIR")
    options = parser.parse_args(arguments)
    targets = [named(name) for name in options.names] or list(ALL)
    if lacking := {target.name: why for target in targets if (why := missing(target))}:
        parser.error("; ".join(f"{name}: {why}" for name, why in lacking.items()))
    done = [] if options.json is None else _read(options.json)
    for seed in range(options.seeds):
        for target in targets:
            for build in options.build or BUILDS:
                if any((o.target, o.build, o.seed) == (target.name, build, seed) for o in done):
                    continue
                kept = options.keep / f"{target.name}-{build}-{seed}"
                done.append(hunted(target, build, seed, options.budget, kept))
                _tell(done[-1], options.json)
    text = "\n".join(table(targets, done))
    print(text)
    if options.markdown is not None:
        options.markdown.write_text(_page(text, targets, options))
    asked = {target.name for target in targets}
    return 0 if all(outcome.is_right for outcome in done if outcome.target in asked) else 1


def _tell(outcome: Outcome, file: Path | None) -> None:
    line = json.dumps(asdict(outcome))
    print(line, flush=True)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as lines:
            lines.write(line + "\n")


def _page(text: str, targets: Sequence[Target], options: argparse.Namespace) -> str:
    command = f"{COMMAND} {' '.join(options.names)}".rstrip() + f" --seeds {options.seeds}"
    command += f" --budget {options.budget} --markdown {options.markdown}"
    races = "\n".join(f"- **{each.name}**: {each.protocol} *{each.race}*" for each in targets)
    return INTRODUCTION.format(command=command, table=f"{text}\n\nTheir races:\n\n{races}")


def _read(path: Path) -> list[Outcome]:
    if not path.exists():
        return []
    found = []
    for line in map(json.loads, path.read_text().splitlines()):
        edges = None if line["edges"] is None else Edges(**line["edges"])
        found.append(Outcome(**line | {"edges": edges, "reasons": tuple(line["reasons"])}))
    return found


if __name__ == "__main__":
    sys.exit(main())

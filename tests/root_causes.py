"""Does the hunt find each of the five root causes, and accuse nobody once they are mended?

`python -m tests.root_causes` hunts with the default budget from each healthy sample, on both builds
of the stand-in, with five seeds each. That takes hours; `--results FILE` keeps what was done, and
what is in it is not done again. Root causes 1 and 4 are hunted in virtual time, the others against
real processes, Redis and PostgreSQL.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deadheat.commands.hunt import BUDGET, BUDGET_IN_PROCESS
from local_staging.clock import monotonic_ns
from local_staging.dependencies import Dependencies
from local_staging.edge_settings import EdgeSettings
from local_staging.launch import launch
from local_staging.services.backing import BackingServices, backing_services
from local_staging.signing_key import write_signing_key
from tests.staging.surroundings import DEADHEAT, cycling, faulty, free_addresses

SAMPLES = Path(__file__).parents[1] / "data/samples"
BUILDS = ("incident", "fixed")
COMMAND = "python -m tests.root_causes"
# What the runs of a finding are called in the table of runs.
OF_A_FINDING = frozenset({"sweep", "confirm", "window", "rate"})


@dataclass(frozen=True, slots=True)
class Sample:
    """A healthy capture, and the message by which its root cause is known."""

    root_cause: int
    name: str
    message: str
    is_virtual: bool = False
    cycles: bool = False
    faults: bool = False
    more: tuple[str, ...] = ()


ACCEPT = 'WebSocket is not connected. Need to call "accept" first.'
ALL = (
    Sample(1, "chat_reconnect", ACCEPT, is_virtual=True),
    Sample(1, "mid_run", ACCEPT, is_virtual=True),
    Sample(2, "instance_cycle", "unexpected keyword argument 'websocket_manager'", cycles=True),
    Sample(3, "slow_dependencies", "not ready after ", faults=True),
    # Its infrastructure gives up two minutes after a client was last heard.
    Sample(
        4,
        "two_minutes",
        "keepalive ping timeout",
        is_virtual=True,
        more=("--patience", "130"),
    ),
    Sample(5, "connection_response", "Failed to send connection response", faults=True),
)


@dataclass(frozen=True, slots=True)
class Hunted:
    """What came of one hunt. `shows` is whether the root cause's own message is in a finding."""

    root_cause: int
    sample: str
    build: str
    seed: int
    budget: int
    verdict: str
    shows: bool
    findings: tuple[str, ...]
    runs: int
    took_s: float

    @property
    def is_right(self) -> bool:
        """Whether it is as it should be for the build."""
        return self.shows if self.build == "incident" else self.verdict == "not reproduced"


def hunted(
    sample: Sample, build: str, seed: int, budget: int, services: BackingServices | None
) -> Hunted:
    """Hunt once. Raises RuntimeError when the command fails."""
    out = Path(tempfile.mkdtemp(prefix=f"{sample.name}-{build}-{seed}-", dir=_kept()))
    capture = SAMPLES / f"{sample.name}.capture.jsonl"
    asked = ("hunt", str(capture), "--seed", str(seed), "--budget", str(budget))
    asked += ("--out", str(out / "hunt"), "--json", *sample.more)
    began_ns = monotonic_ns()
    if sample.is_virtual:
        key = out / "key.pem"
        write_signing_key(key)
        app = ("--app", f"local_staging.in_process:{build}", "--jwt-key", str(key))
        answer = _answer((*asked, *app), {"AUTH_SIGNING_KEY_FILE": str(key)})
    else:
        through = free_addresses() if sample.faults else {}
        assert services is not None
        with launch(
            chat=build,
            dependencies=Dependencies(services, through),
            edge=EdgeSettings(limits={"min_instances": "1"}),
            directory=out / "staging",
        ) as staging:
            target = ("--target", staging.chat_url, "--jwt-key", str(staging.signing_key))
            around = (
                *("--log", str(staging.chat_log)),
                *(cycling(staging) if sample.cycles else ()),
                *(faulty(staging, services, through) if sample.faults else ()),
            )
            answer = _answer((*asked, *target, *around), {})
    return Hunted(
        root_cause=sample.root_cause,
        sample=sample.name,
        build=build,
        seed=seed,
        budget=budget,
        verdict=answer["verdict"],
        shows=_shows(sample.message, answer, out / "hunt"),
        findings=tuple(
            f"{finding['symptom']['detail'][:160]} | {json.dumps(finding['edits'])}"
            for finding in answer["findings"]
        ),
        runs=answer["runs"],
        took_s=round((monotonic_ns() - began_ns) / 1e9, 1),
    )


def _kept() -> Path:
    """Return where the hunts are kept, to look into."""
    kept = Path("runs/root_causes")
    kept.mkdir(parents=True, exist_ok=True)
    return kept


def _answer(command: Sequence[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        (*DEADHEAT, *command),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _shows(message: str, answer: dict[str, Any], hunt: Path) -> bool:
    """Whether a finding has the message, in its symptom or in the log of one of its runs."""
    found = [finding["edits"] for finding in answer["findings"]]
    if any(message in finding["symptom"]["detail"] for finding in answer["findings"]):
        return True
    runs = [json.loads(line) for line in (hunt / "runs.jsonl").read_text().splitlines()]
    return any(
        message in line
        for run in runs
        if run["verdict"] == "fail" and run["purpose"] in OF_A_FINDING and run["edits"] in found
        for line in run["log"]
    )


def table(results: Sequence[Hunted]) -> Iterator[str]:
    """Yield the table in Markdown, a line for each sample and build."""
    yield "| root cause | sample | build | as it should be | runs | seconds | what was found |"
    yield "|---|---|---|---|---|---|---|"
    for sample in ALL:
        for build in BUILDS:
            own = [each for each in results if (each.sample, each.build) == (sample.name, build)]
            if not own:
                continue
            right = sum(each.is_right for each in own)
            should = "found" if build == "incident" else "not accused"
            heads = {text.partition(" | ")[0] for each in own for text in each.findings}
            runs, seconds = ([getattr(each, name) for each in own] for name in ("runs", "took_s"))
            yield (
                f"| {sample.root_cause} | {sample.name} | {build} | {should} in {right} of "
                f"{len(own)} | {min(runs)} to {max(runs)} | {min(seconds):.0f} to "
                f"{max(seconds):.0f} | {'; '.join(sorted(heads)) or 'nothing'} |"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Hunt, and print the table. Returns 1 when a hunt did not end as it should."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("samples", nargs="*", choices=[*(sample.name for sample in ALL), []])
    parser.add_argument("--build", choices=BUILDS, action="append")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--budget", type=int, help="in place of what a hunt has by default")
    parser.add_argument("--results", type=Path, default=Path("runs/root_causes/results.jsonl"))
    parser.add_argument("--markdown", type=Path, help="write the table there too")
    options = parser.parse_args(arguments)
    samples = [sample for sample in ALL if not options.samples or sample.name in options.samples]
    done = _read(options.results)
    todo = [
        (sample, build, seed)
        for seed in range(options.seeds)
        for sample in samples
        for build in options.build or BUILDS
        if not any((r.sample, r.build, r.seed) == (sample.name, build, seed) for r in done)
    ]
    options.results.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, backing_services(Path(directory)) as services:
        for sample, build, seed in todo:
            budget = options.budget or (BUDGET_IN_PROCESS if sample.is_virtual else BUDGET)
            result = hunted(sample, build, seed, budget, services)
            done.append(result)
            print(json.dumps(asdict(result)), flush=True)
            with options.results.open("a") as file:
                file.write(json.dumps(asdict(result)) + "\n")
    text = "\n".join(table(done)) + "\n"
    print(text)
    if options.markdown is not None:
        options.markdown.write_text(f"# Root causes hunted\n\nWritten by `{COMMAND}`.\n\n{text}")
    return 0 if all(result.is_right for result in done) else 1


def _read(path: Path) -> list[Hunted]:
    if not path.exists():
        return []
    lines = map(json.loads, path.read_text().splitlines())
    return [Hunted(**(line | {"findings": tuple(line["findings"])})) for line in lines]


if __name__ == "__main__":
    sys.exit(main())

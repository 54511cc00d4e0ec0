"""One measurement: server, witness of the wire and sender, each a process; then what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.lateness.load import Load
from benchmarks.lateness.machine import Busy
from replay.lateness import summary_of

GIVE_UP_S = 120
# Unbuffered, Python loses what did not fit into the pipe at once.
ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": ""}
Told = Mapping[str, Any]


@dataclass(slots=True)
class Sample:
    """One contestant under one load: when each message was planned, and when it was on the wire."""

    load: Load
    sender: str
    planned_ns: Mapping[int, int]
    seen_ns: Mapping[int, int]
    busy: Busy
    witness: Told
    told: Told = field(default_factory=dict)

    @property
    def late_ns(self) -> list[int]:
        """How late each message was that came."""
        return [
            self.seen_ns[n] - at_ns for n, at_ns in self.planned_ns.items() if n in self.seen_ns
        ]

    @property
    def lost(self) -> int:
        return self.load.sends - len(self.planned_ns.keys() & self.seen_ns.keys())

    @property
    def early(self) -> int:
        return sum(late_ns < 0 for late_ns in self.late_ns)

    @property
    def out_of_turn(self) -> int:
        """How many messages came after one that was planned for later."""
        came = sorted(self.planned_ns.keys() & self.seen_ns.keys(), key=self.seen_ns.__getitem__)
        latest_ns = turns = 0
        for number in came:
            turns += self.planned_ns[number] < latest_ns
            latest_ns = max(latest_ns, self.planned_ns[number])
        return turns

    def row(self) -> dict[str, Any]:
        """Return the figures."""
        late = summary_of(self.late_ns)
        row: dict[str, Any] = {
            **self.load.to_json(),
            "sender": self.sender,
            "sends": len(self.late_ns),
            "lost": self.lost,
            "early": self.early,
            "out_of_turn": self.out_of_turn,
            "others_cores": round(self.busy.others, 3),
            "stolen_cores": round(self.busy.stolen, 3),
            "idle_cores": round(self.busy.idle, 3),
            "loadavg": self.busy.load,
            "packets_dropped": self.witness.get("dropped"),
            "clocks_apart_ns": self.witness.get("clocks_apart_ns"),
        }
        if late is not None:
            row |= {"p50_us": late.median_ns / 1e3, "p99_us": late.p99_ns / 1e3}
            row["worst_us"] = late.worst_ns / 1e3
        return row | {name: self.told[name] for name in ("cpu_s", "peak_mib") if name in self.told}


Send = Callable[[Load, int], Told]
"""Sends a load to a port, and tells what was planned."""


def measured(
    load: Load, sender: str, send: Send, *, on_wire: bool, answers: bool = False
) -> Sample:
    """Measure one contestant. Without `on_wire` the server's own stamps count."""
    with Busy() as busy:
        with _receiver(load, answers=answers) as (port, received):
            with _witness(port if on_wire else None) as witness:
                told = send(load, port)
            came = received()
    seen = witness if on_wire else came
    seen_ns = {int(number): at_ns for number, at_ns in seen["at_ns"].items()}
    if "planned_ns" in told:
        planned_ns = {int(number): at_ns for number, at_ns in told["planned_ns"].items()}
    else:
        planned_ns = from_first_of_each(load, seen_ns)
    return Sample(load, sender, planned_ns, seen_ns, busy, seen, told)


def measured_packets(load: Load, sender: str, port: int, send: Send) -> Sample:
    """Measure a contestant of packets, which needs no server; planned from its first on."""
    with Busy() as busy, _witness(port) as witness:
        told = send(load, port)
    seen_ns = {int(number): at_ns for number, at_ns in witness["at_ns"].items()}
    return Sample(load, sender, from_first(load, seen_ns), seen_ns, busy, witness, told)


def from_first(load: Load, seen_ns: Mapping[int, int]) -> dict[int, int]:
    """Return the schedule as if it had begun with the first message that was seen."""
    if not seen_ns:
        return {}
    first = min(seen_ns, key=seen_ns.__getitem__)
    began_ns = seen_ns[first] - load.offset_ns(first)
    return {number: began_ns + load.offset_ns(number) for number in range(load.sends)}


def from_first_of_each(load: Load, seen_ns: Mapping[int, int]) -> dict[int, int]:
    """Return the schedule as if each connection's had begun with its first message."""
    planned_ns = {}
    for connection in range(load.connections):
        first_ns = seen_ns.get(connection)
        for number in load.of_connection(connection) if first_ns is not None else ():
            planned_ns[number] = first_ns + load.offset_ns(number) - load.offset_ns(connection)
    return planned_ns


def in_process(name: str, *more: str) -> Send:
    """Return what runs a sender of `senders` in a process of its own."""

    def send(load: Load, port: int) -> Told:
        command = [sys.executable, "-m", "benchmarks.lateness.senders"]
        command += [name, str(port), json.dumps(load.to_json()), *more]
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            env=ENVIRONMENT,
            timeout=GIVE_UP_S + load.seconds,
            check=True,
        )
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    return send


@contextmanager
def _receiver(load: Load, *, answers: bool) -> Iterator[tuple[int, Callable[[], Told]]]:
    arguments = [str(load.connections), *(["--answers"] if answers else [])]
    with _python("receiver", *arguments) as process:
        yield json.loads(process.stdout.readline())["port"], lambda: _last_words(process)


@contextmanager
def _witness(port: int | None) -> Iterator[dict[str, Any]]:
    """Run the witness of the wire; what it saw is in the yielded dict afterwards."""
    seen: dict[str, Any] = {}
    if port is None:
        yield seen
        return
    with _python("wire", str(port)) as process:
        process.stdout.readline()
        yield seen
        seen |= _last_words(process)


@contextmanager
def _python(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command: Sequence[str] = [sys.executable, "-m", f"benchmarks.lateness.{module}", *arguments]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=ENVIRONMENT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _last_words(process: subprocess.Popen[str]) -> Told:
    """End the input of a process, which ends it, and return what it says then."""
    output, _ = process.communicate(timeout=GIVE_UP_S)
    return json.loads(output)  # type: ignore[no-any-return]
